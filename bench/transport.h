// A non-blocking socket, plain or inside TLS, for the load generator and the stub backend.
// OpenSSL works on the descriptor itself: simple, and its cost is not the proxy's.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

// Forward declarations, so that only transport.cpp sees OpenSSL.
struct ssl_st;
struct ssl_ctx_st;

namespace pgmoat::bench {

struct ContextDeleter {
    void operator()(ssl_ctx_st* context) const noexcept;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, ContextDeleter>;

// Both throw std::runtime_error. The client verifies nothing: it measures, it does not trust.
[[nodiscard]] TlsContext make_client_context();
[[nodiscard]] TlsContext make_server_context(const std::string& cert, const std::string& key);

enum class IoStatus { done, would_block, closed, failed };

struct IoResult {
    IoStatus status;
    std::size_t bytes = 0;
};

class Transport {
  public:
    explicit Transport(int descriptor) noexcept : descriptor_(descriptor) {}
    ~Transport();
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

    enum class Role { client, server };
    void start_tls(ssl_ctx_st& context, Role role);
    [[nodiscard]] IoStatus handshake();

    [[nodiscard]] IoResult read(std::span<char> into);
    [[nodiscard]] IoResult write(std::string_view bytes);
    // Sends close_notify if there is TLS; the destructor closes.
    void say_goodbye();

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    [[nodiscard]] bool is_tls() const noexcept { return ssl_ != nullptr; }
    // "TLSv1.3 TLS_AES_256_GCM_SHA384 X25519" or "plaintext".
    [[nodiscard]] std::string description() const;

  private:
    struct SslDeleter {
        void operator()(ssl_st* ssl) const noexcept;
    };
    [[nodiscard]] IoStatus status_of(int result) const;

    int descriptor_;
    std::unique_ptr<ssl_st, SslDeleter> ssl_;
};

} // namespace pgmoat::bench

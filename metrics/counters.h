// What is counted, and where. Each thread writes a block of its own with relaxed loads and stores:
// no lock, no shared cache line, no allocation. A scrape sums the blocks while they are being
// written.
//
//   Counters counters;                                       // one, owned by the server, passed in
//   ListenerId edge = counters.add_listener("edge", Mode::terminate);   // start and reload
//   Block& block = counters.block_of_this_thread();          // once per thread, kept
//   block.connection_opened(edge, Mode::terminate);
//   Totals totals = counters.sum();                          // at a scrape, any thread
#pragma once

#include "metrics/cells.h"
#include "metrics/labels.h"
#include "metrics/limits.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace pgmoat::metrics {

using Duration = std::chrono::steady_clock::duration;

// Indices that Counters gives out; valid in every block, for ever.
enum class ListenerId : std::uint16_t {};
enum class UpstreamId : std::uint16_t {};

// A finished TLS handshake as its peers named it, in OpenSSL's words; what is not on the closed
// lists counts as `other`.
struct TlsHandshake {
    Side side = Side::client;
    std::string_view version = {}; // "TLSv1.3"
    std::string_view cipher = {};
    std::string_view group = {}; // empty: none
    Sni sni = Sni::unknown;
};

// What one thread counted. Only that thread calls these; none blocks, allocates or fails.
class alignas(cache_line_bytes) Block {
  public:
    explicit Block(std::thread::id owner) noexcept : owner_(owner) {}
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    void connection_opened(ListenerId listener, Mode mode) noexcept;
    void connection_closed(ListenerId listener, Mode mode, CloseReason reason) noexcept;
    void connection_lasted(ListenerId listener, Duration duration) noexcept;
    void bytes(ListenerId listener, Direction direction, std::uint64_t count) noexcept;

    // After the login, where the bytes that pass are messages to us.
    void queries(ListenerId listener, std::uint64_t count) noexcept;
    void messages_from_client(ListenerId listener, std::uint8_t type, std::uint64_t count) noexcept;
    void messages_from_server(ListenerId listener, std::uint8_t type, std::uint64_t count) noexcept;
    void transaction_ended(ListenerId listener, TransactionEnd end) noexcept;
    void server_error(ListenerId listener, std::string_view sqlstate_class) noexcept;

    void startup_request(ListenerId listener, StartupKind kind) noexcept;
    void startup_error(ListenerId listener, StartupError error) noexcept;
    void login_took(ListenerId listener, Duration duration) noexcept; // accept to ReadyForQuery

    // Until the certificate that a client showed expires.
    void client_certificate_remains(ListenerId listener, std::chrono::seconds time) noexcept;

    // A handshake in flight began here and ended here, well or not; the two pair up over all
    // threads. Only for handshakes of our own: one that merely passes through is not in flight
    // here.
    void tls_handshake_began() noexcept;
    void tls_handshake_ended() noexcept;
    void tls_handshake(ListenerId listener, const TlsHandshake& handshake) noexcept;
    void tls_handshake_failed(ListenerId listener, Side side, HandshakeFailure failure) noexcept;
    void tls_handshake_took(Side side, Duration duration) noexcept;
    // Passthrough: once for each version that a ClientHello offers.
    void client_hello_offered(ListenerId listener, std::string_view version) noexcept;

    void upstream_connect(UpstreamId upstream, ConnectResult result, Duration duration) noexcept;
    void upstream_wrong_role(UpstreamId upstream) noexcept;
    void cancel_request(CancelOutcome outcome) noexcept;
    void scram_login(ScramOutcome outcome) noexcept;

    void accept_failed(int errno_value) noexcept;
    void rate_limited(Limit limit) noexcept;
    void log_messages_dropped(std::uint64_t count) noexcept;
    void internal_error() noexcept;

  private:
    friend class Counters;

    ListenerCells<Counter>& at(ListenerId listener) noexcept;

    const std::thread::id owner_;
    Block* next_ = nullptr; // the older block; set before the block is published
    ProcessCells<Counter> process_;
    std::array<ListenerCells<Counter>, listeners_max> listeners_;
    std::array<UpstreamCells<Counter>, upstreams_max> upstreams_;
    HandshakeTable handshakes_;
};

// The sums of all blocks at one moment, as plain numbers. Reading is not a snapshot: a connection
// that opens and closes meanwhile may be seen half.
struct Totals {
    struct Listener {
        std::string name;
        std::array<bool, mode_count> modes{}; // that it was configured with
        ListenerCells<std::uint64_t> counts;
    };
    struct Upstream {
        std::string name;
        UpstreamCells<std::uint64_t> counts;
    };
    std::vector<Listener> listeners;
    std::vector<Upstream> upstreams;
    ProcessCells<std::uint64_t> process;
    std::map<HandshakeKind, std::uint64_t> handshakes; // by listener's place in `listeners`
};

class Counters {
  public:
    Counters() = default;
    ~Counters();
    Counters(const Counters&) = delete;
    Counters& operator=(const Counters&) = delete;

    // Registers a name of the configuration, or finds it: counters survive a reload. Beyond the
    // limit every new name shares the index of `_other`. Any thread.
    [[nodiscard]] ListenerId add_listener(std::string_view name, Mode mode);
    [[nodiscard]] UpstreamId add_upstream(std::string_view name);

    // The calling thread's block, made at its first call. It costs a walk over the blocks: keep the
    // reference where the call is frequent. A new thread takes over the block of a dead one that
    // had its id.
    [[nodiscard]] Block& block_of_this_thread();

    [[nodiscard]] Totals sum() const; // any thread; delays no counting thread

  private:
    struct ListenerName {
        std::string name;
        std::array<bool, mode_count> modes{};
    };
    struct UpstreamName {
        std::string name;
    };

    std::atomic<Block*> newest_{nullptr}; // a list that only grows
    mutable std::mutex names_mutex_;
    std::vector<ListenerName> listeners_;
    std::vector<UpstreamName> upstreams_;
};

} // namespace pgmoat::metrics

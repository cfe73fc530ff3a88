// PostgreSQL messages as the bench tools need them: a few builders and a scanner of message
// headers. Kept apart from protocol/ on purpose: what measures the proxy shares no code with it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pgmoat::bench {

// Protocol codes of untyped packets, from src/include/libpq/pqcomm.h.
inline constexpr std::uint32_t protocol_3_0 = 196608;
inline constexpr std::uint32_t cancel_request_code = 80877102;
inline constexpr std::uint32_t ssl_request_code = 80877103;
inline constexpr std::uint32_t gssenc_request_code = 80877104;

// Nothing that the bench tools exchange comes near it; a longer message means a broken stream.
inline constexpr std::uint32_t message_bytes_max = 64U << 20;

void append_u32(std::string& out, std::uint32_t value);
[[nodiscard]] std::uint32_t read_u32(std::string_view bytes);

// A typed message: type, length of itself and the body, body.
void append_message(std::string& out, char type, std::string_view body);
[[nodiscard]] std::string query_message(std::string_view text);
[[nodiscard]] std::string ssl_request();
[[nodiscard]] std::string startup_message(std::string_view user, std::string_view database);
[[nodiscard]] std::string terminate_message();

// Finds message ends in a stream cut anywhere. Bodies are skipped, but for the start of an ErrorResponse
// and of an Authentication message.
class MessageScanner {
  public:
    // Calls on_end(type) at the end of each message. False: the stream is malformed.
    template <typename OnEnd>
    [[nodiscard]] bool feed(std::string_view bytes, OnEnd&& on_end);

    // Of the last one of these.
    [[nodiscard]] const std::string& kept_body() const noexcept { return kept_body_; }

  private:
    static constexpr std::size_t header_bytes = 5;
    static constexpr std::size_t kept_body_max = 1024;

    [[nodiscard]] bool keeps_body() const noexcept {
        return header_[0] == 'E' || header_[0] == 'R';
    }
    void take_header(std::string_view& bytes);
    void take_body(std::string_view& bytes);

    std::array<char, header_bytes> header_{};
    std::size_t header_filled_ = 0;
    std::uint32_t length_ = 0;
    std::uint32_t body_left_ = 0;
    std::string kept_body_;
};

template <typename OnEnd>
bool MessageScanner::feed(std::string_view bytes, OnEnd&& on_end) {
    while (!bytes.empty()) {
        if (header_filled_ < header_bytes) {
            take_header(bytes);
            if (header_filled_ < header_bytes) {
                return true;
            }
            if (length_ < 4 || length_ > message_bytes_max) {
                return false;
            }
        }
        take_body(bytes);
        if (body_left_ == 0) {
            header_filled_ = 0;
            on_end(header_[0]);
        }
    }
    return true;
}

} // namespace pgmoat::bench

// Builds packets as a client or server would send them, independently of the encoders under test.
// For unit tests, fuzz seeds and everything else that plays a peer.
#pragma once

#include "protocol/bytes.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace pgmoat::tests {

using protocol::Bytes;
using protocol::ByteView;

inline Bytes bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

inline Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

inline Bytes big_endian(std::uint32_t value) {
    return {static_cast<std::uint8_t>(value >> 24),
            static_cast<std::uint8_t>(value >> 16 & 0xff),
            static_cast<std::uint8_t>(value >> 8 & 0xff),
            static_cast<std::uint8_t>(value & 0xff)};
}

// Any packet of the startup phase: a correct length word, a code, a body.
inline Bytes startup_phase_packet(std::uint32_t code, const Bytes& body = {}) {
    return big_endian(static_cast<std::uint32_t>(8 + body.size())) + big_endian(code) + body;
}

inline constexpr std::uint32_t request_code(std::uint16_t minor) {
    return std::uint32_t{1234} << 16 | minor;
}

inline Bytes ssl_request() {
    return startup_phase_packet(request_code(5679));
}
inline Bytes gssenc_request() {
    return startup_phase_packet(request_code(5680));
}
inline Bytes ssl_request_with_body(const Bytes& body) {
    return startup_phase_packet(request_code(5679), body);
}
inline Bytes cancel_request(std::uint32_t process_id, const Bytes& key) {
    return startup_phase_packet(request_code(5678), big_endian(process_id) + key);
}

// A StartupMessage, parameter by parameter. By default it has version 3.0 and is well formed.
class StartupBuilder {
  public:
    StartupBuilder& version(std::uint16_t major, std::uint16_t minor) {
        code_ = std::uint32_t{major} << 16 | minor;
        return *this;
    }
    StartupBuilder& parameter(std::string_view name, std::string_view value) {
        body_ = std::move(body_) + bytes_of(name) + Bytes{0} + bytes_of(value) + Bytes{0};
        return *this;
    }
    StartupBuilder& user(std::string_view name) { return parameter("user", name); }
    StartupBuilder& database(std::string_view name) { return parameter("database", name); }
    // Replaces the NUL that ends the list.
    StartupBuilder& ends_with(Bytes terminator) {
        terminator_ = std::move(terminator);
        return *this;
    }
    [[nodiscard]] Bytes build() const { return startup_phase_packet(code_, body_ + terminator_); }

  private:
    std::uint32_t code_ = 3U << 16;
    Bytes body_;
    Bytes terminator_ = {0};
};

inline StartupBuilder startup() {
    return {};
}
inline Bytes startup_of(std::string_view user) {
    return startup().user(user).build();
}

} // namespace pgmoat::tests

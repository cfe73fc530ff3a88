// Encoders for the few messages that we send ourselves, and the header of relayed ones. Source:
// PostgreSQL protocol, "Message Formats"; error texts and SQLSTATEs are PostgreSQL's.
#pragma once

#include "protocol/bytes.h"
#include "protocol/startup.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pgmoat::protocol {

// Where the key of a CancelRequest begins: after the length, the code and the process id.
inline constexpr std::size_t cancel_key_offset = 12;
// Where the parameters of a StartupMessage begin: after the length and the version.
inline constexpr std::size_t startup_parameters_offset = 8;

struct ErrorText {
    std::string_view sqlstate;
    std::string_view message;
    std::string_view detail = {};
    std::string_view hint = {};
};

// ErrorResponse of severity FATAL, fields S V C M D H as PostgreSQL orders them. Empty detail and
// hint are left out; a text is cut at its first NUL, after which the next field would begin.
[[nodiscard]] Bytes encode_fatal(const ErrorText& text);
// The format of protocol 2, for clients older than 3.0: `E`, "FATAL:  text\n", NUL, no length word.
[[nodiscard]] Bytes encode_fatal_v2(std::string_view message);

[[nodiscard]] Bytes encode_ssl_request();
// Protocol 3.0, without other parameters.
[[nodiscard]] Bytes encode_startup(std::string_view user, std::string_view database);
[[nodiscard]] Bytes encode_terminate();
[[nodiscard]] Bytes encode_cancel_request(std::uint32_t process_id, ByteView key);

[[nodiscard]] std::uint32_t read_uint32(ByteView four_bytes) noexcept;
void append_uint32(Bytes& out, std::uint32_t value);
// Cut at its first NUL: what follows that would be read as the next field.
void append_c_string(Bytes& out, std::string_view text);

} // namespace pgmoat::protocol

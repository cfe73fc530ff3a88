// The messages that a server sends during and after a login, as far as pgmoat plays the server
// itself. Each is appended to `out`. Texts are C strings on the wire: they end at their first NUL.
// Source: PostgreSQL protocol, "Message Formats".
#pragma once

#include "protocol/bytes.h"
#include "protocol/messages.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pgmoat::protocol {

enum class Severity { error, fatal };
enum class TransactionStatus : std::uint8_t { idle = 'I', in_block = 'T', failed = 'E' };

struct ColumnDescription {
    std::string_view name;
    std::uint32_t type_oid;
    std::uint16_t type_size; // 0xffff: of any length
    std::uint16_t format;    // 0 text, 1 binary
};

void append_error(Bytes& out, Severity severity, const ErrorText& text);

void append_sasl_request(Bytes& out, std::span<const std::string_view> mechanisms);
void append_sasl_continue(Bytes& out, std::string_view message);
void append_sasl_final(Bytes& out, std::string_view message);
void append_authentication_ok(Bytes& out);
// For a client that asked for a minor version above 3.0, or for protocol options.
void append_negotiate_version(Bytes& out, std::span<const std::string> unknown_options);
void append_parameter_status(Bytes& out, std::string_view name, std::string_view value);
void append_ready_for_query(Bytes& out, TransactionStatus status);

void append_row_description(Bytes& out, std::span<const ColumnDescription> columns);
// Values in the format of their columns; nothing: NULL.
void append_data_row(Bytes& out, std::span<const std::optional<std::string>> values);
void append_command_complete(Bytes& out, std::string_view tag);
void append_parameter_description(Bytes& out, std::span<const std::uint32_t> type_oids);

// Messages without a body.
enum class Bare : std::uint8_t {
    parse_complete = '1',
    bind_complete = '2',
    close_complete = '3',
    no_data = 'n',
    empty_query = 'I',
    portal_suspended = 's',
};
void append_bare(Bytes& out, Bare message);

} // namespace pgmoat::protocol

// Parses what a client may send after its login: the messages of the simple and the extended query
// protocol, for the console. Pure; MessageBuffer bounds the size of a message. Source: PostgreSQL
// protocol, "Message Formats"; src/backend/tcop/postgres.c.
#pragma once

#include "protocol/bytes.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pgmoat::protocol {

struct Query {
    std::string text;
};
struct Parse {
    std::string statement; // empty: the unnamed one
    std::string text;
    std::vector<std::uint32_t> parameter_types; // pg_type.oid; 0: to be inferred
};
struct Bind {
    std::string portal;
    std::string statement;
    std::vector<std::uint16_t> parameter_formats;       // none: text; one: for all
    std::vector<std::optional<std::string>> parameters; // nothing: NULL
    std::vector<std::uint16_t> result_formats;          // none: text; one: for all columns
};
enum class Target : std::uint8_t { statement = 'S', portal = 'P' };
struct Describe {
    Target target;
    std::string name;
};
struct Execute {
    std::string portal;
    std::uint32_t rows_max = 0; // 0: all
};
struct Close {
    Target target;
    std::string name;
};
struct Sync {};
struct Flush {};
struct Terminate {};
struct FunctionCall {};
// Not a message of a client, or not of the form that its type demands.
struct Malformed {
    std::string_view text;
};

using ClientMessage = std::variant<Query,
                                   Parse,
                                   Bind,
                                   Describe,
                                   Execute,
                                   Close,
                                   Sync,
                                   Flush,
                                   Terminate,
                                   FunctionCall,
                                   Malformed>;

[[nodiscard]] ClientMessage parse_client_message(std::uint8_t type, ByteView body);

// SASLInitialResponse: 'p' as the first answer to AuthenticationSASL.
struct SaslInitialResponse {
    std::string mechanism;
    ByteView data;        // of `body`
    bool has_data = true; // false: the client waits for an empty challenge first
    bool complete = false;
};
[[nodiscard]] SaslInitialResponse parse_sasl_initial_response(ByteView body);

// The same, possibly cut off after the beginning.
struct SaslBegin {
    std::string_view mechanism;     // of `body`; empty: incomplete
    std::uint8_t first_byte = '\0'; // of the data
};
[[nodiscard]] SaslBegin parse_sasl_begin(ByteView body);

} // namespace pgmoat::protocol

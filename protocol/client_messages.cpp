#include "protocol/client_messages.h"

#include "protocol/wire_reader.h"

#include <utility>

namespace pgmoat::protocol {
namespace {

constexpr Malformed bad_layout{"invalid message format"};

// Nothing unless every field was there and no byte is left over.
template <typename Parsed>
ClientMessage checked(const WireReader& reader, Parsed parsed) {
    if (!reader.complete()) return bad_layout;
    return parsed;
}

ClientMessage parse_query(WireReader reader) {
    Query query{std::string(reader.c_string())};
    return checked(reader, std::move(query));
}

ClientMessage parse_parse(WireReader reader) {
    Parse parse;
    parse.statement = reader.c_string();
    parse.text = reader.c_string();
    const std::uint16_t types = reader.uint16();
    for (std::uint16_t i = 0; i < types && !reader.failed(); ++i)
        parse.parameter_types.push_back(reader.uint32());
    return checked(reader, std::move(parse));
}

// False: a format code that is neither text nor binary.
bool read_formats(WireReader& reader, std::vector<std::uint16_t>& formats) {
    const std::uint16_t count = reader.uint16();
    for (std::uint16_t i = 0; i < count && !reader.failed(); ++i) {
        formats.push_back(reader.uint16());
        if (formats.back() > 1) return false;
    }
    return true;
}

ClientMessage parse_bind(WireReader reader) {
    Bind bind;
    bind.portal = reader.c_string();
    bind.statement = reader.c_string();
    if (!read_formats(reader, bind.parameter_formats)) return Malformed{"unsupported format code"};
    const std::uint16_t parameters = reader.uint16();
    constexpr std::uint32_t null_value = 0xffff'ffff;
    for (std::uint16_t i = 0; i < parameters && !reader.failed(); ++i) {
        const std::uint32_t size = reader.uint32();
        if (size == null_value) {
            bind.parameters.emplace_back();
            continue;
        }
        const ByteView value = reader.take(size);
        bind.parameters.emplace_back(std::string(value.begin(), value.end()));
    }
    if (!read_formats(reader, bind.result_formats)) return Malformed{"unsupported format code"};
    return checked(reader, std::move(bind));
}

// Describe and Close have the same form.
template <typename Parsed>
ClientMessage parse_target(WireReader reader) {
    const std::uint8_t target = reader.uint8();
    if (target != 'S' && target != 'P') return bad_layout;
    Parsed parsed{static_cast<Target>(target), std::string(reader.c_string())};
    return checked(reader, std::move(parsed));
}

ClientMessage parse_execute(WireReader reader) {
    Execute execute;
    execute.portal = reader.c_string();
    execute.rows_max = reader.uint32();
    return checked(reader, std::move(execute));
}

} // namespace

ClientMessage parse_client_message(std::uint8_t type, ByteView body) {
    const WireReader reader(body);
    switch (type) {
    case 'Q': return parse_query(reader);
    case 'P': return parse_parse(reader);
    case 'B': return parse_bind(reader);
    case 'D': return parse_target<Describe>(reader);
    case 'E': return parse_execute(reader);
    case 'C': return parse_target<Close>(reader);
    case 'S': return checked(reader, Sync{});
    case 'H': return checked(reader, Flush{});
    case 'X': return Terminate{};
    case 'F': return FunctionCall{};
    default: return Malformed{"invalid frontend message type"};
    }
}

SaslInitialResponse parse_sasl_initial_response(ByteView body) {
    WireReader reader(body);
    SaslInitialResponse response;
    response.mechanism = reader.c_string();
    const std::uint32_t length = reader.uint32();
    response.has_data = length != UINT32_MAX; // -1
    if (response.has_data) response.data = reader.take(length);
    response.complete = reader.complete();
    return response;
}

SaslBegin parse_sasl_begin(ByteView body) {
    WireReader reader(body);
    SaslBegin begin;
    begin.mechanism = reader.c_string();
    reader.uint32();
    begin.first_byte = reader.uint8();
    return begin;
}

} // namespace pgmoat::protocol

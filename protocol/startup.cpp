// Parses a complete startup packet, with PostgreSQL's order of checks, so that a packet with two
// faults gets the same answer. Every loop step consumes input, so the time is linear.
#include "protocol/startup.h"

#include "protocol/limits.h"
#include "protocol/messages.h"
#include "protocol/wire_reader.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <utility>

namespace pgmoat::protocol {
namespace {

using Reason = RefusedStartup::Reason;

constexpr std::size_t code_offset = 4;
constexpr std::size_t process_id_offset = 8;
constexpr std::string_view protocol_option_prefix = "_pq_.";

ProtocolVersion version_of(std::uint32_t code) noexcept {
    return {static_cast<std::uint16_t>(code >> 16), static_cast<std::uint16_t>(code & 0xffff)};
}

RefusedStartup refuse_silently(Reason reason, std::string log_text) {
    return {reason, {}, {}, std::move(log_text), {}, {}};
}

StartupPacket parse_cancel_request(ByteView packet) {
    if (packet.size() < cancel_key_offset) {
        return refuse_silently(Reason::bad_cancel, "invalid length of cancel request packet");
    }
    const ByteView key = packet.subspan(cancel_key_offset);
    if (key.size() < cancel_key_bytes_min || key.size() > cancel_key_bytes_max) {
        return refuse_silently(Reason::bad_cancel,
                               "invalid length of cancel key in cancel request packet");
    }
    return CancelRequest{read_uint32(packet.subspan(process_id_offset)),
                         Bytes(key.begin(), key.end()),
                         Bytes(packet.begin(), packet.end())};
}

RefusedStartup unsupported_version(ProtocolVersion version) {
    return {Reason::unsupported_version,
            version,
            "0A000",
            "unsupported frontend protocol " + std::to_string(version.major) + "." +
                std::to_string(version.minor) + ": server supports 3.0 to 3.2",
            {},
            {}};
}

RefusedStartup bad_layout(ProtocolVersion version) {
    return {Reason::bad_layout,
            version,
            "08P01",
            "invalid startup packet layout: expected terminator as last byte",
            {},
            {}};
}

RefusedStartup bad_replication(ProtocolVersion version, std::string_view value) {
    return {Reason::bad_value,
            version,
            "22023",
            "invalid value for parameter \"replication\": \"" + std::string(value) + "\"",
            {},
            R"(Valid values are: "false", 0, "true", 1, "database".)"};
}

RefusedStartup no_user(ProtocolVersion version) {
    return {Reason::no_user,
            version,
            "28000",
            "no PostgreSQL user name specified in startup packet",
            {},
            {}};
}

// `text` is a prefix of `word`, in any letter case, of at least `shortest` characters.
bool abbreviates(std::string_view text, std::string_view word, std::size_t shortest) noexcept {
    const auto same = [](char left, char right) {
        return (left >= 'A' && left <= 'Z' ? static_cast<char>(left - 'A' + 'a') : left) == right;
    };
    return text.size() >= shortest && text.size() <= word.size() &&
           std::equal(text.begin(), text.end(), word.begin(), same);
}

// PostgreSQL, src/backend/utils/adt/bool.c, parse_bool_with_len(): "o" alone is not unique.
std::optional<bool> parse_boolean(std::string_view text) noexcept {
    if (text == "1" || abbreviates(text, "true", 1) || abbreviates(text, "yes", 1) ||
        abbreviates(text, "on", 2)) {
        return true;
    }
    if (text == "0" || abbreviates(text, "false", 1) || abbreviates(text, "no", 1) ||
        abbreviates(text, "off", 2)) {
        return false;
    }
    return std::nullopt;
}

// PostgreSQL's two flags, which a repeated `replication` sets again. Once `database` was given, a
// later `true` does not take it back.
struct ReplicationFlags {
    bool walsender = false;
    bool database = false;

    [[nodiscard]] bool set(std::string_view value) noexcept {
        if (value == "database") {
            walsender = database = true;
            return true;
        }
        const auto boolean = parse_boolean(value);
        walsender = boolean.value_or(false);
        return boolean.has_value();
    }

    [[nodiscard]] Replication kind() const noexcept {
        if (!walsender) return Replication::none;
        return database ? Replication::logical : Replication::physical;
    }
};

// Walks over the C strings of a packet. PostgreSQL puts a NUL behind its copy of the packet, so
// there an unterminated last string ends with the packet; `offset` is then one past the end, as in
// PostgreSQL.
struct ParameterCursor {
    std::string_view text;
    std::size_t offset;

    [[nodiscard]] bool at_end() const noexcept { return offset >= text.size(); }
    [[nodiscard]] bool at_terminator() const noexcept { return !at_end() && text[offset] == '\0'; }

    std::string_view next() noexcept {
        const auto rest = text.substr(offset);
        const auto string = rest.substr(0, rest.find('\0'));
        offset += string.size() + 1;
        return string;
    }
};

// False: PostgreSQL refuses the value. Only `replication` has such values.
bool take_parameter(StartupMessage& message,
                    ReplicationFlags& replication,
                    std::string_view name,
                    std::string_view value) {
    if (name == "database") {
        message.database = value;
    } else if (name == "user") {
        message.user = value;
    } else if (name == "replication") {
        return replication.set(value);
    } else if (name == "application_name") {
        // PostgreSQL shows NAMEDATALEN - 1 bytes of it.
        message.application_name = value.substr(0, name_bytes_max);
    } else if (name.starts_with(protocol_option_prefix)) {
        message.protocol_options.emplace_back(name);
    }
    return true;
}

// Cuts by bytes, even within a character, as PostgreSQL does, which does not know the encoding yet:
// the access rules must see the name that the server will look up.
void cut_name(std::string& name) {
    if (name.size() > name_bytes_max) name.resize(name_bytes_max);
}

void settle_names(StartupMessage& message) {
    if (message.database.empty()) message.database = message.user;
    cut_name(message.database);
    cut_name(message.user);
    if (message.replication == Replication::physical) message.database.clear();
}

StartupPacket parse_startup_message(ByteView packet, ProtocolVersion version) {
    ParameterCursor cursor{as_text(packet), startup_parameters_offset};
    StartupMessage message;
    ReplicationFlags replication;
    message.version = version;

    while (!cursor.at_end() && !cursor.at_terminator()) {
        const std::size_t start = cursor.offset;
        const auto name = cursor.next();
        if (cursor.at_end()) {
            // A name without a value: PostgreSQL stops before it. If that name is a single last
            // byte, it is in the place of the terminator, and PostgreSQL accepts the packet.
            cursor.offset = start;
            break;
        }
        const auto value = cursor.next();
        if (!take_parameter(message, replication, name, value)) {
            return bad_replication(version, value);
        }
    }
    if (cursor.offset != packet.size() - 1) return bad_layout(version);
    if (message.user.empty()) return no_user(version);

    message.replication = replication.kind();
    settle_names(message);
    message.packet.assign(packet.begin(), packet.end());
    return message;
}

} // namespace

StartupPacket parse_startup_packet(ByteView packet, bool ssl_done, bool gss_done) {
    assert(packet.size() >= static_cast<std::size_t>(startup_length_min));
    assert(packet.size() <= static_cast<std::size_t>(startup_length_max));

    const std::uint32_t code = read_uint32(packet.subspan(code_offset));
    if (code == cancel_request_code) return parse_cancel_request(packet);
    if (code == ssl_request_code && !ssl_done) return SslRequest{};
    if (code == gssenc_request_code && !gss_done) return GssEncRequest{};

    const ProtocolVersion version = version_of(code);
    if (version.major != 3) return unsupported_version(version);
    return parse_startup_message(packet, version);
}

bool wants_old_error_format(ProtocolVersion version) noexcept {
    return version.major < 3 && version != ProtocolVersion{0, 0};
}

} // namespace pgmoat::protocol

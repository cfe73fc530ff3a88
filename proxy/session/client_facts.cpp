#include "proxy/session/client_facts.h"

#include "protocol/limits.h"
#include "protocol/startup_edit.h"
#include "proxy/session/limits.h"
#include "proxy/telemetry/connection_fields.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace pgmoat::session {
namespace {

constexpr std::string_view prefix = "pgmoat.";

// Printable ASCII whatever the certificate contains, since the database's encoding is unknown here.
// Other bytes are escaped as in RFC 4514.
std::string ascii(const std::string& text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string clean;
    for (const char letter : text.substr(0, client_dn_bytes_max)) {
        const auto byte = static_cast<unsigned char>(letter);
        if (byte >= 0x20 && byte < 0x7f)
            clean += letter;
        else
            clean += {'\\', digits[byte >> 4], digits[byte & 0xf]};
    }
    return clean;
}

// The address must stay whole: PostgreSQL cuts at 63 bytes, so the client's part is shortened.
std::string name_with_address(const std::string& name, const ToldClient& client) {
    const std::string suffix =
        " - " + telemetry::client_of(client.facts.client_address, client.port);
    const std::string own = name.empty() ? "app" : name;
    const std::size_t room =
        protocol::name_bytes_max - std::min(suffix.size(), protocol::name_bytes_max);
    return own.substr(0, room) + suffix;
}

protocol::StartupParameters settings_of(const ToldClient& client) {
    const telemetry::ClientFacts& facts = client.facts;
    const auto named = [](const char* name) { return std::string(prefix) + name; };
    const bool tls = facts.encryption == telemetry::Encryption::tls;
    return {{named("client_addr"), facts.client_address},
            {named("client_port"), std::to_string(client.port)},
            {named("tls_version"), tls ? facts.client_tls.version : ""},
            {named("tls_cipher"), tls ? facts.client_tls.cipher : ""},
            {named("client_dn"),
             facts.client_certificate ? ascii(facts.client_certificate->subject) : ""},
            {named("connection_id"), std::to_string(client.id)}};
}

} // namespace

std::optional<protocol::Bytes> packet_with_facts(config::ClientFacts which,
                                                 const protocol::StartupMessage& startup,
                                                 const ToldClient& client) {
    switch (which) {
    case config::ClientFacts::off: return startup.packet;
    case config::ClientFacts::application_name:
        return protocol::edit_startup_packet(
            startup.packet,
            "",
            {{"application_name", name_with_address(startup.application_name, client)}});
    case config::ClientFacts::settings:
        return protocol::edit_startup_packet(startup.packet, prefix, settings_of(client));
    }
    return startup.packet;
}

} // namespace pgmoat::session

#include "proxy/hba/parse/listener_checks.h"

#include "proxy/config/text.h"
#include "proxy/hba/parse/names.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace pgmoat::hba {
namespace {

using config::in_quotes;

constexpr const char* startup_hint =
    "In passthrough the startup packet is encrypted: only addresses, TLS and SNI can be seen.";

Complaint check_names(const std::vector<NameMatch>& names, const std::string& what) {
    for (const NameMatch& name : names) {
        if (name.kind == NameMatch::Kind::all) continue;
        return complaint(what + " " + in_quotes(text_of(name)) +
                             " cannot be evaluated in passthrough",
                         startup_hint);
    }
    return {};
}

Complaint check_for_passthrough(const Rule& rule) {
    if (auto wrong = check_names(rule.databases, "database")) return wrong;
    if (auto wrong = check_names(rule.users, "role")) return wrong;
    if (rule.method == Method::cert || rule.method == Method::peer) {
        return complaint("authentication method " + in_quotes(word_of(rule.method)) +
                             " cannot be evaluated in passthrough",
                         startup_hint);
    }
    for (const auto& [name, value] : rule.options) {
        if (name != "clientcert" && name != "clientname" && name != "map") continue;
        return complaint("authentication option " + in_quotes(name) +
                             " cannot be evaluated in passthrough",
                         startup_hint);
    }
    return {};
}

bool is_loopback(const AddressMatch& match) {
    if (std::holds_alternative<SameHost>(match)) return true;
    const auto* range = std::get_if<AddressRange>(&match);
    if (range == nullptr) return false;
    if (range->base.family == Family::ipv4)
        return range->base.bytes[0] == 127 && range->mask.bytes[0] == 0xff;
    const bool whole = std::all_of(range->mask.bytes.begin(),
                                   range->mask.bytes.end(),
                                   [](std::uint8_t byte) { return byte == 0xff; });
    return whole && range->base == *numeric_address("::1");
}

bool may_be_plaintext(RecordType type) noexcept {
    return type == RecordType::host || type == RecordType::hostnossl ||
           type == RecordType::hostnogssenc;
}

} // namespace

Complaint check_roles(const NameMatch& name, const HbaContext& context) {
    if (context.roles || !name.needs_roles()) return {};
    return complaint(in_quotes(text_of(name)) + " cannot be evaluated without role_query");
}

Complaint check_for_listener(const Rule& rule, const HbaContext& context) {
    if (context.passthrough) return check_for_passthrough(rule);
    for (const auto* names : {&rule.databases, &rule.users})
        for (const NameMatch& name : *names)
            if (auto wrong = check_roles(name, context)) return wrong;
    return {};
}

std::string warning_about(const Rule& rule, const HbaContext& context) {
    if (rule.type == RecordType::hostssl && !context.ssl)
        return "hostssl record cannot match because SSL is disabled";
    if (rule.type == RecordType::hostgssenc && !context.passthrough) {
        return "hostgssenc record cannot match because GSSAPI is not supported by this build";
    }
    const bool demands_tls = rule.demands.any() || rule.sni;
    if (rule.method == Method::trust && may_be_plaintext(rule.type) && !demands_tls &&
        !is_loopback(rule.address))
        return "trust lets connections in from " + in_quotes(rule.address_text) + " without TLS";
    return {};
}

} // namespace pgmoat::hba

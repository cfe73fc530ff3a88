#include "proxy/hba/parse/listener_checks.h"

#include "proxy/config/text.h"
#include "proxy/hba/method_promise.h"
#include "proxy/hba/parse/names.h"
#include "proxy/hba/server_name.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace pgmoat::hba {
namespace {

using config::in_quotes;

constexpr const char* startup_hint =
    "In passthrough the startup packet is encrypted: only addresses, TLS and SNI can be seen. Give "
    "the listener rules of its own: hba_file=FILE in \"listener.NAME\".";

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

bool wants_certificate(const Rule& rule) noexcept {
    return rule.method == Method::cert || rule.client_cert != ClientCert::off;
}

// Without client certificates every client that matches would be refused.
Complaint check_certificates(const Rule& rule, const HbaContext& context) {
    using Asked = HbaContext::ClientCertificates;
    if (!context.ssl || !wants_certificate(rule)) return {};
    if (context.client_certificates != Asked::none) return {};
    const std::string what = rule.method == Method::cert
                                 ? "authentication method \"cert\""
                                 : std::string("authentication option \"clientcert\"");
    return complaint(what + " needs the CAs of client certificates, and none are configured",
                     "Set \"ssl_ca_file\", or the CA of the host in pg_hosts.conf.");
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

// A method cannot be enforced if the server's request for it is not visible (method_promise.h).
std::string promise_that_is_not_held(const Rule& rule, const HbaContext& context) {
    const bool promises = !methods_that_satisfy(rule).contains(protocol::ServerMethod::none) &&
                          rule.method != Method::reject;
    const std::string method = in_quotes(word_of(rule.method));
    if (promises && context.passthrough && rule.type != RecordType::hostnossl)
        return "authentication method " + method +
               " cannot be enforced where TLS is passed through: the server alone decides";
    if (rule.method == Method::ident && rule.type != RecordType::local)
        return "authentication method \"ident\" cannot be checked through a proxy: clients are let "
               "in only if the server asks them for another proof";
    return {};
}

bool names_any(const Rule& rule, const std::set<std::string>& hosts) {
    return std::any_of(hosts.begin(), hosts.end(), [&rule](const std::string& host) {
        return matches_server_name(rule, host);
    });
}

} // namespace

Complaint check_roles(const NameMatch& name, const HbaContext& context) {
    if (context.roles || !name.needs_roles()) return {};
    return complaint(in_quotes(text_of(name)) + " cannot be evaluated without role_query");
}

Complaint check_template(const Rule& rule, const HbaContext& context) {
    const auto wanted = context.templates.find(rule.upstream);
    if (wanted == context.templates.end()) return {};
    const std::string hint = "Its host is made of what the expression of sni= has in parentheses: "
                             "sni=/^([a-z0-9-]+)\\.example\\.com$.";
    if (!rule.sni_regex)
        return complaint("upstream " + in_quotes(rule.upstream) + " needs sni=/EXPRESSION", hint);
    if (!rule.sni->starts_with("/^") || !rule.sni->ends_with('$'))
        return complaint("sni of upstream " + in_quotes(rule.upstream) +
                             " must match the whole name, from ^ to $",
                         hint);
    if (rule.sni_regex->NumberOfCapturingGroups() < wanted->second)
        return complaint("upstream " + in_quotes(rule.upstream) + " needs " +
                             std::to_string(wanted->second) + " groups in sni=",
                         hint);
    return {};
}

Complaint check_for_listener(const Rule& rule, const HbaContext& context) {
    if (auto wrong = check_template(rule, context)) return wrong;
    if (context.passthrough) return check_for_passthrough(rule);
    for (const auto* names : {&rule.databases, &rule.users})
        for (const NameMatch& name : *names)
            if (auto wrong = check_roles(name, context)) return wrong;
    return check_certificates(rule, context);
}

std::string warning_about(const Rule& rule, const HbaContext& context) {
    if (rule.type == RecordType::hostssl && !context.ssl)
        return "hostssl record cannot match because SSL is disabled";
    if (rule.type == RecordType::hostgssenc && !context.passthrough) {
        return "hostgssenc record cannot match because GSSAPI is not supported by this build";
    }
    if (rule.sni && context.ssl && context.only_named_hosts && !names_any(rule, context.hosts))
        return "record cannot match because there is no certificate for host name " +
               in_quotes(*rule.sni);
    if (rule.sni && !context.ssl && !context.passthrough)
        return "record with \"sni\" cannot match because SSL is disabled";
    if (wants_certificate(rule) && context.ssl && !context.passthrough &&
        context.client_certificates == HbaContext::ClientCertificates::some)
        return "client certificates are asked for at some host names only: clients of the others "
               "are refused here";
    if (std::string promise = promise_that_is_not_held(rule, context); !promise.empty())
        return promise;
    const bool demands_tls = rule.demands.any() || rule.sni;
    if (rule.method == Method::trust && may_be_plaintext(rule.type) && !demands_tls &&
        !is_loopback(rule.address))
        return "trust lets connections in from " + in_quotes(rule.address_text) + " without TLS";
    return {};
}

} // namespace pgmoat::hba

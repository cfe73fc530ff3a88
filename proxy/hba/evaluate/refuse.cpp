#include "proxy/hba/evaluate/refuse.h"

#include "proxy/config/text.h"

#include <utility>

namespace pgmoat::hba {
namespace {

using config::in_quotes;

// `host "x", user "y", database "z", no encryption`. In passthrough the user name is not known.
std::string describe(const Candidate& candidate) {
    std::string text = "host " + in_quotes(candidate.address_text);
    if (!candidate.passthrough) text += ", user " + in_quotes(candidate.user);
    const bool physical = candidate.replication == protocol::Replication::physical;
    if (!candidate.passthrough && !physical) text += ", database " + in_quotes(candidate.database);
    return text + ", " + std::string(encryption_of(candidate));
}

std::string_view name_in_failure(Method method) noexcept {
    switch (method) {
    case Method::trust: return "\"trust\"";
    case Method::scram_sha_256:
    case Method::md5:
    case Method::password: return "password";
    case Method::gss: return "GSSAPI";
    case Method::sspi: return "SSPI";
    case Method::ident: return "Ident";
    case Method::peer: return "Peer";
    case Method::ldap: return "LDAP";
    case Method::radius: return "RADIUS";
    case Method::cert: return "certificate";
    case Method::pam: return "PAM";
    case Method::bsd: return "BSD";
    case Method::oauth: return "OAuth bearer";
    case Method::reject: break; // has its own text
    }
    return "";
}

bool asks_for_password(Method method) noexcept {
    return method == Method::scram_sha_256 || method == Method::md5 || method == Method::password;
}

bool is_peer(const Rule& rule) noexcept {
    return rule.method == Method::ident && rule.type == RecordType::local;
}

} // namespace

std::string_view encryption_of(const Candidate& candidate) noexcept {
    if (candidate.gss) return "GSS encryption";
    return candidate.tls ? "SSL encryption" : "no encryption";
}

void add_to_log(Decision& decision, std::string_view line) {
    if (line.empty()) return;
    if (!decision.log_detail.empty()) decision.log_detail += '\n';
    decision.log_detail += line;
}

Decision refuse(const Rule& rule, std::string message, std::string reason) {
    Decision decision{Verdict::deny, &rule, {}, std::string(invalid_authorization), {}, {}};
    decision.message = std::move(message);
    decision.log_detail = std::move(reason);
    add_to_log(decision,
               "Connection matched file " + in_quotes(rule.file) + " line " +
                   std::to_string(rule.line) + ": " + in_quotes(shown_text(rule)));
    return decision;
}

Decision refuse_for_lack_of_ca(const Rule& rule) {
    Decision decision = refuse(
        rule, "client certificates can only be checked if a root certificate store is available");
    decision.sqlstate = "F0000";
    return decision;
}

Decision refuse_for_lack_of_certificate(const Rule& rule) {
    return refuse(rule, "connection requires a valid client certificate");
}

Decision reject(const Rule& rule, const Candidate& candidate) {
    const bool physical = candidate.replication == protocol::Replication::physical;
    const std::string what = physical ? "replication connection" : "connection";
    return refuse(rule, "pg_hba.conf rejects " + what + " for " + describe(candidate));
}

Decision refuse_login(const Rule& rule, const Candidate& candidate, std::string reason) {
    const Method method = is_peer(rule) ? Method::peer : rule.method;
    Decision decision = refuse(rule,
                               std::string(name_in_failure(method)) +
                                   " authentication failed for user " + in_quotes(candidate.user),
                               std::move(reason));
    if (asks_for_password(method)) decision.sqlstate = "28P01";
    return decision;
}

// 57P03, as when the server cannot be reached: clients try their next host.
Decision refuse_for_lack_of_roles(const Rule& rule, const std::string& error) {
    Decision decision = refuse(rule,
                               "the roles of the user cannot be determined",
                               "could not determine the roles of the user: " + error);
    decision.sqlstate = "57P03";
    return decision;
}

Decision refuse_without_rule(const Candidate& candidate) {
    const bool physical = candidate.replication == protocol::Replication::physical;
    Decision decision{Verdict::no_entry, nullptr, {}, std::string(invalid_authorization), {}, {}};
    decision.message = std::string("no pg_hba.conf entry for ") +
                       (physical ? "replication connection from " : "") + describe(candidate);
    return decision;
}

Decision refuse_for_lack_of_host(const Rule& rule) {
    return refuse(rule,
                  "there is no server for the host name that was asked for",
                  "Upstream " + in_quotes(rule.upstream) +
                      " makes no host name of the groups in sni=.");
}

Decision refuse_for_lack_of_proof(const Rule& rule, protocol::ServerMethod asked) {
    using protocol::ServerMethod;
    const std::string wanted = in_quotes(word_of(rule.method));
    const std::string found =
        asked == ServerMethod::none
            ? "lets the client in without authentication"
            : "asks for " + std::string(asked == ServerMethod::other ? name_of(asked)
                                                                     : in_quotes(name_of(asked)));
    return refuse(rule,
                  "pg_hba.conf requires authentication method " + wanted +
                      ", but the server does not ask for it",
                  "The server " + found + ". Change the server's pg_hba.conf to " + wanted +
                      ", or the method of this rule (\"trust\" if no proof is wanted).");
}

std::string describe_lookup(const Answers& known) {
    if (!known.host_name) return {};
    const ClientHostName& host = *known.host_name;
    if (host.name.empty())
        return "Could not resolve client IP address to a host name: " + host.reverse_error + ".";
    if (known.forward_used && !host.forward_error.empty())
        return "Could not translate client host name " + in_quotes(host.name) +
               " to IP address: " + host.forward_error + ".";
    std::string text =
        "Client IP address resolved to " + in_quotes(host.name) + ", forward lookup ";
    if (!known.forward_used) return text + "not checked.";
    return text + (host.forward_matches ? "matches." : "does not match.");
}

} // namespace pgmoat::hba

#include "proxy/cli/hba_test.h"

#include "proxy/access/load_rules.h"
#include "proxy/cli/exit_code.h"
#include "proxy/cli/failures.h"
#include "proxy/config/config.h"
#include "proxy/config/guc_value.h"
#include "proxy/config/host_template.h"
#include "proxy/config/hosts_file.h"
#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/hba/evaluate/refuse.h"
#include "proxy/hba/method_promise.h"
#include "proxy/hba/server_name.h"
#include "proxy/lookups/dns.h"
#include "proxy/lookups/interfaces.h"
#include "proxy/lookups/roles.h"
#include "tls/certificate_file.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <utility>
#include <variant>

namespace pgmoat::cli {

namespace {

using hba::Decision;
using hba::Question;

protocol::Replication replication_of(const std::string& word) {
    if (word == "database") return protocol::Replication::logical;
    const auto flag = config::parse_boolean(word.empty() ? "off" : word);
    if (!flag) throw UsageError("invalid value for --replication: \"" + word + "\"");
    return *flag ? protocol::Replication::physical : protocol::Replication::none;
}

hba::Candidate candidate_of(const HbaTestOptions& options, const config::Config& config) {
    hba::Candidate candidate;
    candidate.address_text = options.address == "local" ? "[local]" : options.address;
    candidate.address = hba::net_address_from(candidate.address_text);
    candidate.tls = !options.tls.empty();
    candidate.tls_version = options.tls;
    candidate.tls_cipher = options.cipher;
    candidate.tls_group = options.group;
    candidate.server_name = options.server_name;
    candidate.has_ca = config::asks_for_certificate(config.tls, options.server_name);
    candidate.user = options.user;
    candidate.replication = replication_of(options.replication);
    if (candidate.replication != protocol::Replication::physical)
        candidate.database = options.database.empty() ? options.user : options.database;
    if (!options.client_certificate_file.empty())
        candidate.certificate = std::make_shared<const tls::CertificateFacts>(
            tls::read_certificate(options.client_certificate_file));
    if (!options.system_user.empty()) candidate.system_user = options.system_user;
    return candidate;
}

void answer(const lookups::RoleSource& roles,
            const hba::Candidate& candidate,
            Question question,
            hba::Evaluation& evaluation) {
    switch (question) {
    case Question::client_host_name:
        return evaluation.answer(lookups::look_up_host_name(candidate.address));
    case Question::user_roles:
        return evaluation.answer(lookups::look_up_roles(roles, candidate.user));
    case Question::system_user: return evaluation.answer(hba::SystemUser{{}, "not known here"});
    case Question::own_interfaces: return evaluation.answer(lookups::own_interfaces());
    }
}

Decision decide(const runtime::Access& access, const hba::Candidate& candidate) {
    hba::Evaluation evaluation(*access.rules, candidate);
    for (;;) {
        auto step = evaluation.next();
        if (auto* question = std::get_if<Question>(&step)) {
            answer(access.roles, candidate, *question, evaluation);
            continue;
        }
        return hba::after_server_hello(std::get<Decision>(std::move(step)), candidate);
    }
}

// For a template: the host that this client is sent to, or a refusal. Otherwise empty.
std::string
host_of(Decision& decision, const config::Config& config, const hba::Candidate& candidate) {
    if (decision.refuses() || decision.upstream.empty()) return {};
    const config::Conninfo& upstream = config.upstreams.at(decision.upstream);
    if (upstream.groups == 0) return {};
    const auto groups = hba::groups_of_server_name(*decision.rule, candidate.server_name);
    if (auto host = config::fill_host(upstream.hosts.front().host, groups)) return *host;
    decision = hba::refuse_for_lack_of_host(*decision.rule);
    return {};
}

// What the server must ask for so that the rule's method is met.
std::string promise_of(const hba::Rule& rule, const hba::Candidate& candidate) {
    using protocol::ServerMethod;
    const auto accepted = hba::methods_that_satisfy(rule);
    if (accepted.contains(ServerMethod::none)) return {};
    if (candidate.passthrough && candidate.tls)
        return "TLS is passed through, so the server's authentication is not seen";
    std::string methods;
    for (const ServerMethod method : protocol::known_methods)
        if (accepted.contains(method))
            methods += (methods.empty() ? "" : " or ") + std::string(name_of(method));
    return "if the server asks for " + methods;
}

void say_decision(const Decision& decision,
                  const std::string& listener_upstream,
                  const std::string& host,
                  const hba::Candidate& candidate) {
    if (decision.rule != nullptr)
        std::printf("file \"%s\" line %u: \"%s\"\n",
                    decision.rule->file.c_str(),
                    decision.rule->line,
                    hba::shown_text(*decision.rule).c_str());
    else
        std::printf("no rule matches\n");
    if (!decision.refuses()) {
        const auto& upstream = decision.upstream.empty() ? listener_upstream : decision.upstream;
        const std::string where = host.empty() ? "" : " (host " + host + ")";
        std::printf("allow, to upstream \"%s\"%s\n", upstream.c_str(), where.c_str());
        const std::string promise =
            decision.rule == nullptr ? "" : promise_of(*decision.rule, candidate);
        if (!promise.empty()) std::printf("%s\n", promise.c_str());
        return;
    }
    std::printf(
        "deny\nFATAL:  %s  (SQLSTATE %s)\n", decision.message.c_str(), decision.sqlstate.c_str());
    if (!decision.log_detail.empty()) std::printf("log: %s\n", decision.log_detail.c_str());
}

// Refuses questions about connections that cannot exist.
void require_question_makes_sense(const HbaTestOptions& options,
                                  const config::Config& config,
                                  const config::Listener& listener) {
    const bool is_local = options.address == "local" || options.address == "[local]";
    const bool passes_through = listener.tls_mode == config::TlsMode::passthrough;
    constexpr std::array versions{"", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
    if (!is_local && hba::net_address_from(options.address).family == hba::Family::local)
        throw UsageError("--address: \"" + options.address + "\" is not a valid IP address");
    if (std::find(versions.begin(), versions.end(), options.tls) == versions.end())
        throw UsageError("--tls: \"" + options.tls + "\" is not a TLS version (TLSv1.2, TLSv1.3)");
    if (is_local && !options.tls.empty())
        throw UsageError("--tls: there is no TLS over Unix-domain sockets");
    if (!is_local && !options.system_user.empty())
        throw UsageError("--system-user is for --address local");
    if (!options.tls.empty() && !passes_through && !config.ssl)
        throw UsageError("--tls: listener \"" + listener.name + "\" has no TLS (ssl = off)");
    if (options.tls.empty() &&
        (!options.cipher.empty() || !options.group.empty() || !options.server_name.empty() ||
         !options.client_certificate_file.empty()))
        throw UsageError("--cipher, --group, --sni and --client-cert need --tls");
}

config::Listener listener_of(const HbaTestOptions& options, const config::Config& config) {
    if (options.listener.empty()) return config.listeners.front();
    const config::Listener* found = config::find_listener(config, options.listener);
    if (found != nullptr) return *found;
    std::string names;
    for (const auto& listener : config.listeners)
        names += (names.empty() ? "\"" : ", \"") + listener.name + "\"";
    throw UsageError("there is no listener \"" + options.listener + "\", only " + names);
}

int say_no_rules(const config::Listener& listener) {
    std::printf("listener \"%s\" has no access rules (\"hba_file\")\n"
                "allow, to upstream \"%s\": the server authenticates the client\n",
                listener.name.c_str(),
                listener.upstream.c_str());
    return exit_ok;
}

} // namespace

int test_hba(const HbaTestOptions& options) {
    return with_exit_codes(options.config_file, [&]() -> int {
        config::Config config = config::load_config(options.config_file);
        config::Listener listener = listener_of(options, config);
        require_question_makes_sense(options, config, listener);
        if (!options.hba_file.empty()) listener.hba_file = options.hba_file;
        if (listener.hba_file.empty()) return say_no_rules(listener);
        config.listeners = {listener};
        const auto access = access::load_access(config, {});
        hba::Candidate candidate = candidate_of(options, config);
        candidate.passthrough = listener.tls_mode == config::TlsMode::passthrough;
        Decision decision = decide(access.front(), candidate);
        const std::string host = host_of(decision, config, candidate);
        say_decision(decision, listener.upstream, host, candidate);
        return decision.refuses() ? exit_failed : exit_ok;
    });
}

} // namespace pgmoat::cli

#include "proxy/access/load_rules.h"

#include "proxy/config/file_source.h"
#include "proxy/hba/evaluate/rule_index.h"
#include "proxy/hba/rule_changes.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

namespace pgmoat::access {

namespace {

using config::TlsMode;
using hba::Rules;

class Loader {
  public:
    explicit Loader(const config::Config& config) : config_(config) {}

    // `before`: the listener's previous rules; may be null.
    std::shared_ptr<const Rules>
    load(const std::string& file, TlsMode mode, const std::shared_ptr<const Rules>& before) {
        if (file.empty()) return nullptr;
        const auto [entry, is_new] = loaded_.try_emplace({file, mode});
        if (is_new) entry->second = read(file, mode, before.get());
        return entry->second;
    }

    std::vector<std::string> errors;

  private:
    std::shared_ptr<const Rules> read(const std::string& file, TlsMode mode, const Rules* before) {
        auto result =
            hba::load_rules(file, config_.ident_file, hba_context(config_, mode), config::Disk());
        if (auto* wrong = std::get_if<hba::RuleErrors>(&result)) {
            for (auto& message : wrong->messages)
                add_error(std::move(message));
            return nullptr;
        }
        auto rules = std::make_shared<Rules>(std::move(std::get<Rules>(result)));
        rules->name = short_name(file);
        for (hba::Rule& rule : rules->rules)
            rule.location = short_name(rule.file) + ":" + std::to_string(rule.line);
        rules->index = std::make_shared<const hba::RuleIndex>(rules->rules);
        if (before != nullptr) hba::inherit_stats(*before, *rules);
        return rules;
    }

    // Relative to the configuration's directory, where most files are.
    std::string short_name(const std::string& file) const {
        const std::string name =
            std::filesystem::path(file).lexically_relative(config_.directory).string();
        return name.empty() || name.starts_with("..") ? file : name;
    }

    // Listeners with the same file would report each error again.
    void add_error(std::string message) {
        if (std::find(errors.begin(), errors.end(), message) == errors.end())
            errors.push_back(std::move(message));
    }

    const config::Config& config_;
    std::map<std::pair<std::string, TlsMode>, std::shared_ptr<const Rules>> loaded_;
};

hba::HbaContext::ClientCertificates asked_for(const config::Config& config) {
    using Asked = hba::HbaContext::ClientCertificates;
    const std::vector<tls::HostSettings> hosts = tls::hosts_of(config.tls);
    const auto has_ca = [](const tls::HostSettings& host) { return !host.ca_file.empty(); };
    if (std::ranges::none_of(hosts, has_ca)) return Asked::none;
    return std::ranges::all_of(hosts, has_ca) ? Asked::all : Asked::some;
}

} // namespace

std::vector<runtime::Access> load_access(const config::Config& config,
                                         const std::vector<runtime::Access>& old) {
    Loader loader(config);
    std::vector<runtime::Access> access;
    for (std::size_t i = 0; i < config.listeners.size(); ++i) {
        const auto& listener = config.listeners[i];
        const runtime::Access before = i < old.size() ? old[i] : runtime::Access{};
        runtime::Access& fresh = access.emplace_back();
        fresh.rules = loader.load(listener.hba_file, listener.tls_mode, before.rules);
        fresh.dry_run = loader.load(listener.hba_dry_run_file, listener.tls_mode, before.dry_run);
        fresh.routes = fresh.rules && fresh.rules->routes();
        fresh.roles = lookups::role_source(config, config.upstreams.at(listener.upstream));
    }
    if (!loader.errors.empty()) throw config::ConfigError(std::move(loader.errors));
    return access;
}

hba::HbaContext hba_context(const config::Config& config, TlsMode mode) {
    hba::HbaContext context;
    context.passthrough = mode == TlsMode::passthrough;
    context.ssl = context.passthrough || config.ssl;
    context.roles = !config.role_query.empty();
    context.client_certificates = asked_for(config);
    for (const tls::HostSettings& host : config.tls.hosts)
        context.hosts.insert(host.names.begin(), host.names.end());
    context.only_named_hosts =
        !context.passthrough && !config.tls.hosts.empty() && !context.hosts.contains("*");
    for (const auto& [name, conninfo] : config.upstreams) {
        context.upstreams.insert(name);
        if (conninfo.groups > 0) context.templates.emplace(name, conninfo.groups);
    }
    return context;
}

std::vector<std::shared_ptr<const Rules>> distinct_rules(const std::vector<runtime::Access>& access,
                                                         RulesOfAccess which) {
    std::vector<std::shared_ptr<const Rules>> all;
    for (const runtime::Access& each : access) {
        const auto& rules = each.*which;
        if (rules && std::find(all.begin(), all.end(), rules) == all.end()) all.push_back(rules);
    }
    return all;
}

std::vector<std::string> access_warnings(const std::vector<runtime::Access>& access) {
    std::vector<std::string> warnings;
    for (const RulesOfAccess which : {&runtime::Access::rules, &runtime::Access::dry_run})
        for (const auto& rules : distinct_rules(access, which))
            warnings.insert(warnings.end(), rules->warnings.begin(), rules->warnings.end());
    return warnings;
}

} // namespace pgmoat::access

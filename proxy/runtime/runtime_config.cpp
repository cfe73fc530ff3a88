#include "proxy/runtime/runtime_config.h"

#include "proxy/config/host_template.h"

#include <utility>

namespace pgmoat::runtime {

metrics::Mode mode_of(const config::Listener& listener) noexcept {
    return listener.tls_mode == config::TlsMode::passthrough ? metrics::Mode::passthrough
                                                             : metrics::Mode::terminate;
}

std::shared_ptr<const UpstreamTarget> fill_target(std::shared_ptr<const UpstreamTarget> target,
                                                  const std::vector<std::string>& groups) {
    if (target->conninfo.groups == 0) return target;
    auto filled = std::make_shared<UpstreamTarget>(*target);
    filled->conninfo.groups = 0;
    for (config::UpstreamHost& host : filled->conninfo.hosts) {
        auto name = config::fill_host(host.host, groups);
        if (!name) return nullptr;
        host.host = std::move(*name);
    }
    return filled;
}

std::set<std::string> upstreams_of_terminated(const RuntimeConfig& setup) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < setup.config.listeners.size(); ++i) {
        const auto& listener = setup.config.listeners[i];
        if (listener.tls_mode != config::TlsMode::terminate) continue;
        names.insert(listener.upstream);
        if (i >= setup.access.size() || !setup.access[i].rules) continue;
        for (const hba::Rule& rule : setup.access[i].rules->rules)
            if (!rule.upstream.empty()) names.insert(rule.upstream);
    }
    return names;
}

} // namespace pgmoat::runtime

#include "proxy/upstream/wait_for_role.h"

#include "proxy/upstream/choose_hosts.h"
#include "proxy/upstream/limits.h"
#include "proxy/upstream/shuffle.h"

#include <algorithm>
#include <utility>

namespace pgmoat::upstream {

namespace {

std::vector<Host> hosts_for(const std::vector<Host>& all,
                            const runtime::UpstreamTarget& target,
                            const runtime::HostRoles& known) {
    const auto roles = known.of(target.name);
    std::vector<runtime::HostRole> of_hosts;
    for (const Host& host : all) {
        const auto found = roles.find({target.name, host.configured, host.port});
        of_hosts.push_back(found == roles.end() ? runtime::HostRole{} : found->second);
    }
    const Choice choice{target.conninfo.target_session_attrs, !roles.empty()};
    const Shuffle random = [](std::vector<std::size_t>& order) { shuffle(order); };
    std::vector<Host> chosen;
    for (const std::size_t i :
         choose_hosts(of_hosts, choice, target.conninfo.balance_hosts ? random : Shuffle()))
        chosen.push_back(all[i]);
    return chosen;
}

} // namespace

Awaitable<bool> wait_for_role(runtime::ControlThread& thread,
                              Dialer& dialer,
                              const runtime::UpstreamTarget& target,
                              Plan& plan) {
    const bool any = target.conninfo.target_session_attrs == config::SessionAttrs::any;
    const bool in_order = any && !target.conninfo.balance_hosts;
    if (in_order && thread.services.host_roles.of(target.name).empty()) co_return true;
    const std::vector<Host> all = std::move(plan.hosts);
    const auto longest = plan.connect_timeout > Clock::duration::zero()
                             ? plan.connect_timeout
                             : Clock::duration(role_patience);
    const auto until = std::min(Clock::now() + longest, plan.until);
    for (;;) {
        plan.hosts = hosts_for(all, target, thread.services.host_roles);
        if (!plan.hosts.empty()) co_return true;
        if (Clock::now() >= until) co_return false;
        const bool waited = co_await dialer.pause(role_poll);
        if (!waited) co_return false;
    }
}

} // namespace pgmoat::upstream

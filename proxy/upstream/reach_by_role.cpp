#include "proxy/upstream/reach_by_role.h"

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

// Leaves in the plan those of `all` hosts that may be tried, in their order. False: there was none
// for too long, or the dialer was interrupted.
Awaitable<bool> wait_for_role(runtime::ControlThread& thread,
                              Dialer& dialer,
                              const runtime::UpstreamTarget& target,
                              const std::vector<Host>& all,
                              Plan& plan) {
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

// A host that the check does not know was taken out of the configuration meanwhile: nothing has
// been said against it.
bool still_fits(const Host& host,
                const runtime::UpstreamTarget& target,
                const runtime::HostRoles& known) {
    const auto roles = known.of(target.name);
    const auto found = roles.find({target.name, host.configured, host.port});
    return found == roles.end() || has_role(found->second, target.conninfo.target_session_attrs);
}

} // namespace

Awaitable<Dialer::Outcome> reach_by_role(runtime::ControlThread& thread,
                                         Dialer& dialer,
                                         std::shared_ptr<const runtime::UpstreamTarget> target,
                                         Plan plan) {
    const runtime::HostRoles& roles = thread.services.host_roles;
    const bool any = target->conninfo.target_session_attrs == config::SessionAttrs::any;
    const bool in_order = any && !target->conninfo.balance_hosts;
    if (in_order && roles.of(target->name).empty())
        co_return co_await dialer.reach(std::move(target), std::move(plan));
    const std::vector<Host> all = plan.hosts;
    std::string left; // what became of the host that was left last
    for (;;) {
        const bool chosen = co_await wait_for_role(thread, dialer, *target, all, plan);
        if (!chosen)
            co_return GiveUp{GiveUp::Why::no_host_of_role,
                             left + roles_text(roles.of(target->name))};
        Dialer::Outcome outcome = co_await dialer.reach(target, plan, [&](const Host& host) { //
            return still_fits(host, *target, roles);
        });
        auto* gave_up = std::get_if<GiveUp>(&outcome);
        if (gave_up != nullptr && gave_up->why == GiveUp::Why::role_lost) {
            left = gave_up->detail + "; ";
            continue;
        }
        if (gave_up != nullptr) gave_up->detail = left + gave_up->detail;
        co_return outcome;
    }
}

} // namespace pgmoat::upstream

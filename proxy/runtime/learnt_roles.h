// What servers said of their roles when clients logged in, for upstreams with target_session_attrs
// and no health check. It says who is tried first, and is shown; whether a session may stay on a
// server is for the server itself to say, at each login. For any thread.
#pragma once

#include "proxy/runtime/host_roles.h"
#include "proxy/runtime/limits.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace pgmoat::runtime {

struct LearntRole {
    Role role = Role::unknown;
    std::int64_t since = 0; // Unix seconds: the first login that saw it in that role
    std::int64_t seen = 0;  // and the last one
};

class LearntRoles {
  public:
    using Clock = std::chrono::steady_clock;
    using All = std::map<HostName, LearntRole>;

    // True: it had another role before, or none was known.
    bool learn(const HostName& name, Role role, std::int64_t now) {
        const std::lock_guard lock(mutex_);
        if (roles_.size() >= host_states_max && !roles_.contains(name)) forget_one();
        LearntRole& known = roles_[name];
        const bool changed = known.role != role;
        if (changed) known = {role, now, now};
        known.seen = now;
        return changed;
    }

    // The roles of one upstream's hosts, to begin with those that fit. Unknown, all of them, for one
    // login in a while: it tries the hosts in their order, so that this one is kept to in the end.
    [[nodiscard]] std::vector<Role> to_begin_with(const std::vector<HostName>& hosts,
                                                  Clock::time_point now) {
        std::vector<Role> roles(hosts.size(), Role::unknown);
        if (hosts.empty()) return roles;
        const std::lock_guard lock(mutex_);
        auto& in_order_at = in_order_at_[hosts.front().upstream];
        if (now >= in_order_at) {
            in_order_at = now + learnt_roles_hold;
            return roles;
        }
        for (std::size_t i = 0; i < hosts.size(); ++i)
            if (const auto known = roles_.find(hosts[i]); known != roles_.end())
                roles[i] = known->second.role;
        return roles;
    }

    [[nodiscard]] All all() const {
        const std::lock_guard lock(mutex_);
        return roles_;
    }

  private:
    // Names come from the configuration: the oldest go when reloads have brought too many.
    void forget_one() {
        roles_.erase(
            std::min_element(roles_.begin(), roles_.end(), [](const auto& a, const auto& b) {
                return a.second.seen < b.second.seen;
            }));
    }

    mutable std::mutex mutex_;
    All roles_;
    std::map<std::string, Clock::time_point> in_order_at_; // by the upstream's name
};

} // namespace pgmoat::runtime

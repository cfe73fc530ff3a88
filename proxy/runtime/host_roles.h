// Which host of each upstream is the primary, as its health check says: what sessions choose their
// server by, and what is shown of it. Written by the health checks alone; without one there is
// learnt_roles.h. For any thread.
#pragma once

#include "proxy/runtime/host_states.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace pgmoat::runtime {

enum class Role { unknown, primary, standby };
[[nodiscard]] constexpr std::string_view to_word(Role role) noexcept {
    switch (role) {
    case Role::primary: return "primary";
    case Role::standby: return "standby";
    case Role::unknown: break;
    }
    return "unknown";
}

// What is believed of one host. Times are in Unix seconds; 0: never.
struct HostRole {
    Role role = Role::unknown;
    bool read_only = false;                 // a primary with default_transaction_read_only
    std::optional<std::uint64_t> lag_bytes; // of a standby, behind the primary; nothing: not known
    bool too_far_behind = false;            // more than the check's `lag`
    std::int64_t since = 0;                 // as long as it has that role
    bool answers = false; // the last check told; else role and lag are those of the one before
    std::int64_t answers_since = 0; // as long as that is so; 0: not asked yet
    std::string last_error;         // of the check
    std::int64_t last_error_at = 0;
};

class HostRoles {
  public:
    using OfUpstream = std::map<HostName, HostRole>;

    // The roles of all hosts of one upstream, in place of what was known of them.
    void set(const std::string& upstream, OfUpstream hosts) {
        const std::lock_guard lock(mutex_);
        upstreams_[upstream] = std::move(hosts);
    }
    // Forgets all upstreams but these.
    void keep(const std::set<std::string>& upstreams) {
        const std::lock_guard lock(mutex_);
        std::erase_if(upstreams_, [&](const auto& one) { return !upstreams.contains(one.first); });
    }
    // Empty: it has no health check.
    [[nodiscard]] OfUpstream of(const std::string& upstream) const {
        const std::lock_guard lock(mutex_);
        const auto found = upstreams_.find(upstream);
        return found == upstreams_.end() ? OfUpstream() : found->second;
    }
    [[nodiscard]] OfUpstream all() const {
        const std::lock_guard lock(mutex_);
        OfUpstream all;
        for (const auto& [name, hosts] : upstreams_)
            all.insert(hosts.begin(), hosts.end());
        return all;
    }

  private:
    mutable std::mutex mutex_;
    std::map<std::string, OfUpstream> upstreams_;
};

} // namespace pgmoat::runtime

// The roles of each upstream's hosts, from its health check: sessions choose their server by them,
// and the console and metrics show them. Only the health checks write them. For any thread.
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

// What is known about one host. Times are Unix seconds; 0: never.
struct HostRole {
    Role role = Role::unknown;
    bool read_only = false;                 // a primary with default_transaction_read_only
    std::optional<std::uint64_t> lag_bytes; // of a standby, behind the primary; nothing: unknown
    bool too_far_behind = false;            // above the check's `lag`
    std::int64_t since = 0;                 // since when it has the role
    bool answers = false;           // the last check was answered; if not, role and lag are old
    std::int64_t answers_since = 0; // since when that is so; 0: not checked yet
    std::string last_error;         // from the check
    std::int64_t last_error_at = 0;
};

class HostRoles {
  public:
    using OfUpstream = std::map<HostName, HostRole>;

    // Replaces the roles of all hosts of an upstream.
    void set(const std::string& upstream, OfUpstream hosts) {
        const std::lock_guard lock(mutex_);
        upstreams_[upstream] = std::move(hosts);
    }
    // Removes all upstreams but these.
    void keep(const std::set<std::string>& upstreams) {
        const std::lock_guard lock(mutex_);
        std::erase_if(upstreams_, [&](const auto& one) { return !upstreams.contains(one.first); });
    }
    // Empty: the upstream has no health check.
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

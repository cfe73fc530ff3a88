#include "proxy/upstream/role_book.h"

#include "proxy/upstream/limits.h"

#include <algorithm>
#include <utility>

namespace pgmoat::upstream {

using runtime::HostRole;
using runtime::Role;

RoleBook::RoleBook(std::vector<runtime::HostName> hosts, std::optional<std::uint64_t> lag_bytes_max)
    : lag_bytes_max_(lag_bytes_max) {
    for (auto& name : hosts) {
        Host& host = hosts_.emplace_back();
        host.name = std::move(name);
    }
}

void RoleBook::remember(const runtime::HostRoles::OfUpstream& before) {
    for (Host& host : hosts_)
        if (const auto known = before.find(host.name); known != before.end())
            host.shown = known->second;
}

void RoleBook::saw(std::size_t which, const SeenHost& seen, const Now& now) {
    Host& host = hosts_.at(which);
    if (!seen.error.empty()) return could_not_ask(host, seen, now);
    if (!host.shown.answers || host.shown.answers_since == 0)
        host.shown.answers_since = now.unix_seconds;
    host.shown.answers = true;
    host.shown.read_only = seen.read_only;
    host.timeline = seen.timeline;
    host.position = seen.position;
    host.says_primary = seen.role == Role::primary;
    if (host.says_primary) {
        says_primary(host, now);
    } else {
        host.said_primary = 0;
        if (host.shown.role != seen.role) become(host, seen.role, now);
    }
    note_lag(host, seen);
}

void RoleBook::could_not_ask(Host& host, const SeenHost& seen, const Now& now) {
    if (host.shown.answers || host.shown.answers_since == 0)
        host.shown.answers_since = now.unix_seconds;
    host.shown.answers = false;
    host.shown.last_error = seen.error;
    host.shown.last_error_at = now.unix_seconds;
    host.says_primary = false;
    host.said_primary = 0;
    if (seen.is_no_primary && host.shown.role == Role::primary) become(host, Role::unknown, now);
}

// The positions of two hosts are not of the same moment: what a check tells itself comes first.
void RoleBook::note_lag(Host& host, const SeenHost& seen) {
    if (host.shown.role != Role::standby) {
        host.shown.lag_bytes.reset();
        host.shown.too_far_behind = false;
        return;
    }
    const Host* const primary = believed_primary();
    if (seen.lag_bytes)
        host.shown.lag_bytes = seen.lag_bytes;
    else if (primary != nullptr && primary->position && host.position)
        host.shown.lag_bytes = *primary->position - std::min(*primary->position, *host.position);
    host.shown.too_far_behind =
        lag_bytes_max_ && host.shown.lag_bytes && *host.shown.lag_bytes > *lag_bytes_max_;
}

void RoleBook::says_primary(Host& host, const Now& now) {
    if (host.shown.role == Role::primary) return;
    ++host.said_primary;
    Host* const other = believed_primary();
    std::size_t needed = 1;
    if (other != nullptr) {
        needed = answers_to_replace_primary;
        if (other->says_primary && host.timeline <= other->timeline) {
            const std::string wrong = "says that it is the primary, and so does " +
                                      other->name.host + ":" + std::to_string(other->name.port);
            if (host.shown.last_error != wrong)
                news_.push_back("host \"" + host.name.host + ":" + std::to_string(host.name.port) +
                                "\" " + wrong + ": it is not believed");
            host.shown.last_error = wrong;
            host.shown.last_error_at = now.unix_seconds;
            return;
        }
    }
    const bool came_back = last_primary_ && *last_primary_ != host.name;
    if (came_back && host.lost_at && now.steady - *host.lost_at < settling)
        needed = std::max(needed, answers_while_settling);
    if (host.said_primary < needed) return;
    if (other != nullptr) become(*other, Role::unknown, now);
    become(host, Role::primary, now);
}

void RoleBook::become(Host& host, Role role, const Now& now) {
    if (host.shown.role == Role::primary) host.lost_at = now.steady;
    if (role == Role::primary) last_primary_ = host.name;
    host.shown.role = role;
    host.shown.since = now.unix_seconds;
    host.said_primary = 0;
    const std::string name =
        "host \"" + host.name.host + ":" + std::to_string(host.name.port) + "\"";
    switch (role) {
    case Role::primary: news_.push_back(name + " is now the primary"); break;
    case Role::standby: news_.push_back(name + " is now a standby"); break;
    case Role::unknown: news_.push_back(name + " is no longer the primary"); break;
    }
}

RoleBook::Host* RoleBook::believed_primary() {
    const auto found = std::ranges::find_if(
        hosts_, [](const Host& host) { return host.shown.role == Role::primary; });
    return found == hosts_.end() ? nullptr : &*found;
}

runtime::HostRoles::OfUpstream RoleBook::roles() const {
    runtime::HostRoles::OfUpstream roles;
    for (const Host& host : hosts_)
        roles[host.name] = host.shown;
    return roles;
}

std::vector<std::string> RoleBook::take_news() {
    return std::exchange(news_, {});
}

} // namespace pgmoat::upstream

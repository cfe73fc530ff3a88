#include "proxy/upstream/role_search.h"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

namespace pgmoat::upstream {

using config::SessionAttrs;
using runtime::Role;

RoleSearch::RoleSearch(Plan all, SessionAttrs wanted, std::vector<Role> known, Shuffle shuffle)
    : all_(std::move(all)), wanted_(wanted), roles_(std::move(known)), shuffle_(std::move(shuffle)),
      pass_(wanted == SessionAttrs::prefer_standby ? Pass::first : Pass::only) {
    assert(!all_.hosts.empty());
    roles_.resize(all_.hosts.size(), Role::unknown);
    sort(wanted);
}

void RoleSearch::sort(SessionAttrs first) {
    const bool primary = first == SessionAttrs::primary || first == SessionAttrs::read_write;
    const Role right = primary ? Role::primary : Role::standby;
    const auto sort_first = [this](const auto& is_first) {
        std::stable_partition(
            left_.begin(), left_.end(), [&](std::size_t i) { return is_first(roles_[i]); });
    };
    left_.resize(all_.hosts.size());
    std::iota(left_.begin(), left_.end(), 0);
    if (shuffle_) shuffle_(left_);
    sort_first([right](Role role) { return role == right || role == Role::unknown; });
    sort_first([right](Role role) { return role == right; });
}

Plan RoleSearch::plan() const {
    assert(!left_.empty());
    Plan plan = all_;
    plan.hosts.clear();
    for (const std::size_t i : left_)
        plan.hosts.push_back(all_.hosts[i]);
    return plan;
}

void RoleSearch::reached(std::size_t host) {
    assert(host < left_.size());
    current_ = left_[host];
    left_.erase(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(host) + 1);
}

bool RoleSearch::not_reached(const GiveUp& gave_up) {
    if (gave_up.why != GiveUp::Why::unreachable || pass_ != Pass::first) return false;
    note(gave_up.detail);
    return begin_second_pass();
}

// Those that were reached are known now: what is down is not waited for twice before them.
bool RoleSearch::begin_second_pass() {
    pass_ = Pass::second;
    sort(SessionAttrs::primary);
    return true;
}

void RoleSearch::learn(const protocol::LoginFacts& login) {
    if (login.in_hot_standby) roles_[current_] = role_in(login);
}

bool RoleSearch::fits(const protocol::LoginFacts& login) const {
    if (pass_ == Pass::second) return true;
    const auto& standby = login.in_hot_standby;
    const auto& read_only = login.default_transaction_read_only;
    switch (wanted_) {
    case SessionAttrs::any: return true;
    case SessionAttrs::primary: return standby == false;
    case SessionAttrs::read_write: return standby == false && read_only == false;
    case SessionAttrs::standby:
    case SessionAttrs::prefer_standby: return standby == true;
    case SessionAttrs::read_only: return standby == true || read_only == true;
    }
    return false;
}

bool RoleSearch::leave(const std::string& why) {
    const Host& host = all_.hosts[current_];
    note(host.configured + ":" + std::to_string(host.port) + " " + why);
    if (!left_.empty()) return true;
    return pass_ == Pass::first && begin_second_pass();
}

bool RoleSearch::has_more() const noexcept {
    return !left_.empty() || pass_ == Pass::first;
}

bool RoleSearch::is_wish() const noexcept {
    return wanted_ == SessionAttrs::prefer_standby;
}

void RoleSearch::note(const std::string& what) {
    if (!detail_.empty()) detail_ += ", ";
    detail_ += what;
}

Role role_in(const protocol::LoginFacts& login) noexcept {
    if (!login.in_hot_standby) return Role::unknown;
    return *login.in_hot_standby ? Role::standby : Role::primary;
}

std::string role_text(const protocol::LoginFacts& login) {
    switch (role_in(login)) {
    case Role::standby: return "is a standby";
    case Role::primary:
        return login.default_transaction_read_only == true
                   ? "is a primary whose sessions are read-only"
                   : "is a primary";
    case Role::unknown: break;
    }
    return "does not say in the login whether it is a standby";
}

} // namespace pgmoat::upstream

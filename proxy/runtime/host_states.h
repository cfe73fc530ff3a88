// The result of the last connection attempt to each host of each upstream, for the console and the
// metrics. No decision depends on it. For any thread.
#pragma once

#include "proxy/runtime/limits.h"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace pgmoat::runtime {

struct HostName {
    std::string upstream; // its name in the configuration
    std::string host;     // as configured, or its hostaddr if there is no host
    std::uint16_t port = 0;
    auto operator<=>(const HostName&) const = default;
};

struct HostState {
    bool up = false;           // the last attempt succeeded
    std::int64_t since = 0;    // since when `up` has this value; Unix seconds
    std::string address;       // tried last; empty: the name has no address
    std::uint64_t reached = 0; // successful attempts
    std::uint64_t failed = 0;
    std::string last_error;                            // empty: none so far
    std::int64_t last_error_at = 0;                    // Unix seconds
    std::optional<std::int64_t> certificate_not_after; // of the last certificate it sent

    std::int64_t noted = 0; // Unix seconds
};

class HostStates {
  public:
    using All = std::map<HostName, HostState>;

    void note_reached(const HostName& name, const std::string& address) {
        note(name, address, true, [](HostState& state, std::int64_t) { ++state.reached; });
    }
    void note_failed(const HostName& name, const std::string& address, const std::string& error) {
        note(name, address, false, [&error](HostState& state, std::int64_t now) {
            ++state.failed;
            state.last_error = error;
            state.last_error_at = now;
        });
    }
    void note_certificate(const HostName& name, std::int64_t not_after) {
        const std::lock_guard lock(mutex_);
        entry(name).certificate_not_after = not_after;
    }
    [[nodiscard]] All all() const {
        const std::lock_guard lock(mutex_);
        return states_;
    }

  private:
    template <class Change>
    void note(const HostName& name, const std::string& address, bool up, const Change& change) {
        const std::int64_t now = std::time(nullptr);
        const std::lock_guard lock(mutex_);
        HostState& state = entry(name);
        if (state.since == 0 || state.up != up) state.since = now;
        state.up = up;
        state.address = address;
        state.noted = now;
        change(state, now);
    }
    // Names come from the configuration: the oldest are removed when reloads have added too many.
    HostState& entry(const HostName& name) {
        const auto known = states_.find(name);
        if (known != states_.end()) return known->second;
        if (states_.size() >= host_states_max)
            states_.erase(
                std::min_element(states_.begin(), states_.end(), [](const auto& a, const auto& b) {
                    return a.second.noted < b.second.noted;
                }));
        return states_[name];
    }

    mutable std::mutex mutex_;
    All states_;
};

} // namespace pgmoat::runtime

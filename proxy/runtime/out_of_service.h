// The listeners, upstreams and single hosts that an administrator has taken out of service with
// DRAIN. By name, so that it survives reloads; until UNDRAIN or the end of the process. For any
// thread.
#pragma once

#include "proxy/config/place.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace pgmoat::runtime {

class OutOfService {
  public:
    using Place = config::Place;

    void take_out(Place place) {
        const std::lock_guard lock(mutex_);
        if (std::ranges::find(places_, place) == places_.end()) places_.push_back(std::move(place));
        any_.store(true, std::memory_order_relaxed);
    }
    // Putting an upstream back includes its hosts. False: it was not out of service.
    bool put_back(const Place& place) {
        const std::lock_guard lock(mutex_);
        const std::size_t erased = std::erase_if(places_, [&place](const Place& out) {
            const bool whole = place.host.empty() || place.host == out.host;
            return out.kind == place.kind && out.name == place.name && whole;
        });
        any_.store(!places_.empty(), std::memory_order_relaxed);
        return erased > 0;
    }

    [[nodiscard]] bool any() const noexcept { return any_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool has_listener(const std::string& name) const {
        return has([&name](const Place& out) {
            return out.kind == Place::Kind::listener && out.name == name;
        });
    }
    [[nodiscard]] bool
    has_server(const std::string& upstream, const std::string& host, std::uint16_t port) const {
        return has([&](const Place& out) {
            return out.kind == Place::Kind::upstream && out.name == upstream &&
                   config::means_host(out.host, host, port);
        });
    }
    [[nodiscard]] std::vector<Place> places() const {
        const std::lock_guard lock(mutex_);
        return places_;
    }

  private:
    template <typename Matches>
    [[nodiscard]] bool has(const Matches& matches) const {
        if (!any()) return false;
        const std::lock_guard lock(mutex_);
        return std::ranges::any_of(places_, matches);
    }

    mutable std::mutex mutex_;
    std::vector<Place> places_;
    std::atomic<bool> any_{false}; // so that logins take no lock while nothing is out of service
};

} // namespace pgmoat::runtime

// Takes a channel out of a relay plane, as an upgrade does.
#pragma once

#include "proxy/relay/plane.h"

#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace pgmoat::test {

// A channel that can leave now; null: there is none.
inline std::unique_ptr<relay::Channel> take_one(relay::Plane& plane) {
    std::promise<std::unique_ptr<relay::Channel>> given;
    plane.give_away(0, 1, [&](std::vector<std::unique_ptr<relay::Channel>>& channels) {
        std::unique_ptr<relay::Channel> one;
        if (!channels.empty()) one = std::move(channels.front());
        channels.clear();
        given.set_value(std::move(one));
    });
    return given.get_future().get();
}

// One that can leave within a while; null: there is none.
inline std::unique_ptr<relay::Channel> take_soon(relay::Plane& plane) {
    using Clock = std::chrono::steady_clock;
    const auto give_up = Clock::now() + std::chrono::seconds(20);
    for (;;) {
        if (auto channel = take_one(plane)) return channel;
        if (Clock::now() > give_up) return nullptr;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

} // namespace pgmoat::test

// The last refusals, and the rate limit of the log.
#include "proxy/telemetry/limits.h"
#include "proxy/telemetry/refusal_log.h"
#include "tests/support/catch.h"

#include <string>

using namespace pgmoat;
using metrics::CloseReason;
using namespace std::chrono_literals;

namespace {

constexpr auto burst = static_cast<int>(telemetry::refusal_lines_burst);
constexpr auto per_second = static_cast<int>(telemetry::refusal_lines_per_second);

int admitted(telemetry::RefusalGate& gate,
             CloseReason reason,
             int tries,
             telemetry::RefusalGate::Clock::time_point now) {
    int count = 0;
    for (int i = 0; i < tries; ++i)
        count += gate.admit(reason, now) ? 1 : 0;
    return count;
}

} // namespace

TEST_CASE("A storm gets its burst of lines, and what is held back is counted once") {
    telemetry::RefusalGate gate;
    const auto now = telemetry::RefusalGate::Clock::now();
    CHECK(admitted(gate, CloseReason::denied, 5000, now) == burst);
    const auto held = gate.take_held();
    REQUIRE(held.size() == 1);
    CHECK(held[0].reason == CloseReason::denied);
    CHECK(held[0].count == static_cast<std::uint64_t>(5000 - burst));
    CHECK(gate.take_held().empty());
}

TEST_CASE("Lines come back with time, up to the burst") {
    telemetry::RefusalGate gate;
    const auto now = telemetry::RefusalGate::Clock::now();
    CHECK(admitted(gate, CloseReason::denied, 5000, now) == burst);
    CHECK(admitted(gate, CloseReason::denied, 5000, now + 1s) == per_second);
    CHECK(admitted(gate, CloseReason::denied, 5000, now + 1h) == burst);
}

TEST_CASE("A storm of one reason hides no other") {
    telemetry::RefusalGate gate;
    const auto now = telemetry::RefusalGate::Clock::now();
    CHECK(admitted(gate, CloseReason::denied, 5000, now) == burst);
    CHECK(gate.admit(CloseReason::internal, now));
}

TEST_CASE("Lines that are no refusals have a gate as well") {
    telemetry::LineGate gate;
    const auto now = telemetry::LineGate::Clock::now();
    int count = 0;
    for (int i = 0; i < 5000; ++i)
        count += gate.admit(now) ? 1 : 0;
    CHECK(count == burst);
    CHECK(gate.take_held() == static_cast<std::uint64_t>(5000 - burst));
    CHECK(gate.take_held() == 0);
}

TEST_CASE("Only the last refusals are kept, newest first, with their texts cut") {
    telemetry::RecentRefusals recent;
    for (std::uint64_t id = 1; id <= 3 * telemetry::recent_refusals_max; ++id)
        recent.add({{}, id, CloseReason::denied, std::string(100'000, 'x'), {}});
    const auto all = recent.newest_first();
    REQUIRE(all.size() == telemetry::recent_refusals_max);
    CHECK(all.front().id == 3 * telemetry::recent_refusals_max);
    CHECK(all.back().id == 2 * telemetry::recent_refusals_max + 1);
    CHECK(all.front().detail.size() == telemetry::refusal_detail_bytes_max);
}

TEST_CASE("What clients do by themselves and what probes do is no refusal") {
    CHECK_FALSE(telemetry::is_refusal(CloseReason::client_closed, false));
    CHECK_FALSE(telemetry::is_refusal(CloseReason::startup, false));
    CHECK(telemetry::is_refusal(CloseReason::startup, true));
    CHECK(telemetry::is_refusal(CloseReason::handshake, false));
    CHECK(telemetry::is_refusal(CloseReason::proxy_header, true));
}

// RecentMaximum: a peak is visible for at least 10 seconds and at most 20.
#include "metrics/recent_maximum.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using pgmoat::metrics::RecentMaximum;

TEST_CASE("The largest value is shown, not the latest") {
    const RecentMaximum::Clock::time_point start{1h};
    RecentMaximum maximum;
    CHECK(maximum.value(start) == 0s);
    maximum.note(start, 3ms);
    maximum.note(start + 1s, 7ms);
    maximum.note(start + 2s, 1ms);
    CHECK(maximum.value(start + 3s) == 7ms);
}

TEST_CASE("A peak is seen by a scrape every 10 seconds and gone after 20") {
    const RecentMaximum::Clock::time_point start{1h};
    RecentMaximum maximum;
    maximum.note(start, 1ms);
    maximum.note(start + 9s, 50ms);
    maximum.note(start + 11s, 2ms);
    CHECK(maximum.value(start + 12s) == 50ms);
    CHECK(maximum.value(start + 19s) == 50ms);
    maximum.note(start + 22s, 3ms);
    CHECK(maximum.value(start + 22s) == 3ms);
}

TEST_CASE("After a silence nothing of what was is shown") {
    const RecentMaximum::Clock::time_point start{1h};
    RecentMaximum maximum;
    maximum.note(start, 50ms);
    CHECK(maximum.value(start + 30s) == 0s);
    maximum.note(start + 31s, 1ms);
    CHECK(maximum.value(start + 31s) == 1ms);
}

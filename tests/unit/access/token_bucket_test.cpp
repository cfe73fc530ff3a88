// Compared with a textbook token bucket: a number of tokens that grows with time.
#include "proxy/access/token_bucket.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <random>

using namespace pgmoat::access;
using namespace std::chrono_literals;

namespace {

const Clock::time_point start{1000h};

// Exact: counts in units of one token's time.
class Model {
  public:
    explicit Model(const Rate& rate) : rate_(rate), tokens_(full()) {}

    bool take(Clock::time_point now) {
        tokens_ = std::min(full(), tokens_ + (now - last_).count());
        last_ = now;
        if (tokens_ < rate_.interval().count()) return false;
        tokens_ -= rate_.interval().count();
        return true;
    }

  private:
    [[nodiscard]] std::int64_t full() const { return rate_.interval().count() * rate_.burst; }
    Rate rate_;
    std::int64_t tokens_;
    Clock::time_point last_ = start;
};

} // namespace

TEST_CASE("A bucket gives its burst at once and its rate after that") {
    const Rate rate{10, 1s, 3};
    TokenBucket bucket;
    for (int i = 0; i < 3; ++i)
        REQUIRE(bucket.take(rate, start));
    REQUIRE_FALSE(bucket.take(rate, start));
    REQUIRE_FALSE(bucket.take(rate, start + 99ms));
    REQUIRE(bucket.take(rate, start + 100ms));
    REQUIRE_FALSE(bucket.take(rate, start + 100ms));
    REQUIRE_FALSE(bucket.is_full(start + 399ms));
    REQUIRE(bucket.is_full(start + 400ms));
}

TEST_CASE("A rate of nothing is no limit") {
    TokenBucket bucket;
    for (int i = 0; i < 1000; ++i)
        REQUIRE(bucket.take(Rate{}, start));
    REQUIRE(bucket.is_full(start));
    REQUIRE_FALSE(bucket.is_exceeded(Rate{}, start));
}

TEST_CASE("A bucket agrees with the textbook's, event by event") {
    std::mt19937 random(3);
    for (int round = 0; round < 300; ++round) {
        const Rate rate{1 + static_cast<std::uint32_t>(random() % 5) * 4,
                        std::chrono::milliseconds{20 * (1 + random() % 100)},
                        1 + static_cast<std::uint32_t>(random() % 8)};
        if (rate.per % rate.number != 0ns) continue;
        TokenBucket bucket;
        Model model(rate);
        auto now = start;
        for (int event = 0; event < 500; ++event) {
            now += random() % 3 == 0 ? 0ns : std::chrono::nanoseconds{random() % rate.per.count()};
            REQUIRE(bucket.take(rate, now) == model.take(now));
        }
    }
}

TEST_CASE("Events that nothing can refuse exceed a rate after its burst, and are forgotten") {
    const Rate rate{3, 60s, 3};
    TokenBucket bucket;
    bucket.add(rate, start), bucket.add(rate, start);
    REQUIRE_FALSE(bucket.is_exceeded(rate, start));
    bucket.add(rate, start);
    REQUIRE(bucket.is_exceeded(rate, start));
    REQUIRE(bucket.is_exceeded(rate, start + 19s));
    REQUIRE_FALSE(bucket.is_exceeded(rate, start + 20s));

    for (int i = 0; i < 100'000; ++i)
        bucket.add(rate, start);
    REQUIRE_FALSE(bucket.is_exceeded(rate, start + 120s));
}

TEST_CASE("What is used is what time has not paid for, and what is empty gives no more") {
    const Rate rate{3, 60s, 3};
    TokenBucket bucket;
    REQUIRE(bucket.used(rate, start) == 0);
    REQUIRE((bucket.take(rate, start) && bucket.take(rate, start)));
    REQUIRE(bucket.used(rate, start) == 2);
    REQUIRE_FALSE(bucket.is_empty(rate, start));
    REQUIRE(bucket.take(rate, start));
    REQUIRE(bucket.is_empty(rate, start));
    REQUIRE(bucket.used(rate, start + 1s) == 3); // a partly replenished token counts
    REQUIRE(bucket.used(rate, start + 20s) == 2);
    REQUIRE_FALSE(bucket.is_empty(rate, start + 20s));
    REQUIRE(bucket.used({}, start) == 0);
    REQUIRE_FALSE(bucket.is_empty({}, start));
}

TEST_CASE("A shorter rate forgets what a longer one has counted") {
    TokenBucket bucket;
    REQUIRE(bucket.take({1, 1h, 1}, start));
    REQUIRE_FALSE(bucket.take({1, 1h, 1}, start + 1s));
    REQUIRE_FALSE(bucket.take({10, 1s, 1}, start + 1s));
    REQUIRE(bucket.is_exceeded({10, 1s, 1}, start + 1s));
}

// When a peer's messages are a flood.
#include "tests/support/catch.h"
#include "tls/message_rate.h"

using pgmoat::tls::MessageRate;
using namespace std::chrono_literals;

namespace {

constexpr MessageRate::Time start{1h};

void count(MessageRate& rate, unsigned messages, MessageRate::Time now) {
    for (unsigned i = 0; i < messages; ++i)
        rate.count(now);
}

} // namespace

TEST_CASE("as many messages as a second may bring are no flood, and one more is") {
    MessageRate rate(100);
    count(rate, 100, start);
    CHECK_FALSE(rate.exceeded());
    rate.count(start + 999ms);
    CHECK(rate.exceeded());
}

TEST_CASE("a new second begins a new count of messages") {
    MessageRate rate(100);
    count(rate, 100, start);
    count(rate, 100, start + 1s);
    count(rate, 100, start + 10s);
    CHECK_FALSE(rate.exceeded());
}

TEST_CASE("a flood of messages is not forgotten when it stops") {
    MessageRate rate(100);
    count(rate, 101, start);
    rate.count(start + 10s);
    CHECK(rate.exceeded());
}

// A pool whose lookups take as long as the test wants.
#include "proxy/lookups/lookup_pool.h"
#include "tests/support/catch.h"

#include <atomic>
#include <chrono>
#include <future>
#include <list>
#include <memory>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using pgmoat::lookups::PoolBounds;
using pgmoat::lookups::Subscription;
using TestPool = pgmoat::lookups::LookupPool<int, std::string>;

namespace {

// Makes lookups wait until it opens. Shared with the workers, which may outlive the test.
struct Gate {
    void open() {
        const std::lock_guard lock(mutex);
        is_open = true;
        changed.notify_all();
    }
    void pass() {
        std::unique_lock lock(mutex);
        ++arrived;
        changed.notify_all();
        changed.wait(lock, [this] { return is_open; });
    }
    void wait_for_arrivals(int count) {
        std::unique_lock lock(mutex);
        REQUIRE(changed.wait_for(lock, 60s, [&] { return arrived >= count; }));
    }

    std::mutex mutex;
    std::condition_variable changed;
    bool is_open = false;
    int arrived = 0;
};

constexpr PoolBounds small{.workers = 2, .waiting_max = 3, .cached_max = 4};

struct Fixture {
    explicit Fixture(PoolBounds bounds = small, std::chrono::milliseconds kept = 1h)
        : pool(bounds, work(kept)) {}
    // A failed test must not leave a waiting thread behind.
    ~Fixture() { gate->open(); }

    TestPool::Work work(std::chrono::milliseconds kept) {
        return {[gate = gate] {
                    return [gate](int key, const std::stop_token&) {
                        gate->pass();
                        return "answer " + std::to_string(key);
                    };
                },
                [kept](const std::string&) { return kept; },
                "too many"};
    }
    // Asks, and keeps the subscription.
    std::future<std::string> ask(int key) {
        auto promise = std::make_shared<std::promise<std::string>>();
        auto future = promise->get_future();
        auto asked =
            pool.ask(key, [promise](const std::string& answer) { promise->set_value(answer); });
        if (const auto* known = std::get_if<std::string>(&asked))
            promise->set_value(*known);
        else
            subscriptions.push_back(std::move(std::get<Subscription>(asked)));
        return future;
    }

    std::shared_ptr<Gate> gate = std::make_shared<Gate>();
    TestPool pool;
    std::list<Subscription> subscriptions;
};

std::string take(std::future<std::string>& future) {
    REQUIRE(future.wait_for(60s) == std::future_status::ready);
    return future.get();
}

bool is_waiting(const std::future<std::string>& future) {
    return future.wait_for(0s) == std::future_status::timeout;
}

} // namespace

TEST_CASE("a key that many ask for is looked up once, and all get the answer") {
    Fixture fixture;
    auto first = fixture.ask(7);
    auto second = fixture.ask(7);
    fixture.gate->open();
    CHECK(take(first) == "answer 7");
    CHECK(take(second) == "answer 7");
    CHECK(fixture.gate->arrived == 1);
}

TEST_CASE("a lookup that hangs delays only its own key") {
    auto hanging = std::make_shared<Gate>();
    TestPool pool(small,
                  {[hanging] {
                       return [hanging](int key, const std::stop_token&) {
                           if (key == 1) hanging->pass();
                           return std::to_string(key);
                       };
                   },
                   [](const std::string&) { return 1h; },
                   "too many"});
    const auto hung = pool.ask(1, [](const std::string&) {});
    hanging->wait_for_arrivals(1);
    std::promise<std::string> quick;
    const auto subscription =
        pool.ask(2, [&](const std::string& answer) { quick.set_value(answer); });
    auto answer = quick.get_future();
    CHECK(take(answer) == "2");
    hanging->open();
}

TEST_CASE("an answer is cached for its time and then looked up again") {
    const bool forever = GENERATE(true, false);
    Fixture fixture(small, forever ? std::chrono::milliseconds(1h) : 0ms);
    fixture.gate->open();
    for (int i = 0; i < 2; ++i) {
        auto answer = fixture.ask(7);
        CHECK(take(answer) == "answer 7");
    }
    CHECK(fixture.gate->arrived == (forever ? 1 : 2));
}

TEST_CASE("a forgotten answer is looked up again, and no other") {
    Fixture fixture;
    fixture.gate->open();
    for (const int key : {7, 8}) {
        auto answer = fixture.ask(key);
        (void)take(answer);
    }
    fixture.pool.forget(7);
    fixture.pool.forget(9); // never asked
    for (const int key : {7, 8}) {
        auto answer = fixture.ask(key);
        (void)take(answer);
    }
    CHECK(fixture.gate->arrived == 3);
}

TEST_CASE("no more answers are kept than the bound says") {
    Fixture fixture;
    fixture.gate->open();
    for (int key = 0; key < 5; ++key) {
        auto answer = fixture.ask(key);
        take(answer);
    }
    auto oldest = fixture.ask(0);
    take(oldest);
    CHECK(fixture.gate->arrived == 6);
}

TEST_CASE("when the queue is full the answer is at once that there are too many") {
    Fixture fixture;
    std::vector<std::future<std::string>> answers;
    answers.push_back(fixture.ask(0));
    answers.push_back(fixture.ask(1));
    fixture.gate->wait_for_arrivals(2); // both workers are busy
    for (int key = 2; key < 5; ++key)
        answers.push_back(fixture.ask(key));
    auto refused = fixture.ask(5);
    CHECK(take(refused) == "too many");
    auto joined = fixture.ask(4); // already in the queue
    CHECK(is_waiting(joined));
    fixture.gate->open();
    for (auto& answer : answers)
        CHECK(take(answer) != "too many");
    auto later = fixture.ask(5);
    CHECK(take(later) == "answer 5");
}

TEST_CASE("a question that no one waits for leaves the queue and is never looked up") {
    Fixture fixture;
    const auto first = fixture.ask(0);
    const auto second = fixture.ask(1);
    fixture.gate->wait_for_arrivals(2);
    const auto given_up = fixture.ask(2);
    fixture.subscriptions.pop_back();
    auto last = fixture.ask(3);
    fixture.gate->open();
    CHECK(take(last) == "answer 3");
    CHECK(fixture.gate->arrived == 3);
}

TEST_CASE("one that gives up gets nothing, and others with the same question still do") {
    Fixture fixture;
    const auto given_up = fixture.ask(7);
    auto patient = fixture.ask(7);
    fixture.subscriptions.erase(fixture.subscriptions.begin());
    fixture.gate->open();
    CHECK(take(patient) == "answer 7");
    CHECK(fixture.pool.is_quiet());
}

TEST_CASE("a pool goes while a lookup hangs, and its answer is dropped") {
    auto fixture = std::make_unique<Fixture>();
    const auto gate = fixture->gate;
    auto answer = fixture->ask(7);
    auto queued = fixture->ask(8);
    gate->wait_for_arrivals(2);
    CHECK_FALSE(fixture->pool.close(10ms));
    CHECK_THROWS_AS(answer.get(), std::future_error); // its callback was destroyed
    auto refused = fixture->ask(9);
    CHECK(take(refused) == "too many");
    gate->open();
    CHECK(fixture->pool.close(60s));
    fixture.reset();
}

TEST_CASE("idle workers end, and new ones come when they are needed") {
    PoolBounds bounds = small;
    bounds.idle_worker_kept = 1ms;
    Fixture fixture(bounds, 0ms);
    fixture.gate->open();
    for (int i = 0; i < 20; ++i) {
        auto answer = fixture.ask(i);
        CHECK(take(answer) == "answer " + std::to_string(i));
        std::this_thread::sleep_for(i % 2 * 3ms);
    }
    CHECK(fixture.pool.close(60s));
}

TEST_CASE("a pool that has closed has no thread that is still ending") {
    static std::atomic<bool> gone;
    gone = false;
    struct SlowToEnd { // as what the C library and OpenSSL keep for a thread
        ~SlowToEnd() {
            std::this_thread::sleep_for(200ms);
            gone = true;
        }
    };
    PoolBounds bounds = small;
    const bool idle_first = GENERATE(false, true);
    if (idle_first) bounds.idle_worker_kept = 1ms;
    TestPool pool(bounds,
                  {[] {
                       return [](int key, const std::stop_token&) {
                           thread_local const SlowToEnd slow;
                           (void)&slow;
                           return std::to_string(key);
                       };
                   },
                   [](const std::string&) { return 1h; },
                   "too many"});
    std::promise<std::string> answer;
    const auto subscription = pool.ask(1, [&](const std::string& text) { answer.set_value(text); });
    auto future = answer.get_future();
    CHECK(take(future) == "1");
    if (idle_first) std::this_thread::sleep_for(50ms);
    CHECK(pool.close(60s));
    CHECK(gone);
}

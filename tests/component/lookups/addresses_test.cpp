// Addresses from a name server that answers, fails or is silent, as the test sets it.
#include "proxy/lookups/addresses.h"
#include "tests/support/catch.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using pgmoat::lookups::AddressBook;
using pgmoat::lookups::HostAddresses;
using pgmoat::lookups::numeric_address;
using pgmoat::lookups::to_text;
using pgmoat::lookups::with_port;

namespace {

// Shared with workers, which may outlive the test.
class NameServer {
  public:
    ~NameServer() = default;

    void says(const std::string& name, const std::string& ip) {
        const std::lock_guard lock(mutex_);
        answers_[name] = {{*numeric_address(ip, 0)}, {}, false, false};
    }
    void fails(const std::string& name, bool temporary) {
        const std::lock_guard lock(mutex_);
        answers_[name] = {{}, "no address for " + name, temporary, false};
    }
    void is_silent(bool yes) {
        const std::lock_guard lock(mutex_);
        silent_ = yes;
        changed_.notify_all();
    }
    HostAddresses look_up(const std::string& name) {
        std::unique_lock lock(mutex_);
        ++asked_;
        changed_.wait(lock, [&] { return !silent_ || name.starts_with("loud"); });
        return answers_[name];
    }
    int asked() {
        const std::lock_guard lock(mutex_);
        return asked_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, HostAddresses> answers_;
    bool silent_ = false;
    int asked_ = 0;
};

struct Fixture {
    ~Fixture() { server->is_silent(false); }

    // As a session does: uses a cached answer, or waits until it may use the stale one.
    HostAddresses ask(const std::string& name, AddressBook::Kept kept) {
        auto promise = std::make_shared<std::promise<HostAddresses>>();
        auto future = promise->get_future();
        auto asked = book.ask(
            name, kept, [promise](const HostAddresses& answer) { promise->set_value(answer); });
        if (auto* known = std::get_if<HostAddresses>(&asked)) return *known;
        auto& pending = std::get<AddressBook::Pending>(asked);
        if (!pending.stale) {
            REQUIRE(future.wait_for(60s) == std::future_status::ready);
            return future.get();
        }
        if (future.wait_until(pending.use_stale_at) == std::future_status::ready)
            return future.get();
        return *pending.stale;
    }
    std::string text(const std::string& name, AddressBook::Kept kept) {
        const HostAddresses answer = ask(name, kept);
        if (answer.found.empty()) return answer.error;
        return to_text(with_port(answer.found[0], 5432)) + (answer.stale ? " stale" : "");
    }

    std::shared_ptr<NameServer> server = std::make_shared<NameServer>();
    AddressBook book{[server = server](const std::string& name) { return server->look_up(name); }};
};

constexpr AddressBook::Kept long_kept{1h, 1h};
constexpr AddressBook::Kept not_kept{0s, 0s};

} // namespace

TEST_CASE("an answer is kept for as long as it is asked to be") {
    Fixture test;
    test.server->says("db", "10.0.0.1");
    CHECK(test.text("db", long_kept) == "10.0.0.1:5432");
    test.server->says("db", "10.0.0.2");
    CHECK(test.text("db", long_kept) == "10.0.0.1:5432");
    CHECK(test.server->asked() == 1);
    CHECK(test.text("db", not_kept) == "10.0.0.2:5432");
}

TEST_CASE("that there is no such name is kept for its own time") {
    Fixture test;
    test.server->fails("db", false);
    CHECK(test.text("db", long_kept) == "no address for db");
    test.server->says("db", "10.0.0.1");
    CHECK(test.text("db", {0s, 1h}) == "no address for db");
    CHECK(test.text("db", {1h, 0s}) == "10.0.0.1:5432");
}

TEST_CASE("a silent name server: the older answer is used, the first time after a short wait") {
    Fixture test;
    test.server->says("db", "10.0.0.1");
    (void)test.text("db", not_kept);
    test.server->is_silent(true);
    auto began = std::chrono::steady_clock::now();
    CHECK(test.text("db", not_kept) == "10.0.0.1:5432 stale");
    const auto first = std::chrono::steady_clock::now() - began;
    CHECK(first > 400ms);
    CHECK(first < 5s);
    began = std::chrono::steady_clock::now();
    CHECK(test.text("db", not_kept) == "10.0.0.1:5432 stale");
    CHECK(std::chrono::steady_clock::now() - began < 300ms);
    CHECK(test.server->asked() == 2); // one lookup at a time
}

TEST_CASE("a name server that fails: the older answer is used; a name that is gone is gone") {
    Fixture test;
    test.server->says("db", "10.0.0.1");
    (void)test.text("db", not_kept);
    test.server->fails("db", true);
    CHECK(test.text("db", not_kept) == "10.0.0.1:5432 stale");
    CHECK(test.text("db", {0s, 1h}) == "10.0.0.1:5432 stale");
    test.server->fails("db", false);
    CHECK(test.text("db", not_kept) == "no address for db");
    test.server->fails("db", true);
    CHECK(test.text("db", not_kept) == "no address for db");
}

TEST_CASE("silent names do not hold up others") {
    Fixture test;
    test.server->says("loud", "10.0.0.9");
    test.server->is_silent(true);
    std::deque<AddressBook::Asked> waiting;
    for (int i = 0; i < 40; ++i)
        waiting.push_back(
            test.book.ask("silent" + std::to_string(i), long_kept, [](const HostAddresses&) {}));
    CHECK(test.text("loud", long_kept) == "10.0.0.9:5432");
}

TEST_CASE("an answer that came when no one waited for it is kept") {
    Fixture test;
    test.server->says("db", "10.0.0.1");
    test.server->is_silent(true);
    {
        const auto gone = test.book.ask("db", long_kept, [](const HostAddresses&) {});
        while (test.server->asked() == 0)
            std::this_thread::sleep_for(1ms);
    }
    test.server->is_silent(false);
    CHECK(test.text("db", long_kept) == "10.0.0.1:5432");
    CHECK(test.server->asked() == 1);
}

TEST_CASE("the end does not wait for a name server") {
    const auto began = std::chrono::steady_clock::now();
    {
        Fixture test;
        test.server->is_silent(true);
        const auto asked = test.book.ask("db", long_kept, [](const HostAddresses&) {});
        while (test.server->asked() == 0)
            std::this_thread::sleep_for(1ms);
        CHECK_FALSE(test.book.close(100ms));
    }
    CHECK(std::chrono::steady_clock::now() - began < 5s);
}

TEST_CASE("the system's resolver knows localhost, and unknown names give libpq's error") {
    CHECK_FALSE(pgmoat::lookups::look_up_addresses("localhost").found.empty());
    const HostAddresses none = pgmoat::lookups::look_up_addresses("no such name");
    CHECK(none.found.empty());
    CHECK(none.error.starts_with("could not translate host name \"no such name\" to address: "));
}

TEST_CASE("addresses are shown as libpq shows them") {
    CHECK(to_text(*numeric_address("10.0.0.5", 5432)) == "10.0.0.5:5432");
    CHECK(to_text(*numeric_address("fe80::1", 1)) == "[fe80::1]:1");
    CHECK(to_text(*pgmoat::lookups::unix_address("/run/x", 5432)) == "/run/x/.s.PGSQL.5432");
    CHECK(to_text(*pgmoat::lookups::unix_address("@abstract", 5432)) == "@abstract/.s.PGSQL.5432");
    CHECK_FALSE(numeric_address("db.example.com", 1).has_value());
    CHECK_FALSE(pgmoat::lookups::unix_address(std::string(120, 'x'), 1).has_value());
}

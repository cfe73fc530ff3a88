// Secrets of users: how long a login waits, and that it is equally long for users who exist and who
// do not.
#include "proxy/lookups/limits.h"
#include "proxy/lookups/secrets.h"
#include "tests/support/catch.h"

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

using namespace pgmoat;
using namespace pgmoat::lookups;
using namespace std::chrono_literals;

namespace {

// A server with the user "alice"; for any thread.
class Server {
  public:
    UserSecret ask(const std::string& user) {
        std::chrono::milliseconds pause{0};
        UserSecret answer;
        {
            const std::lock_guard lock(mutex_);
            ++asked_[user];
            pause = pause_;
            if (down_) answer.error = "connection refused";
            if (!down_ && (user == "alice" || user == created_)) answer.secret.emplace();
        }
        std::this_thread::sleep_for(pause);
        return answer;
    }
    int times(const std::string& user) {
        const std::lock_guard lock(mutex_);
        return asked_[user];
    }
    void set(bool down, std::chrono::milliseconds pause = 0ms) {
        const std::lock_guard lock(mutex_);
        down_ = down;
        pause_ = pause;
    }
    void create(const std::string& user) {
        const std::lock_guard lock(mutex_);
        created_ = user;
    }

  private:
    std::mutex mutex_;
    std::map<std::string, int> asked_;
    std::string created_;
    bool down_ = false;
    std::chrono::milliseconds pause_{0};
};

struct Fixture {
    std::shared_ptr<Server> server = std::make_shared<Server>();
    Secrets secrets{[server = server](const QuerySource&) {
        return
            [server](const std::string& user, const std::stop_token&) { return server->ask(user); };
    }};
    QuerySource source{{}, "SELECT"};

    ~Fixture() { secrets.close(1s); }

    Secrets::Asked ask(const std::string& user, Secrets::Deliver deliver, bool again = false) {
        return secrets.ask(source, user, again, std::move(deliver));
    }
    // The answer, however long it takes.
    UserSecret answer_for(const std::string& user, bool again = false) {
        auto promise = std::make_shared<std::promise<UserSecret>>();
        auto asked = ask(
            user, [promise](const UserSecret& answer) { promise->set_value(answer); }, again);
        if (auto* known = std::get_if<UserSecret>(&asked)) return *known;
        return promise->get_future().get();
    }
    bool is_kept(const std::string& user) {
        return std::holds_alternative<UserSecret>(ask(user, [](const UserSecret&) {}));
    }
};

const std::string users[] = {"alice", "nobody"};

} // namespace

TEST_CASE("Users who exist and who do not are looked up equally often") {
    Fixture f;
    for (int round = 1; round <= 2; ++round) {
        for (const std::string& user : users) {
            for (int login = 0; login < 20; ++login)
                REQUIRE(f.answer_for(user).secret.has_value() == (user == "alice"));
            REQUIRE(f.server->times(user) == round);
        }
        std::this_thread::sleep_for(secret_kept + 50ms);
    }
}

TEST_CASE("What was kept says how long its question took, up to a bound") {
    Fixture f;
    f.server->set(false, 30ms);
    for (const std::string& user : users) {
        (void)f.answer_for(user);
        const UserSecret kept = f.answer_for(user);
        REQUIRE(f.server->times(user) == 1);
        REQUIRE(kept.took >= 30ms);
        REQUIRE(kept.took <= kept_answer_wait_max);
    }
    f.server->set(false, kept_answer_wait_max + 50ms);
    (void)f.answer_for("somebody else");
    REQUIRE(f.answer_for("somebody else").took == kept_answer_wait_max);
}

TEST_CASE("A user who is created is known after a second") {
    Fixture f;
    REQUIRE_FALSE(f.answer_for("carol").secret);
    f.server->create("carol");
    std::this_thread::sleep_for(secret_kept + 50ms);
    REQUIRE(f.answer_for("carol").secret);
}

TEST_CASE("While the server is down the last answer holds, for both kinds of users") {
    Fixture f;
    for (const std::string& user : users)
        (void)f.answer_for(user);
    f.server->set(true);
    std::this_thread::sleep_for(secret_kept + 50ms);
    for (const std::string& user : users) {
        const UserSecret answer = f.answer_for(user);
        REQUIRE(f.server->times(user) == 2);
        REQUIRE(answer.error.empty());
        REQUIRE(answer.secret.has_value() == (user == "alice"));
    }
    REQUIRE(f.answer_for("never asked for").error == "connection refused");
}

TEST_CASE(
    "While the server says nothing the last answer may be used soon, for both kinds of users") {
    Fixture f;
    for (const std::string& user : users)
        (void)f.answer_for(user);
    f.server->set(false, 300ms);
    std::this_thread::sleep_for(secret_kept + 50ms);
    for (const std::string& user : users) {
        const auto before = Secrets::Clock::now();
        const auto asked = f.ask(user, [](const UserSecret&) {});
        const auto& pending = std::get<Secrets::Pending>(asked);
        REQUIRE(pending.stale);
        REQUIRE(pending.stale->secret.has_value() == (user == "alice"));
        REQUIRE(pending.use_stale_at >= before + stale_after);
        REQUIRE(pending.use_stale_at <= Secrets::Clock::now() + stale_after);
    }
    const auto asked = f.ask("never asked for", [](const UserSecret&) {});
    REQUIRE_FALSE(std::get<Secrets::Pending>(asked).stale);
}

TEST_CASE("What is known to be stale is looked up again, and no longer used") {
    Fixture f;
    (void)f.answer_for("alice");
    REQUIRE(f.is_kept("alice"));
    REQUIRE(f.answer_for("alice", true).secret);
    REQUIRE(f.server->times("alice") == 2);
    f.server->set(true);
    REQUIRE(f.answer_for("alice", true).error == "connection refused");
}

// Which roles are accepted, from what was reported: switchovers, failovers, flapping, two
// primaries.
#include "proxy/upstream/role_book.h"
#include "tests/support/catch.h"

using namespace pgmoat;
using namespace std::chrono_literals;
using runtime::Role;
using upstream::RoleBook;
using upstream::SeenHost;

namespace {

// Three hosts a, b, c, with a clock that the test sets.
class Cluster {
  public:
    explicit Cluster(std::optional<std::uint64_t> lag_bytes_max = std::nullopt)
        : book({{"x", "a", 1}, {"x", "b", 1}, {"x", "c", 1}}, lag_bytes_max) {}

    void primary(std::size_t host, std::uint32_t timeline = 0, std::uint64_t position = 0) {
        SeenHost seen;
        seen.role = Role::primary;
        seen.timeline = timeline;
        if (position != 0) seen.position = position;
        saw(host, seen);
    }
    void standby(std::size_t host, std::uint64_t position = 0) {
        SeenHost seen;
        seen.role = Role::standby;
        if (position != 0) seen.position = position;
        saw(host, seen);
    }
    void silent(std::size_t host, bool is_no_primary = false) {
        SeenHost seen;
        seen.error = "timeout expired";
        seen.is_no_primary = is_no_primary;
        saw(host, seen);
    }
    void wait(std::chrono::seconds time) {
        now.steady += time;
        now.unix_seconds += time.count();
    }
    [[nodiscard]] runtime::HostRole of(char host) const {
        return book.roles().at({"x", std::string(1, host), 1});
    }
    [[nodiscard]] std::string roles() const {
        std::string text;
        for (const char host : {'a', 'b', 'c'})
            text += to_word(of(host).role).substr(0, 1);
        return text;
    }

    RoleBook book;
    RoleBook::Now now{std::chrono::steady_clock::time_point(1h), 1000};

  private:
    void saw(std::size_t host, const SeenHost& seen) { book.saw(host, seen, now); }
};

Cluster with_primary_a() {
    Cluster cluster;
    cluster.primary(0);
    cluster.standby(1);
    cluster.standby(2);
    return cluster;
}

} // namespace

TEST_CASE("before the first answer nothing is believed, and the first one is") {
    Cluster cluster;
    CHECK(cluster.roles() == "uuu");
    CHECK(cluster.of('a').answers_since == 0);
    cluster.primary(0);
    cluster.standby(1);
    CHECK(cluster.roles() == "psu");
    CHECK(cluster.of('a').since == 1000);
    CHECK(cluster.of('a').answers);
    const auto news = cluster.book.take_news();
    REQUIRE(news.size() == 2);
    CHECK(news[0] == "host \"a:1\" is now the primary");
    CHECK(cluster.book.take_news().empty());
}

TEST_CASE("a switchover is accepted at once: the old primary reports that it no longer is one") {
    Cluster cluster = with_primary_a();
    cluster.wait(10s);
    cluster.standby(0);
    CHECK(cluster.roles() == "sss");
    CHECK(cluster.of('a').since == 1010);
    cluster.primary(1);
    CHECK(cluster.roles() == "sps");
}

TEST_CASE("a host that cannot be asked keeps its role and says so") {
    Cluster cluster = with_primary_a();
    cluster.wait(5s);
    cluster.silent(0);
    CHECK(cluster.roles() == "pss");
    CHECK_FALSE(cluster.of('a').answers);
    CHECK(cluster.of('a').answers_since == 1005);
    CHECK(cluster.of('a').last_error == "timeout expired");
    CHECK(cluster.of('a').last_error_at == 1005);
    CHECK(cluster.of('a').since == 1000);
    cluster.wait(5s);
    cluster.silent(0);
    CHECK(cluster.of('a').answers_since == 1005);
    cluster.primary(0);
    CHECK(cluster.of('a').answers);
}

TEST_CASE("a silent primary is replaced by a host that says twice that it is it") {
    Cluster cluster = with_primary_a();
    cluster.silent(0);
    cluster.primary(1);
    CHECK(cluster.roles() == "pss");
    SECTION("twice in a row") {
        cluster.primary(1);
        CHECK(cluster.roles() == "ups");
        cluster.standby(0); // it comes back
        CHECK(cluster.roles() == "sps");
    }
    SECTION("not twice in a row") {
        cluster.standby(1);
        cluster.primary(1);
        CHECK(cluster.roles() == "pss");
    }
    SECTION("a silence in between does not count") {
        cluster.silent(1);
        cluster.primary(1);
        CHECK(cluster.roles() == "pss");
    }
}

TEST_CASE("once another host is known to be the primary, the old one no longer is") {
    Cluster cluster = with_primary_a();
    cluster.silent(0, true);
    CHECK(cluster.roles() == "uss");
    cluster.primary(1);
    CHECK(cluster.roles() == "ups");
}

TEST_CASE("of two that say they are the primary, the one with the newer timeline is believed") {
    Cluster cluster;
    cluster.primary(0, 1);
    cluster.standby(1);
    SECTION("newer") {
        cluster.primary(1, 2);
        CHECK(cluster.roles() == "psu");
        cluster.primary(0, 1);
        cluster.primary(1, 2);
        CHECK(cluster.roles() == "upu");
        cluster.primary(0, 1);
        cluster.primary(0, 1);
        CHECK(cluster.roles() == "upu");
        CHECK(cluster.of('a').last_error == "says that it is the primary, and so does b:1");
    }
    SECTION("the same, or not known: the first one stays") {
        for (int i = 0; i < 5; ++i) {
            cluster.primary(0, 1);
            cluster.primary(1, 1);
        }
        CHECK(cluster.roles() == "psu");
        CHECK(cluster.of('b').last_error == "says that it is the primary, and so does a:1");
        (void)cluster.book.take_news();
        cluster.primary(1, 1);
        CHECK(cluster.book.take_news().empty()); // once
    }
}

TEST_CASE("a role that goes to and fro is believed more slowly") {
    Cluster cluster = with_primary_a();
    cluster.standby(0);
    cluster.primary(1);
    cluster.wait(3s);
    cluster.standby(1);
    cluster.primary(0);
    CHECK(cluster.roles() == "sss");
    cluster.primary(0);
    CHECK(cluster.roles() == "pss");
    cluster.wait(60s);
    cluster.standby(0);
    cluster.primary(1);
    CHECK(cluster.roles() == "sps");
}

TEST_CASE("a primary that was gone for a moment is believed at once when it is back") {
    Cluster cluster = with_primary_a();
    cluster.silent(0, true);
    CHECK(cluster.roles() == "uss");
    cluster.primary(0);
    CHECK(cluster.roles() == "pss");
}

TEST_CASE("the lag is what the check says, or the distance from the primary") {
    Cluster cluster(100);
    cluster.primary(0, 1, 1000);
    cluster.standby(1, 950);
    cluster.standby(2, 800);
    CHECK(cluster.of('b').lag_bytes == 50u);
    CHECK_FALSE(cluster.of('b').too_far_behind);
    CHECK(cluster.of('c').lag_bytes == 200u);
    CHECK(cluster.of('c').too_far_behind);
    CHECK_FALSE(cluster.of('a').lag_bytes);
    cluster.standby(1, 2000); // a look later
    CHECK(cluster.of('b').lag_bytes == 0u);
    SeenHost seen;
    seen.role = Role::standby;
    seen.lag_bytes = 101;
    cluster.book.saw(1, seen, cluster.now);
    CHECK(cluster.of('b').too_far_behind);
    cluster.silent(1);
    CHECK(cluster.of('b').too_far_behind);
}

TEST_CASE("what was known of a host before a reload is known after it") {
    const Cluster before = with_primary_a();
    RoleBook book({{"x", "a", 1}, {"x", "d", 1}}, {});
    book.remember(before.book.roles());
    CHECK(book.roles().at({"x", "a", 1}).role == Role::primary);
    CHECK(book.roles().at({"x", "d", 1}).role == Role::unknown);
    CHECK(book.roles().size() == 2);
}

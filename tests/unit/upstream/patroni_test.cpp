// Patroni's answer to GET /cluster, from versions 3.0 and 4.0, and what it means for an upstream's
// hosts.
#include "proxy/upstream/patroni.h"
#include "tests/support/catch.h"

using namespace pgmoat;
using runtime::Role;
using upstream::Cluster;
using upstream::LeaderSays;
using upstream::SeenHost;

namespace {

const std::string answer = R"({"members": [
  {"name": "n1", "role": "leader", "state": "running", "api_url": "https://127.0.0.1:8008/patroni",
   "host": "127.0.0.1", "port": 5432, "timeline": 3},
  {"name": "n2", "role": "replica", "state": "running", "api_url": "https://127.0.0.2:8008/patroni",
   "host": "127.0.0.2", "port": 5432, "timeline": 3, "lag": 96},
  {"name": "n3", "role": "sync_standby", "state": "streaming", "host": "127.0.0.3", "port": 5432, "lag": "unknown"},
  {"name": "n4", "role": "replica", "state": "start failed", "host": "127.0.0.4", "port": 5432}
 ], "scope": "c"})";

const std::vector<config::UpstreamHost> hosts{{"127.0.0.1", "", 5432},
                                              {"two", "127.0.0.2", 5432},
                                              {"127.0.0.3", "", 5432},
                                              {"127.0.0.4", "", 5432},
                                              {"127.0.0.1", "", 5433}};

std::vector<SeenHost> seen(const std::string& json, LeaderSays leader) {
    return seen_in(upstream::read_cluster(json), hosts, leader, "refused");
}

} // namespace

TEST_CASE("members are hosts by name or address, and port") {
    const auto all = seen(answer, LeaderSays::primary);
    REQUIRE(all.size() == 5);
    CHECK(all[0].role == Role::primary);
    CHECK(all[0].error.empty());
    CHECK(all[1].role == Role::standby);
    CHECK(all[1].lag_bytes == 96u);
    CHECK(all[2].role == Role::standby);
    CHECK_FALSE(all[2].lag_bytes);
    CHECK(all[3].error == "Patroni says that it is \"start failed\"");
    CHECK(all[3].is_no_primary);
    CHECK(all[4].error == "Patroni's cluster has no member with this host and port");
    CHECK(all[4].is_no_primary);
}

TEST_CASE("a leader is the primary when its own interface says so") {
    CHECK(seen(answer, LeaderSays::not_primary)[0].error ==
          "it has the leader key and is no primary");
    CHECK(seen(answer, LeaderSays::not_primary)[0].is_no_primary);
    const SeenHost silent = seen(answer, LeaderSays::nothing)[0];
    CHECK(silent.error == "the leader cannot be asked: refused");
    CHECK_FALSE(silent.is_no_primary); // it keeps its role
    const Cluster cluster = upstream::read_cluster(answer);
    REQUIRE(cluster.leader() != nullptr);
    REQUIRE(cluster.leader()->api);
    CHECK(shown(*cluster.leader()->api) == "https://127.0.0.1:8008");
}

TEST_CASE("without a leader there is no primary: whoever had the key has lost its lease") {
    const auto all = seen(
        R"({"members": [{"role": "replica", "state": "running", "host": "127.0.0.1", "port": 5432}]})",
        LeaderSays::nothing);
    CHECK(all[0].role == Role::standby);
    CHECK_FALSE(all[1].error.empty()); // a member's own key ends with the leader's
    CHECK(all[1].is_no_primary);
}

TEST_CASE("the leader of a standby cluster is a standby") {
    const Cluster cluster = upstream::read_cluster(
        R"({"members": [{"role": "standby_leader", "state": "streaming", "host": "127.0.0.1", "port": 5432}]})");
    CHECK(cluster.leader() == nullptr);
    CHECK(seen_in(cluster, hosts, LeaderSays::nothing, "")[0].role == Role::standby);
}

TEST_CASE("what is no answer of Patroni's is an error") {
    for (const char* text : {"", "{", "[]", "{}", R"({"members": 1})", "null"})
        CHECK_FALSE(upstream::read_cluster(text).error.empty());
    // Malformed members match no host.
    const Cluster strange = upstream::read_cluster(
        R"({"members": [1, {}, {"host": 1, "port": "x", "role": [], "api_url": "ftp://x"},
            {"host": "a", "port": 70000, "lag": -1, "api_url": "http://a:99999/"}]})");
    CHECK(strange.error.empty());
    CHECK(strange.members.size() == 3);
    for (const auto& member : strange.members) {
        CHECK(member.port == 0);
        CHECK_FALSE(member.api);
        CHECK_FALSE(member.lag_bytes);
    }
}

TEST_CASE("a member's REST interface is where its URL says, with or without brackets") {
    const Cluster cluster = upstream::read_cluster(
        R"({"members": [{"api_url": "http://[fe80::1]:8008/patroni"}, {"api_url": "http://fe80::1:8009/patroni"},
            {"api_url": "http://n1:8008"}, {"api_url": "http://n1/patroni"}]})");
    REQUIRE(cluster.members.size() == 4);
    REQUIRE(cluster.members[0].api);
    CHECK(shown(*cluster.members[0].api) == "http://[fe80::1]:8008");
    REQUIRE(cluster.members[1].api);
    CHECK(shown(*cluster.members[1].api) == "http://[fe80::1]:8009");
    REQUIRE(cluster.members[2].api);
    CHECK(cluster.members[2].api->host == "n1");
    CHECK_FALSE(cluster.members[3].api);
}

// Who may use the console, and how they authenticate.
#include "proxy/admin/console/login.h"
#include "tests/support/catch.h"

using namespace pgmoat;
using namespace pgmoat::admin;

namespace {

constexpr uid_t own = 1000;

config::Config settings(const std::string& auth_file) {
    config::Config config;
    config.console_users = {"admin", "both"};
    config.console_stats_users = {"stats", "both"};
    config.console_auth_file = auth_file;
    protocol::ScramSecret secret;
    secret.iterations = 5000;
    secret.salt = {1, 2, 3};
    config.console_secrets = {{"admin", secret}};
    return config;
}

struct Case {
    std::optional<std::string> method;
    std::optional<uid_t> uid;
    const char* with_file;
    const char* without_file;
};

std::string word(const Proof& proof) {
    if (std::holds_alternative<Proven>(proof)) return "proven";
    return std::holds_alternative<ProveByPassword>(proof) ? "password" : "none";
}

} // namespace

TEST_CASE("Users of the two lists have their roles, other users have none") {
    const config::Config config = settings("");
    REQUIRE(role_of("admin", config) == Role::console_user);
    REQUIRE(role_of("both", config) == Role::console_user);
    REQUIRE(role_of("stats", config) == Role::stats_user);
    REQUIRE_FALSE(role_of("Admin", config));
    REQUIRE_FALSE(role_of("", config));
}

TEST_CASE("A user is authenticated by the rule, by a password, or not at all") {
    const Case cases[] = {
        {"trust",
         {},
         "password",
         "none"}, // `all` databases: meant for rules whose method the server performs
        {"trust", own, "password", "none"},
        {"peer", 1234, "proven", "proven"},
        {"cert", {}, "proven", "proven"},
        {"scram-sha-256", {}, "password", "none"},
        {"md5", {}, "password", "none"},
        {"password", {}, "password", "none"},
        {"scram-sha-256", own, "password", "none"}, // the rule asks for a password
        {"ldap", {}, "none", "none"},
        {"ident", {}, "none", "none"},
        {"gss", own, "none", "none"},
        {"", {}, "none", "none"},
        {{}, {}, "password", "none"},
        {{}, own, "proven", "proven"},
        {{}, 0, "proven", "proven"},
        {{}, 1234, "password", "none"},
    };
    protocol::StartupMessage startup;
    startup.user = "admin";
    for (const Case& each : cases) {
        INFO(each.method.value_or("no rules"));
        const admin::ConsoleLogin login{startup, 1, each.method, false, each.uid, true};
        REQUIRE(word(proof_for(login, settings("users.txt"), own)) == each.with_file);
        REQUIRE(word(proof_for(login, settings(""), own)) == each.without_file);
    }
}

TEST_CASE("Trust proves the user where the rule names the console") {
    protocol::StartupMessage startup;
    startup.user = "admin";
    const admin::ConsoleLogin trusted{startup, 1, "trust", true, {}, true};
    REQUIRE(word(proof_for(trusted, settings(""), own)) == "proven");
    const admin::ConsoleLogin asked{startup, 1, "scram-sha-256", true, {}, true};
    REQUIRE(word(proof_for(asked, settings("users.txt"), own)) == "password");
}

TEST_CASE("A user without a secret is asked like one who has one") {
    protocol::StartupMessage startup;
    startup.user = "stats";
    const admin::ConsoleLogin login{startup, 1, "scram-sha-256", false, {}, true};
    const auto once = std::get<ProveByPassword>(proof_for(login, settings("users.txt"), own));
    const auto again = std::get<ProveByPassword>(proof_for(login, settings("users.txt"), own));
    REQUIRE(once.secret.iterations == 5000);
    REQUIRE(once.secret.salt == again.secret.salt);
    REQUIRE(once.secret.salt.size() == 16);
    startup.user = "nobody"; // on no list: the client learns that only after the proof
    const auto stranger = std::get<ProveByPassword>(proof_for(login, settings("users.txt"), own));
    REQUIRE(stranger.secret.iterations == 5000);
    REQUIRE(stranger.secret.salt != once.secret.salt);
}

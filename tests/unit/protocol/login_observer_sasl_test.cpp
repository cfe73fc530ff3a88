// LoginObserver: AuthenticationSASL, the one message that it may change.
#include "protocol/limits.h"
#include "tests/support/login_checks.h"

namespace pgmoat::tests {
namespace {

using Mechanisms = std::vector<std::string>;

const Mechanisms offered = {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"};

TEST_CASE("the SASL list goes out untouched unless channel binding is to be stripped") {
    const LoginRun run = run_every_way(authentication_sasl(offered));
    CHECK(run.out == authentication_sasl(offered));
    CHECK(run.facts.sasl_mechanisms == offered);
    CHECK_FALSE(run.facts.plus_removed);
}

TEST_CASE("stripping takes SCRAM-SHA-256-PLUS off the list and keeps the order of the rest") {
    struct Case {
        Mechanisms offered;
        Mechanisms forwarded;
        bool removed;
    };
    for (const auto& [from, to, removed] : {
             Case{offered, {"SCRAM-SHA-256"}, true},
             Case{{"OAUTHBEARER", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"},
                  {"OAUTHBEARER", "SCRAM-SHA-256"},
                  true},
             Case{{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"},
                  {"SCRAM-SHA-256"},
                  true},
             Case{{"SCRAM-SHA-256"}, {"SCRAM-SHA-256"}, false},
             Case{{"SCRAM-SHA-256-PLUS"}, {"SCRAM-SHA-256-PLUS"}, false}, // nothing would be left
             Case{{"SCRAM-SHA-256-PLUSX"}, {"SCRAM-SHA-256-PLUSX"}, false},
             Case{{}, {}, false},
         }) {
        const LoginRun run = run_every_way(authentication_sasl(from), ChannelBinding::strip);
        CHECK(run.progress == Progress::in_login);
        CHECK(run.out == authentication_sasl(to));
        CHECK(run.facts.sasl_mechanisms == from);
        CHECK(run.facts.plus_removed == removed);
    }
}

TEST_CASE("the login continues after a changed list") {
    const LoginRun run = run_every_way(authentication_sasl(offered) + sasl_continue("r=nonce") +
                                           authentication_ok() + ready_for_query(),
                                       ChannelBinding::strip);
    CHECK(run.progress == Progress::ready);
    CHECK(run.out == authentication_sasl({"SCRAM-SHA-256"}) + sasl_continue("r=nonce") +
                         authentication_ok() + ready_for_query());
}

TEST_CASE("a SASL list that is not one is a protocol violation and does not go out") {
    for (const Bytes& list : {Bytes{},                                    // not even its end
                              bytes_of("SCRAM-SHA-256"),                  // a name without its NUL
                              c_string("SCRAM-SHA-256"),                  // no end of the list
                              c_string("SCRAM-SHA-256") + Bytes{0, 'x'}}) // more behind the end
    {
        const LoginRun run = run_every_way(authentication(10, list), ChannelBinding::strip);
        CHECK(run.progress == Progress::protocol_violation);
        CHECK(run.complaint == "malformed list of SASL mechanisms");
        CHECK(run.out.empty());
    }
}

TEST_CASE("a SASL list has a bound") {
    const LoginRun most =
        run_login({authentication_sasl(Mechanisms(protocol::sasl_mechanisms_max, "X"))});
    CHECK(most.progress == Progress::in_login);
    CHECK(most.facts.sasl_mechanisms.size() == protocol::sasl_mechanisms_max);

    const LoginRun too_many =
        run_login({authentication_sasl(Mechanisms(protocol::sasl_mechanisms_max + 1, "X"))});
    CHECK(too_many.progress == Progress::protocol_violation);
}

} // namespace
} // namespace pgmoat::tests

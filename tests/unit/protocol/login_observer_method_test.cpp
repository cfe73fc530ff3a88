// LoginObserver: what the server asks the client for, and that a weaker method than accepted ends
// the login before the client sees the request.
#include "tests/support/login_checks.h"

namespace pgmoat::tests {
namespace {

using protocol::ServerMethod;
using protocol::ServerMethods;

Bytes scram_exchange() {
    return authentication_sasl({"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"}) +
           sasl_continue("r=nonce,s=salt,i=4096") + sasl_final("v=signature");
}

Bytes ready() {
    return authentication_ok() + backend_key(4711, {1, 2, 3, 4}) + ready_for_query();
}

struct Exchange {
    const char* what;
    Bytes requests; // before AuthenticationOk
    ServerMethod method;
};

std::vector<Exchange> exchanges() {
    return {
        {"nothing", {}, ServerMethod::none},
        {"cleartext password", authentication(3), ServerMethod::password},
        {"md5", authentication(5, {1, 2, 3, 4}), ServerMethod::md5},
        {"GSSAPI", authentication(7) + authentication(8, bytes_of("token")), ServerMethod::gss},
        {"SSPI", authentication(9) + authentication(8, bytes_of("token")), ServerMethod::sspi},
        {"SCRAM", scram_exchange(), ServerMethod::scram},
        {"SCRAM without channel binding",
         authentication_sasl({"SCRAM-SHA-256"}) + sasl_continue("r=") + sasl_final("v="),
         ServerMethod::scram},
        {"OAuth", authentication_sasl({"OAUTHBEARER"}), ServerMethod::oauth},
        {"Kerberos 5", authentication(2), ServerMethod::other},
        {"SCRAM or something else",
         authentication_sasl({"SCRAM-SHA-256", "PLAIN"}) + sasl_final("v="),
         ServerMethod::other},
        {"no mechanism", authentication_sasl({}), ServerMethod::other},
        {"a continuation of nothing", authentication(8, bytes_of("token")), ServerMethod::other},
    };
}

TEST_CASE("what the server asked for is noted") {
    for (const Exchange& each : exchanges()) {
        INFO(each.what);
        const LoginRun run = run_every_way(each.requests + ready());
        CHECK(run.progress == Progress::ready);
        CHECK(run.facts.method == each.method);
        CHECK(run.out == each.requests + ready());
    }
}

TEST_CASE("only a method that is accepted lets a client in") {
    for (const Exchange& each : exchanges()) {
        INFO(each.what);
        const LoginRun accepted = run_every_way(
            each.requests + ready(), ChannelBinding::keep, ServerMethods{each.method});
        CHECK(accepted.progress == Progress::ready);
        for (const Exchange& other : exchanges()) {
            if (other.method == each.method) continue;
            const LoginRun run = run_every_way(
                other.requests + ready(), ChannelBinding::keep, ServerMethods{each.method});
            CHECK(run.progress == Progress::unproven);
            CHECK(run.facts.method == other.method);
            CHECK_FALSE(run.facts.authenticated);
            CHECK(run.out.empty());
        }
    }
}

TEST_CASE("a SCRAM exchange that the server cuts short proves nothing") {
    const Bytes cut_short = authentication_sasl({"SCRAM-SHA-256"}) + sasl_continue("r=nonce");
    const LoginRun run = run_every_way(
        cut_short + ready(), ChannelBinding::keep, ServerMethods{ServerMethod::scram});
    CHECK(run.progress == Progress::unproven);
    CHECK(run.facts.method == ServerMethod::none);
    CHECK(run.out == cut_short);

    // The end of a first exchange does not count for a second one.
    const Bytes twice = scram_exchange() + authentication_sasl({"SCRAM-SHA-256"});
    CHECK(run_every_way(twice + ready(), ChannelBinding::keep, ServerMethods{ServerMethod::scram})
              .progress == Progress::unproven);
}

TEST_CASE("a weaker request after a stronger one is not passed on") {
    const LoginRun run = run_every_way(scram_exchange() + authentication(3) + ready(),
                                       ChannelBinding::keep,
                                       ServerMethods{ServerMethod::scram});
    CHECK(run.progress == Progress::unproven);
    CHECK(run.facts.method == ServerMethod::password);
    CHECK(run.out == scram_exchange());
}

TEST_CASE("an error instead of a request is the server's own refusal") {
    const Bytes error = error_response({{'S', "FATAL"}, {'C', "28000"}, {'M', "no entry"}});
    const LoginRun run =
        run_every_way(error, ChannelBinding::keep, ServerMethods{ServerMethod::scram});
    CHECK(run.progress == Progress::refused);
    CHECK(run.out == error);
}

} // namespace
} // namespace pgmoat::tests

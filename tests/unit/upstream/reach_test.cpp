// What follows when a step on the way to a server fails, and when each time limit passes.
#include "tests/unit/upstream/reach_script.h"

using namespace pgmoat;
using namespace pgmoat::tests;
using namespace std::chrono_literals;
using protocol::SslMode;
using protocol::SslNegotiation;
using upstream::Goal;
using upstream::Host;
using upstream::Negotiation;

namespace {

Host known(const std::string& ip) {
    return {ip, 5432, false, {address(ip)}};
}

Host named(const std::string& name) {
    return {name, 5432, false, {}};
}

Plan plan_for(std::vector<Host> hosts, SslMode mode) {
    Plan plan;
    plan.hosts = std::move(hosts);
    plan.sslmode = mode;
    plan.opening = startup_packet();
    return plan;
}

Plan two_hosts(SslMode mode) {
    return plan_for({known("10.0.0.1"), known("10.0.0.2")}, mode);
}

Plan limited(Plan plan) {
    plan.connect_timeout = 3s;
    plan.until = Clock::time_point(1h) + 60s;
    return plan;
}

ReachScript in_tls(Plan plan, const std::string& ip = "10.0.0.1") {
    ReachScript script(std::move(plan));
    script.connects(ip).asks().is_answered('S').nothing_came_early().starts_tls();
    return script;
}

} // namespace

// --- the straight way ----------------------------------------------------------------------------

TEST_CASE("in plaintext: connect, send, receive") {
    const Reach reach = ReachScript(two_hosts(SslMode::disable))
                            .connects("10.0.0.1")
                            .sends()
                            .receives(authentication_ok())
                            .ends("reached 10.0.0.1:5432")
                            .passes();
    CHECK(reach.detail().empty());
}

TEST_CASE("in TLS: the request, one byte, the handshake, then the start-up packet") {
    in_tls(two_hosts(SslMode::require))
        .sends()
        .receives(authentication_ok())
        .ends("reached 10.0.0.1:5432 tls")
        .passes();
}

TEST_CASE("direct TLS asks for nothing and wants ALPN") {
    Plan plan = two_hosts(SslMode::require);
    plan.sslnegotiation = SslNegotiation::direct;
    ReachScript(plan)
        .connects("10.0.0.1")
        .starts_tls()
        .sends()
        .receives(authentication_ok())
        .ends("reached 10.0.0.1:5432 tls")
        .passes();
    ReachScript(plan).connects("10.0.0.1").starts_tls(false).ends("unreachable").passes();
}

TEST_CASE("TLS is never used on a Unix socket") {
    Plan plan = two_hosts(SslMode::require);
    plan.hosts = {{"/run", 5432, true, {lookups::unix_address("/run", 5432).value()}}};
    ReachScript script(plan);
    Reach reach(plan);
    const Clock::time_point now{1h};
    CHECK(describe(reach.resume(now, upstream::Begin{}).action) == "connect /run/.s.PGSQL.5432");
    CHECK(describe(reach.resume(now, upstream::Connected{}).action) == "send");
}

TEST_CASE("nothing is sent when only the negotiation is wanted") {
    Plan plan = two_hosts(SslMode::require);
    plan.goal = Goal::negotiated;
    in_tls(plan).ends("reached 10.0.0.1:5432 tls").passes();
}

// --- names and addresses -------------------------------------------------------------------------

TEST_CASE("a name without an address leads to the next host") {
    const Reach reach = ReachScript(plan_for({named("a"), named("b")}, SslMode::disable))
                            .finds_nothing(0)
                            .looks_up(1, {address("10.0.0.2")})
                            .connects("10.0.0.2")
                            .sends()
                            .receives(authentication_ok())
                            .ends("reached 10.0.0.2:5432")
                            .passes();
    CHECK(reach.detail() == "a: no such name");
}

TEST_CASE("each address of a name is tried in its order, then the next host's") {
    ReachScript(plan_for({named("a"), named("b")}, SslMode::disable))
        .looks_up(0, {address("::1"), address("10.0.0.1")})
        .cannot_connect("::1", ENETUNREACH)
        .cannot_connect("10.0.0.1")
        .looks_up(1, {address("10.0.0.2"), address("10.0.0.3")})
        .cannot_connect("10.0.0.2")
        .connects("10.0.0.3")
        .sends()
        .receives(authentication_ok())
        .ends("reached 10.0.0.3:5432")
        .passes();
}

TEST_CASE("when all have failed the detail names each address and why") {
    const Reach reach = ReachScript(two_hosts(SslMode::disable))
                            .cannot_connect("10.0.0.1")
                            .cannot_connect("10.0.0.2", EHOSTUNREACH)
                            .ends("unreachable")
                            .passes();
    CHECK(reach.detail() == "10.0.0.1:5432: Connection refused; 10.0.0.2:5432: No route to host");
}

// --- a connection that was made ------------------------------------------------------------------

TEST_CASE("a server that closes once it was connected to is the end, as in libpq") {
    ReachScript(two_hosts(SslMode::require))
        .connects("10.0.0.1")
        .asks()
        .stream_ends("read 1")
        .ends("unreachable")
        .passes();
    ReachScript(two_hosts(SslMode::disable))
        .connects("10.0.0.1")
        .sends()
        .stream_ends("receive")
        .ends("unreachable")
        .passes();
}

TEST_CASE("every step after the connection that breaks is the end") {
    auto script = in_tls(two_hosts(SslMode::require)).sends().receives(authentication_ok());
    for (std::size_t at = 1; at < script.length(); ++at) {
        const std::string& action = script.action(at);
        if (action == "look for early bytes") continue; // cannot fail
        INFO(action);
        if (action.starts_with("tls"))
            CHECK(script.after(at, upstream::TlsFailed{"no"}) == "unreachable");
        CHECK(script.after(at, upstream::Broken{"reset"}) == "unreachable");
        if (action.starts_with("read") || action == "receive")
            CHECK(script.after(at, upstream::EndOfStream{}) == "unreachable");
    }
}

TEST_CASE("TLS that is refused or nonsense where it is required is the end") {
    ReachScript(two_hosts(SslMode::require))
        .connects("10.0.0.1")
        .asks()
        .is_answered('N')
        .ends("unreachable")
        .passes();
    for (const char answer : {'E', 'x'})
        ReachScript(two_hosts(SslMode::prefer))
            .connects("10.0.0.1")
            .asks()
            .is_answered(answer)
            .ends("protocol violation")
            .passes();
    ReachScript(two_hosts(SslMode::require))
        .connects("10.0.0.1")
        .asks()
        .is_answered('S')
        .something_came_early()
        .ends("protocol violation")
        .passes();
}

TEST_CASE("prefer continues in plaintext on the same connection after N") {
    ReachScript(two_hosts(SslMode::prefer))
        .connects("10.0.0.1")
        .asks()
        .is_answered('N')
        .nothing_came_early()
        .sends()
        .receives(authentication_ok())
        .ends("reached 10.0.0.1:5432")
        .passes();
}

TEST_CASE("prefer retries in plaintext at the same address after a failed handshake") {
    ReachScript(two_hosts(SslMode::prefer))
        .connects("10.0.0.1")
        .asks()
        .is_answered('S')
        .nothing_came_early()
        .tls_fails()
        .connects("10.0.0.1")
        .sends()
        .receives(authentication_ok())
        .ends("reached 10.0.0.1:5432")
        .passes();
}

TEST_CASE("an error in TLS makes prefer come back, and the second error is the client's") {
    auto script = in_tls(two_hosts(SslMode::prefer))
                      .sends()
                      .receives(error_answer("28000"))
                      .connects("10.0.0.1")
                      .sends()
                      .receives(error_answer("28P01"))
                      .ends("reached 10.0.0.1:5432");
    (void)script.passes();
    CHECK(script.answer() == error_answer("28P01"));
}

TEST_CASE("an error in plaintext makes allow retry in TLS") {
    ReachScript(two_hosts(SslMode::allow))
        .connects("10.0.0.1")
        .sends()
        .receives(error_answer("28000"))
        .connects("10.0.0.1")
        .asks()
        .is_answered('S')
        .nothing_came_early()
        .starts_tls()
        .sends()
        .receives(authentication_ok())
        .ends("reached 10.0.0.1:5432 tls")
        .passes();
}

TEST_CASE("57P03 leads to the next host, in every mode, and never to another attempt") {
    in_tls(two_hosts(SslMode::prefer))
        .sends()
        .receives(error_answer("57P03"))
        .connects("10.0.0.2")
        .asks()
        .is_answered('N')
        .nothing_came_early()
        .sends()
        .receives(authentication_ok())
        .ends("reached 10.0.0.2:5432")
        .passes();
    Plan one_host = plan_for({known("10.0.0.1")}, SslMode::prefer);
    auto script =
        in_tls(one_host).sends().receives(error_answer("57P03")).ends("reached 10.0.0.1:5432 tls");
    (void)script.passes();
    CHECK(script.answer() == error_answer("57P03"));
}

TEST_CASE("57P03 of one address passes over the host's others") {
    ReachScript(plan_for({named("a"), named("b")}, SslMode::disable))
        .looks_up(0, {address("10.0.0.1"), address("10.0.0.2")})
        .connects("10.0.0.1")
        .sends()
        .receives(error_answer("57P03"))
        .looks_up(1, {address("10.0.0.3")})
        .cannot_connect("10.0.0.3")
        .ends("unreachable")
        .passes();
}

TEST_CASE("an error is read whole, however it is cut, and nothing else is waited for") {
    const Bytes error = error_answer("57P03");
    for (std::size_t at = 1; at < error.size(); ++at) {
        INFO("cut after " << at);
        const auto middle = error.begin() + static_cast<std::ptrdiff_t>(at);
        ReachScript(two_hosts(SslMode::disable))
            .connects("10.0.0.1")
            .sends()
            .receives(Bytes(error.begin(), middle))
            .receives(Bytes(middle, error.end()))
            .connects("10.0.0.2")
            .sends()
            .receives(authentication_ok())
            .ends("reached 10.0.0.2:5432")
            .passes();
    }
    ReachScript(two_hosts(SslMode::disable))
        .connects("10.0.0.1")
        .sends()
        .receives({'R'})
        .ends("reached 10.0.0.1:5432")
        .passes();
}

TEST_CASE("an error that is larger than libpq reads is the client's to see") {
    Bytes large{'E', 0, 0, 0xcb, 0x20, 'S'};
    large.resize(40'000, 'x');
    ReachScript script(two_hosts(SslMode::disable));
    script.connects("10.0.0.1").sends().receives(large).ends("reached 10.0.0.1:5432");
    (void)script.passes();
    CHECK(script.answer() == large);
}

TEST_CASE("an error that the server did not finish is the client's to see") {
    ReachScript script(two_hosts(SslMode::disable));
    script.connects("10.0.0.1")
        .sends()
        .receives({'E', 0, 0, 0, 50, 'S'})
        .stream_ends("receive")
        .ends("reached 10.0.0.1:5432");
    (void)script.passes();
    CHECK(script.answer().size() == 6);
}

// --- limits --------------------------------------------------------------------------------------

TEST_CASE("connect_timeout at any step leads to the next address") {
    const Plan plan = limited(two_hosts(SslMode::require));
    auto script = in_tls(plan).sends().receives(authentication_ok());
    for (std::size_t at = 0; at < script.length(); ++at) {
        if (script.action(at) == "look for early bytes") continue; // takes no time
        INFO(script.action(at));
        CHECK(script.after(at, upstream::TimedOut{}) == "connect 10.0.0.2:5432");
    }
}

TEST_CASE("connect_timeout is one for all steps and attempts of an address") {
    ReachScript(limited(two_hosts(SslMode::prefer)))
        .connects("10.0.0.1")
        .taking(1s)
        .asks()
        .is_answered('S')
        .taking(500ms)
        .nothing_came_early()
        .tls_fails()
        .taking(500ms)
        .waits_too_long("connect 10.0.0.1:5432", 1s)
        .waits_too_long("connect 10.0.0.2:5432", 3s)
        .ends("unreachable")
        .passes();
}

TEST_CASE("connect_timeout begins again with each address, and the look-up has its own") {
    Plan plan = limited(plan_for({named("a"), named("b")}, SslMode::disable));
    const Reach reach = ReachScript(plan)
                            .looks_up(0, {address("10.0.0.1"), address("10.0.0.2")})
                            .taking(2s)
                            .waits_too_long("connect 10.0.0.1:5432", 3s)
                            .waits_too_long("connect 10.0.0.2:5432", 3s)
                            .waits_too_long("look up 1", 3s)
                            .ends("unreachable")
                            .passes();
    CHECK(reach.detail() ==
          "10.0.0.1:5432: timeout expired while it was connected to; 10.0.0.2:5432: timeout "
          "expired while it was connected to; b: timeout expired while its name was looked up");
}

TEST_CASE("without connect_timeout every address but the last is given up after a while") {
    Plan plan = two_hosts(SslMode::disable);
    plan.patience = 5s;
    plan.until = Clock::time_point(1h) + 60s;
    ReachScript(plan)
        .waits_too_long("connect 10.0.0.1:5432", 5s)
        .waits_too_long("connect 10.0.0.2:5432", 55s)
        .ends("late")
        .passes();
}

TEST_CASE("a short time for all is shared with the hosts that follow") {
    Plan plan = two_hosts(SslMode::disable);
    plan.patience = 5s;
    plan.until = Clock::time_point(1h) + 4s;
    ReachScript(plan)
        .waits_too_long("connect 10.0.0.1:5432", 2s)
        .waits_too_long("connect 10.0.0.2:5432", 2s)
        .ends("late")
        .passes();
}

TEST_CASE("once the start-up packet is sent only connect_timeout counts") {
    Plan plan = two_hosts(SslMode::disable);
    plan.patience = 5s;
    plan.until = Clock::time_point(1h) + 60s;
    ReachScript(plan)
        .connects("10.0.0.1")
        .sends()
        .receives(authentication_ok())
        .has_no_limit()
        .ends("reached 10.0.0.1:5432")
        .passes();
    ReachScript(limited(plan))
        .connects("10.0.0.1")
        .sends()
        .waits_too_long("receive", 3s)
        .connects("10.0.0.2")
        .sends()
        .waits_too_long("receive", 3s)
        .ends("unreachable")
        .passes();
}

TEST_CASE("a server that works on a login has a limit of its own, where one is set") {
    Plan plan = two_hosts(SslMode::disable);
    plan.until = Clock::time_point(1h) + 60s;
    plan.answer_timeout = 90s;
    ReachScript(plan)
        .connects("10.0.0.1")
        .sends()
        .taking(1s)
        .waits_too_long("receive", 90s)
        .ends("slow answer")
        .passes();
    plan.opening_is_startup = false; // a ClientHello: no login yet
    plan.negotiation = Negotiation::none;
    ReachScript(plan)
        .connects("10.0.0.1")
        .sends()
        .waits_too_long("receive", 60s)
        .ends("late")
        .passes();
}

TEST_CASE("the limit of all ends every step before the start-up packet") {
    Plan plan = plan_for({named("a"), named("b")}, SslMode::require);
    plan.until = Clock::time_point(1h) + 2s;
    ReachScript script(plan);
    script.looks_up(0, {address("10.0.0.1")}).taking(2s);
    script.waits_too_long("connect 10.0.0.1:5432", 0s).ends("late");
    (void)script.passes();
    ReachScript(plan).waits_too_long("look up 0", 2s).ends("late").passes();
}

// --- roles -----------------------------------------------------------------------------------------

TEST_CASE("a host that loses its role is the end at any step, so that hosts can be chosen again") {
    Plan plan = limited(two_hosts(SslMode::require));
    plan.hosts.front() = named("a");
    const auto script = ReachScript(plan)
                            .looks_up(0, {address("10.0.0.1"), address("10.0.0.3")})
                            .connects("10.0.0.1")
                            .asks()
                            .is_answered('S')
                            .nothing_came_early()
                            .starts_tls()
                            .sends()
                            .receives(authentication_ok());
    for (std::size_t at = 0; at < script.length(); ++at) {
        INFO(script.action(at));
        CHECK(script.after(at, upstream::RoleLost{}) == "role lost");
    }
}

TEST_CASE("the host that is tried is known, and what it was doing when it lost its role") {
    Reach reach(two_hosts(SslMode::disable));
    const Clock::time_point now{1h};
    (void)reach.resume(now, upstream::Begin{});
    CHECK(reach.host().name == "10.0.0.1");
    (void)reach.resume(now, upstream::NotConnected{ECONNREFUSED});
    CHECK(reach.host().name == "10.0.0.2");
    (void)reach.resume(now, upstream::RoleLost{});
    CHECK(reach.detail() == "10.0.0.1:5432: Connection refused; 10.0.0.2:5432: lost the role that "
                            "is asked for while it was connected to");
}

// --- a client whose encryption is not ours -------------------------------------------------------

TEST_CASE("the client's TLS: the server must agree, and its hello is waited for") {
    Plan plan = two_hosts(SslMode::disable);
    plan.negotiation = Negotiation::client_tls;
    plan.opening = {22, 3, 1, 0, 1, 1};
    plan.opening_is_startup = false;
    plan.connect_timeout = 3s;
    auto script = ReachScript(plan)
                      .connects("10.0.0.1")
                      .asks()
                      .is_answered('S')
                      .nothing_came_early()
                      .sends()
                      .receives({'E'}) // is not an error here
                      .ends("reached 10.0.0.1:5432");
    (void)script.passes();
    for (std::size_t at = 0; at < script.length(); ++at)
        if (script.action(at) != "look for early bytes")
            CHECK(script.after(at, upstream::TimedOut{}) == "connect 10.0.0.2:5432");
    ReachScript(plan).connects("10.0.0.1").asks().is_answered('N').ends("not offered").passes();
    ReachScript(plan)
        .connects("10.0.0.1")
        .asks()
        .is_answered('E')
        .ends("protocol violation")
        .passes();
    ReachScript(plan)
        .connects("10.0.0.1")
        .asks()
        .is_answered('S')
        .something_came_early()
        .ends("protocol violation")
        .passes();
}

TEST_CASE("the client's GSSAPI encryption: reached when the server has agreed") {
    Plan plan = two_hosts(SslMode::require);
    plan.negotiation = Negotiation::client_gss;
    plan.opening = {};
    ReachScript(plan)
        .connects("10.0.0.1")
        .asks()
        .is_answered('G')
        .nothing_came_early()
        .ends("reached 10.0.0.1:5432")
        .passes();
    ReachScript(plan)
        .connects("10.0.0.1")
        .asks()
        .is_answered('S')
        .ends("protocol violation")
        .passes();
}

TEST_CASE(
    "a client's plaintext is forwarded without an SSLRequest, and 57P03 leads to the next host") {
    Plan plan = two_hosts(SslMode::require);
    plan.negotiation = Negotiation::none;
    ReachScript(plan)
        .connects("10.0.0.1")
        .sends()
        .receives(error_answer("57P03"))
        .connects("10.0.0.2")
        .sends()
        .receives(error_answer("28000"))
        .ends("reached 10.0.0.2:5432")
        .passes();
}

// --- metrics -------------------------------------------------------------------------------------

TEST_CASE("each attempt is counted with its result and its time") {
    using metrics::ConnectResult;
    Reach reach = ReachScript(plan_for({named("a"), named("b"), named("c")}, SslMode::require))
                      .finds_nothing(0)
                      .taking(2s)
                      .looks_up(1, {address("10.0.0.1"), address("10.0.0.2")})
                      .cannot_connect("10.0.0.1")
                      .taking(1s)
                      .cannot_connect("10.0.0.2", ETIMEDOUT)
                      .looks_up(2, {address("10.0.0.3")})
                      .connects("10.0.0.3")
                      .asks()
                      .is_answered('N')
                      .ends("unreachable")
                      .passes();
    const auto attempts = reach.take_attempts();
    REQUIRE(attempts.size() == 4);
    CHECK(attempts[0].result == ConnectResult::name_not_resolved);
    CHECK(attempts[0].took == 2s);
    CHECK(attempts[1].result == ConnectResult::refused);
    CHECK(attempts[1].took == 1s);
    CHECK(attempts[1].host == 1);
    CHECK(attempts[2].result == ConnectResult::timeout);
    CHECK(attempts[3].result == ConnectResult::tls_not_offered);
    CHECK(reach.take_attempts().empty());
}

// LoginObserver: the server's SASL messages, withheld for the SCRAM bridge.
#include "protocol/login_observer.h"
#include "tests/support/catch.h"
#include "tests/support/cuts.h"
#include "tests/support/server_message_builders.h"

#include <string>
#include <vector>

namespace pgmoat::tests {
namespace {

using namespace protocol;
using Progress = LoginObserver::Progress;

const std::vector<std::string> offered{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"};

// A driver that drops the list and handles the exchange until `messages` were intercepted, and then
// passes the rest on.
struct BridgedRun {
    Bytes out;
    std::vector<Bytes> intercepted;
    Progress progress = Progress::in_login;
    LoginFacts facts;
    bool operator==(const BridgedRun&) const = default;
};

BridgedRun run_bridged(const Cut& pieces,
                       std::size_t messages,
                       ServerMethods accepted = ServerMethods::all()) {
    LoginObserver observer{false, accepted};
    observer.intercept_sasl();
    BridgedRun run;
    for (ByteView piece : pieces) {
        do {
            const auto step = observer.observe(piece, run.out);
            piece = piece.subspan(step.consumed);
            run.progress = step.progress;
            if (step.progress != Progress::sasl) break;
            const ByteView body = observer.intercepted();
            run.intercepted.emplace_back(body.begin(), body.end());
            observer.drop_intercepted();
            if (run.intercepted.size() == messages) observer.end_interception();
        } while (!piece.empty());
    }
    run.facts = observer.facts();
    return run;
}

const ServerMethods only_scram{ServerMethod::scram};

TEST_CASE("a dropped list and its exchange are withheld, all else passes, however it is cut") {
    const Bytes notice = notice_response({{'S', "NOTICE"}, {'M', "hello"}});
    const Bytes negotiation = negotiate_version(0x30000, {"_pq_.x"});
    const Bytes after = authentication_ok() + ready_for_query();
    const Bytes stream = negotiation + authentication_sasl(offered) + notice +
                         sasl_continue("r=1") + notice + sasl_final("v=1") + after;
    for (const Cut& cut : every_cut(stream)) {
        const BridgedRun run = run_bridged(cut, 3);
        CHECK(run.out == negotiation + notice + notice + after);
        CHECK(run.intercepted ==
              std::vector<Bytes>{
                  big_endian(10) + c_string(offered[0]) + c_string(offered[1]) + Bytes{0},
                  big_endian(11) + bytes_of("r=1"),
                  big_endian(12) + bytes_of("v=1"),
              });
        CHECK(run.progress == Progress::ready);
    }
}

TEST_CASE("the exchange after a list that was passed can still be withheld") {
    const Bytes list = authentication_sasl(offered);
    const Bytes exchange = sasl_continue("r=1") + sasl_final("v=1");
    for (const Cut& cut : every_cut(exchange)) {
        LoginObserver observer{false};
        observer.intercept_sasl();
        Bytes out;
        REQUIRE(observer.observe(list, out).progress == Progress::sasl);
        observer.pass_intercepted(out);
        observer.drop_intercepted();
        CHECK(out == list);
        std::vector<Bytes> intercepted;
        for (ByteView piece : cut) {
            while (!piece.empty()) {
                const auto step = observer.observe(piece, out);
                piece = piece.subspan(step.consumed);
                if (step.progress != Progress::sasl) break;
                const ByteView body = observer.intercepted();
                intercepted.emplace_back(body.begin(), body.end());
                observer.drop_intercepted();
            }
        }
        CHECK(out == list);
        CHECK(intercepted == std::vector<Bytes>{big_endian(11) + bytes_of("r=1"),
                                                big_endian(12) + bytes_of("v=1")});
    }
}

TEST_CASE("during a bridged exchange AuthenticationOk does not pass either") {
    const Bytes stream = authentication_sasl(offered) + authentication_ok();
    for (const Cut& cut : every_cut(stream)) {
        const BridgedRun run = run_bridged(cut, 3);
        CHECK(run.out.empty());
        CHECK(run.intercepted == std::vector<Bytes>{big_endian(10) + c_string(offered[0]) +
                                                        c_string(offered[1]) + Bytes{0},
                                                    big_endian(0)});
    }
}

TEST_CASE("the server's error passes at each step of a bridged exchange and ends it") {
    const Bytes error = error_response({{'S', "FATAL"}, {'V', "FATAL"}, {'C', "28P01"}});
    for (const Bytes& before : {Bytes{},
                                authentication_sasl(offered),
                                authentication_sasl(offered) + sasl_continue("r=1")}) {
        const Bytes stream = before + error;
        for (const Cut& cut : every_cut(stream)) {
            const BridgedRun run = run_bridged(cut, 3);
            CHECK(run.out == error);
            CHECK(run.progress == Progress::refused);
        }
    }
}

TEST_CASE("a list that is passed on is as if it had never been withheld") {
    for (const bool strip : {false, true}) {
        LoginObserver observer{strip};
        observer.intercept_sasl();
        Bytes out;
        const Bytes stream = authentication_sasl(offered) + sasl_continue("r=1");
        const auto step = observer.observe(stream, out);
        REQUIRE(step.progress == Progress::sasl);
        CHECK(out.empty());
        CHECK(observer.facts().sasl_mechanisms == offered);
        observer.pass_intercepted(out);
        const auto rest = observer.observe(ByteView(stream).subspan(step.consumed), out);
        CHECK(rest.progress == Progress::in_login);
        CHECK(out ==
              authentication_sasl(strip ? std::vector<std::string>{"SCRAM-SHA-256"} : offered) +
                  sasl_continue("r=1"));
        CHECK(observer.facts().plus_removed == strip);
    }
}

TEST_CASE("other methods are not withheld") {
    for (const std::uint32_t code : {3U, 5U}) {
        const Bytes stream = authentication(code, Bytes(4, 0)) + authentication_ok();
        const BridgedRun run = run_bridged({stream}, 1);
        CHECK(run.out == stream);
        CHECK(run.intercepted.empty());
    }
}

TEST_CASE("a malformed list is a violation, withheld or not") {
    const BridgedRun run = run_bridged({authentication(10, bytes_of("SCRAM"))}, 1);
    CHECK(run.progress == Progress::protocol_violation);
    CHECK(run.out.empty());
}

TEST_CASE("a SCRAM login that was bridged is one by SCRAM") {
    const Bytes stream = authentication_sasl(offered) + sasl_continue("r=1") + sasl_final("v=1") +
                         authentication_ok() + ready_for_query();
    for (const Cut& cut : every_cut(stream)) {
        const BridgedRun run = run_bridged(cut, 3, only_scram);
        CHECK(run.out == authentication_ok() + ready_for_query());
        CHECK(run.progress == Progress::ready);
        CHECK(run.facts.method == ServerMethod::scram);
        CHECK(run.facts.authenticated);
    }
}

TEST_CASE("what is less than accepted is not withheld for a bridge, but ends the login") {
    const Bytes list = authentication_sasl({"OAUTHBEARER"});
    for (const Cut& cut : every_cut(list)) {
        const BridgedRun run = run_bridged(cut, 3, only_scram);
        CHECK(run.progress == Progress::unproven);
        CHECK(run.facts.method == ServerMethod::oauth);
        CHECK(run.intercepted.empty());
        CHECK(run.out.empty());
    }
    const Bytes password = authentication_sasl(offered) + authentication(3);
    for (const Cut& cut : every_cut(password)) {
        const BridgedRun run = run_bridged(cut, 3, only_scram);
        CHECK(run.progress == Progress::unproven);
        CHECK(run.facts.method == ServerMethod::password);
        CHECK(run.intercepted.size() == 1);
        CHECK(run.out.empty());
    }
}

TEST_CASE("a bridged exchange that the server cuts short proves nothing") {
    for (const Bytes& begun :
         {authentication_sasl(offered), authentication_sasl(offered) + sasl_continue("r=1")}) {
        const Bytes stream = begun + authentication_ok() + ready_for_query();
        for (const Cut& cut : every_cut(stream)) {
            const BridgedRun run = run_bridged(cut, 4, only_scram);
            CHECK(run.progress == Progress::unproven);
            CHECK(run.facts.method == ServerMethod::none);
            CHECK_FALSE(run.facts.authenticated);
            CHECK(run.out.empty());
        }
    }
    // If the server requires no proof, the bridge sees that, and does not let the client in.
    const BridgedRun run =
        run_bridged({authentication_sasl(offered) + authentication_ok()}, 3, ServerMethods::all());
    CHECK(run.intercepted.size() == 2);
    CHECK(run.facts.method == ServerMethod::none);
    CHECK_FALSE(run.facts.authenticated);
}

} // namespace
} // namespace pgmoat::tests

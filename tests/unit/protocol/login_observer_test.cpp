// LoginObserver: a login passes through unchanged, and its facts are noted.
#include "tests/support/login_checks.h"

namespace pgmoat::tests {
namespace {

Bytes scram_login() {
    return authentication_sasl({"SCRAM-SHA-256"}) + sasl_continue("r=nonce,s=salt,i=4096") +
           sasl_final("v=signature") + authentication_ok() +
           parameter_status("server_version", "18.4") + parameter_status("TimeZone", "UTC") +
           notice_response({{'S', "NOTICE"}, {'M', "welcome"}}) + backend_key(4711, {1, 2, 3, 4}) +
           ready_for_query();
}

TEST_CASE("a login goes out as it came and ends with ReadyForQuery") {
    const LoginRun run = run_every_way(scram_login());
    CHECK(run.progress == Progress::ready);
    CHECK(run.out == scram_login());
    CHECK(run.complaint.empty());
}

TEST_CASE("what follows ReadyForQuery is left to the relay") {
    const Bytes login = scram_login();
    const LoginRun run = run_every_way(login + message('A', bytes_of("behind the login")));
    CHECK(run.progress == Progress::ready);
    CHECK(run.consumed == login.size());
    CHECK(run.out == login);
}

TEST_CASE("after the end of the login nothing is consumed") {
    protocol::LoginObserver observer{false};
    Bytes out;
    REQUIRE(observer.observe(scram_login(), out).progress == Progress::ready);
    out.clear();
    const auto step = observer.observe(scram_login(), out);
    CHECK(step.progress == Progress::ready);
    CHECK(step.consumed == 0);
    CHECK(out.empty());
}

TEST_CASE("a login without a challenge is a login") {
    const LoginRun run = run_every_way(authentication_ok() + ready_for_query());
    CHECK(run.progress == Progress::ready);
    CHECK(run.facts.authenticated);
    CHECK(run.facts.cancel_key.empty());
}

TEST_CASE("the last authentication request is noted") {
    struct Case {
        std::uint32_t code;
        Bytes data;
    };
    for (const auto& [code, data] : {Case{3, {}},           // cleartext password
                                     Case{5, {1, 2, 3, 4}}, // MD5 with its salt
                                     Case{8, bytes_of("GSS token")}}) {
        const Bytes stream = authentication(code, data);
        const LoginRun run = run_every_way(stream);
        CHECK(run.progress == Progress::in_login);
        CHECK(run.facts.authentication_request == code);
        CHECK_FALSE(run.facts.authenticated);
        CHECK(run.out == stream);
    }
}

TEST_CASE("of a SASL exchange nothing but the list and the code is noted") {
    const LoginRun run = run_every_way(authentication_sasl({"SCRAM-SHA-256"}) +
                                       sasl_continue("r=nonce,s=salt,i=4096"));
    protocol::LoginFacts only_these;
    only_these.sasl_mechanisms = {"SCRAM-SHA-256"};
    only_these.authentication_request = 11;
    only_these.method = protocol::ServerMethod::scram;
    CHECK(run.facts == only_these);
}

TEST_CASE("the bytes of a SASL exchange are not held back") {
    protocol::LoginObserver observer{false};
    const Bytes challenge = sasl_continue("r=nonce,s=salt,i=4096");
    Bytes out;
    const ByteView unfinished = ByteView{challenge}.first(challenge.size() - 5);
    CHECK(observer.observe(unfinished, out).progress == Progress::in_login);
    CHECK(out == Bytes(unfinished.begin(), unfinished.end()));
}

TEST_CASE("a cancel key of any size that the protocol allows is noted") {
    for (const std::size_t size : {4U, 32U, 256U}) {
        const LoginRun run =
            run_every_way(authentication_ok() + backend_key(4711, Bytes(size, 0xab)));
        CHECK(run.progress == Progress::in_login);
        CHECK(run.facts.backend_process_id == 4711);
        CHECK(run.facts.cancel_key == Bytes(size, 0xab));
    }
}

TEST_CASE("a negotiated protocol version is noted and forwarded unchanged") {
    const Bytes stream =
        negotiate_version(3U << 16 | 2, {"_pq_.one", "_pq_.two"}) + authentication_ok();
    const LoginRun run = run_every_way(stream);
    CHECK(run.facts.negotiated_version == (3U << 16 | 2));
    CHECK(run.out == stream);
}

TEST_CASE("a standby is refused when a primary was asked for, before the login ends") {
    const Bytes before = authentication_ok() + parameter_status("TimeZone", "UTC");
    const Bytes login = before + parameter_status("in_hot_standby", "on") +
                        backend_key(1, {1, 2, 3, 4}) + ready_for_query();
    CHECK(run_every_way(login).progress == Progress::ready);
    for (const Cut& pieces : every_cut(login)) {
        protocol::LoginObserver observer{false};
        observer.refuse_standby();
        Bytes out;
        auto progress = Progress::in_login;
        for (auto piece = pieces.begin(); piece != pieces.end() && progress == Progress::in_login;
             ++piece)
            progress = observer.observe(*piece, out).progress;
        CHECK(progress == Progress::standby);
        CHECK(out == before);
    }
}

TEST_CASE("what is not in_hot_standby=on is no standby") {
    for (const auto& [name, value] : {std::pair{"in_hot_standby", "off"},
                                      std::pair{"in_hot_standby", ""},
                                      std::pair{"In_hot_standby", "on"},
                                      std::pair{"in_hot_standby", "on "},
                                      std::pair{"is_superuser", "on"}}) {
        protocol::LoginObserver observer{false};
        observer.refuse_standby();
        Bytes out;
        const Bytes login = authentication_ok() + parameter_status(name, value) + ready_for_query();
        CHECK(observer.observe(login, out).progress == Progress::ready);
        CHECK(out == login);
    }
}

TEST_CASE("what a server says of its role is noted, the last word of it") {
    const Bytes login = authentication_ok() + parameter_status("in_hot_standby", "on") +
                        parameter_status("default_transaction_read_only", "off") +
                        parameter_status("in_hot_standby", "off") +
                        parameter_status("application_name", std::string(200, 'x')) +
                        ready_for_query();
    for (const Cut& pieces : every_cut(login)) {
        protocol::LoginObserver observer{false};
        CHECK_FALSE(observer.facts().in_hot_standby);
        Bytes out;
        for (const auto piece : pieces)
            (void)observer.observe(piece, out);
        CHECK(out == login);
        CHECK(observer.facts().in_hot_standby == false);
        CHECK(observer.facts().default_transaction_read_only == false);
    }
}

TEST_CASE("a large notice goes out while it comes in") {
    protocol::LoginObserver observer{false};
    Bytes out;
    const Bytes notice = notice_response({{'M', std::string(1'000'000, 'x')}});
    const Bytes half{notice.begin(), notice.begin() + 500'000};
    CHECK(observer.observe(half, out).progress == Progress::in_login);
    CHECK(out == half);
}

TEST_CASE("a notice may come before authentication too") {
    const LoginRun run =
        run_every_way(notice_response({{'M', "early"}}) + authentication_ok() + ready_for_query());
    CHECK(run.progress == Progress::ready);
}

} // namespace
} // namespace pgmoat::tests

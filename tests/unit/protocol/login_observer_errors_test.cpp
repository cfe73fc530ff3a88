// LoginObserver: ErrorResponse, whole, damaged, and in the format of protocol 2.
#include "protocol/limits.h"
#include "tests/support/login_checks.h"

namespace pgmoat::tests {
namespace {

TEST_CASE("a FATAL reaches the client and then ends the login") {
    const Bytes error = error_response({{'S', "FATAL"},
                                        {'V', "FATAL"},
                                        {'C', "28P01"},
                                        {'M', "password authentication failed for user \"alice\""},
                                        {'F', "auth.c"}});
    const LoginRun run = run_every_way(error + bytes_of("whatever follows"));
    CHECK(run.progress == Progress::refused);
    CHECK(run.consumed == error.size());
    CHECK(run.out == error);
    CHECK(run.facts.error_sqlstate == "28P01");
    CHECK(run.facts.error_message == "password authentication failed for user \"alice\"");
}

TEST_CASE("the severity decides whether the login is over") {
    struct Case {
        Fields fields;
        Progress progress;
    };
    for (const auto& [fields, progress] : {
             Case{{{'S', "FATAL"}}, Progress::refused},
             Case{{{'S', "PANIC"}}, Progress::refused},
             Case{{{'S', "ERROR"}}, Progress::in_login},
             Case{{{'S', "SCHWERWIEGEND"}, {'V', "FATAL"}},
                  Progress::refused}, // V is never translated
             Case{{{'S', "FATAL"}, {'V', "ERROR"}}, Progress::in_login},
             Case{{{'C', "28000"}}, Progress::in_login},
         }) {
        const LoginRun run = run_every_way(error_response(fields));
        CHECK(run.progress == progress);
        CHECK(run.out == error_response(fields));
    }
}

TEST_CASE("an error may come after authentication too") {
    const LoginRun run =
        run_every_way(authentication_ok() +
                      error_response({{'S', "FATAL"}, {'C', "3D000"}, {'M', "no database"}}));
    CHECK(run.progress == Progress::refused);
    CHECK(run.facts.error_sqlstate == "3D000");
}

TEST_CASE("the login may go on after an ERROR and the last one is noted") {
    const LoginRun run = run_every_way(
        error_response({{'S', "ERROR"}, {'C', "0A000"}, {'M', "a"}}) +
        error_response({{'S', "ERROR"}, {'M', "b"}}) + authentication_ok() + ready_for_query());
    CHECK(run.progress == Progress::ready);
    CHECK(run.facts.error_message == "b");
    CHECK(run.facts.error_sqlstate.empty());
}

TEST_CASE("what is damaged in an error is left out of the facts and goes out as it came") {
    struct Case {
        Bytes body;
        std::string sqlstate;
        std::string text;
    };
    for (const auto& [body, sqlstate, text] : {
             Case{Bytes{0}, "", ""},      // no field at all
             Case{bytes_of("X"), "", ""}, // not even the end
             Case{field_list({{'S', "FATAL"}, {'M', "no state"}}), "", "no state"},
             Case{field_list({{'C', "28P01"}}), "28P01", ""}, // no message
             Case{field_list({{'C', "28p\n1"}, {'M', "odd"}}), "", "odd"},
             Case{field_list({{'C', "28P011"}, {'M', "long"}}), "", "long"},
             Case{field_list({{'M', ""}}), "", ""},
             Case{Bytes{'C'} + c_string("28P01") + bytes_of("Mtext without its NUL"), "28P01", ""},
             Case{Bytes{'C'} + c_string("28P01"), "28P01", ""}, // no end of the list
             Case{field_list({{'C', "28P01"}}) + bytes_of("Mbehind the end"), "28P01", ""},
         }) {
        const LoginRun run = run_every_way(message('E', body));
        CHECK(run.progress != Progress::protocol_violation);
        CHECK(run.out == message('E', body));
        CHECK(run.facts.error_sqlstate == sqlstate);
        CHECK(run.facts.error_message == text);
    }
}

TEST_CASE("an error of protocol 2 from a server that cannot fork goes out as it came") {
    const Bytes error =
        bytes_of("Ecould not fork new process for connection: No memory\n") + Bytes{0};
    const LoginRun run = run_every_way(error + bytes_of("whatever follows"));
    CHECK(run.progress == Progress::refused);
    CHECK(run.consumed == error.size());
    CHECK(run.out == error);
    CHECK(run.facts.error_message == "could not fork new process for connection: No memory");
    CHECK(run.facts.error_sqlstate.empty());
}

TEST_CASE("an error of protocol 2 may be in any language") {
    const LoginRun run = run_every_way(bytes_of("E\xc3\xa9"
                                                "chec du fork") +
                                       Bytes{0});
    CHECK(run.progress == Progress::refused);
    CHECK(run.facts.error_message == "\xc3\xa9"
                                     "chec du fork");
}

TEST_CASE("an error of protocol 2 can only be the first message") {
    const Bytes before = notice_response({{'M', "not first any more"}});
    const LoginRun run = run_every_way(before + bytes_of("Ecould not fork") + Bytes{0});
    CHECK(run.progress == Progress::protocol_violation);
    CHECK(run.out == before);
}

TEST_CASE("an error of protocol 2 has a bound") {
    const auto text = [](std::size_t bytes) { return bytes_of("E" + std::string(bytes - 1, 'x')); };
    constexpr std::size_t most = protocol::login_error_bytes_max;
    CHECK(run_login({text(most - 1) + Bytes{0}}).progress == Progress::refused);

    const LoginRun endless = run_login({text(2 * most)});
    CHECK(endless.progress == Progress::protocol_violation);
    CHECK(endless.complaint == "error text without an end");
    CHECK(endless.out.empty());
    CHECK(run_login(in_pieces_of(1, text(2 * most))) == endless);
}

} // namespace
} // namespace pgmoat::tests

// LoginObserver: an invalid message ends the login, and not a byte of it is passed on.
#include "protocol/limits.h"
#include "tests/support/login_checks.h"

namespace pgmoat::tests {
namespace {

TEST_CASE("a message is valid only on its side of the end of authentication") {
    struct Case {
        Bytes message;
        bool before;
        bool after;
    };
    for (const auto& [message, before, after] : {
             Case{authentication_ok(), true, false},
             Case{negotiate_version(3U << 16, {}), true, false},
             Case{error_response({{'S', "ERROR"}}), true, true},
             Case{notice_response({{'M', "x"}}), true, true},
             Case{parameter_status("a", "b"), false, true},
             Case{backend_key(1, Bytes(4, 0)), false, true},
             Case{ready_for_query(), false, true},
         }) {
        CAPTURE(message);
        CHECK((run_every_way(message).progress != Progress::protocol_violation) == before);
        CHECK((run_every_way(authentication_ok() + message).progress !=
               Progress::protocol_violation) == after);
    }
}

TEST_CASE("a type that no server sends during a login is a protocol violation") {
    for (int type = 0; type < 256; ++type) {
        const char letter = static_cast<char>(type);
        if (std::string_view{"REKSNvZ"}.find(letter) != std::string_view::npos) continue;
        CAPTURE(type);
        CHECK(run_login({authentication_ok() + message(letter)}).progress ==
              Progress::protocol_violation);
        CHECK(run_login({message(letter)}).progress == Progress::protocol_violation);
    }
}

TEST_CASE("a server of another protocol is recognized by its first bytes") {
    struct Case {
        std::string_view answer;
        std::string_view complaint;
    };
    for (const auto& [answer, complaint] :
         {Case{"HTTP/1.1 400 Bad Request\r\n\r\n", "message of type \"H\" during login"},
          Case{"SSH-2.0-OpenSSH_9.2\r\n", "message of type \"S\" before the end of authentication"},
          Case{"\x15\x03\x03 alert", "message of type 0x15 during login"}}) {
        const LoginRun run = run_every_way(bytes_of(answer));
        CHECK(run.progress == Progress::protocol_violation);
        CHECK(run.complaint == complaint);
        CHECK(run.out.empty());
    }
}

struct LengthBounds {
    char type;
    std::uint32_t min;
    std::uint32_t max;
};

// The progress after a header that announces this length, and the body of the shortest message.
Progress progress_with(const LengthBounds& bounds, std::uint32_t length) {
    // A body of zeros is valid for all types but R, where it would be AuthenticationOk: use MD5
    // there.
    const Bytes begin = bounds.type == 'R' ? big_endian(5) : Bytes(bounds.min - 4, 0);
    const bool before_authentication = bounds.type == 'R' || bounds.type == 'v';
    const Bytes stream = framed_as(bounds.type, length, begin);
    return run_login({before_authentication ? stream : authentication_ok() + stream}).progress;
}

TEST_CASE("a length is accepted within the bounds of its type only") {
    for (const LengthBounds& bounds : {
             LengthBounds{'R', 8, protocol::authentication_message_bytes_max},
             LengthBounds{'v', 12, protocol::version_negotiation_bytes_max},
             LengthBounds{'E', 5, protocol::login_status_bytes_max},
             LengthBounds{'N', 5, protocol::login_status_bytes_max},
             LengthBounds{'S', 6, protocol::login_status_bytes_max},
             LengthBounds{'K', 12, 264},
             LengthBounds{'Z', 5, 5},
         }) {
        CAPTURE(bounds.type);
        CHECK(progress_with(bounds, bounds.min) != Progress::protocol_violation);
        CHECK(progress_with(bounds, bounds.max) != Progress::protocol_violation);
        for (const std::uint32_t length :
             {bounds.min - 1, bounds.max + 1, 0U, 0x7fff'ffffU, 0x8000'0000U, UINT32_MAX}) {
            CAPTURE(length);
            CHECK(progress_with(bounds, length) == Progress::protocol_violation);
        }
    }
}

TEST_CASE("AuthenticationOk says nothing but ok") {
    const LoginRun run = run_every_way(authentication(0, Bytes{0}));
    CHECK(run.progress == Progress::protocol_violation);
    CHECK_FALSE(run.facts.authenticated);
    CHECK(run.complaint == "AuthenticationOk with length 9");
}

TEST_CASE("what came before a protocol violation has gone out and the violation has not") {
    const Bytes good = authentication_ok() + parameter_status("server_version", "18.4");
    const LoginRun run = run_every_way(good + message('D', bytes_of("row")));
    CHECK(run.progress == Progress::protocol_violation);
    CHECK(run.out == good);
    CHECK(run.consumed == good.size() + 5);
    CHECK(run.complaint == "message of type \"D\" during login");
}

} // namespace
} // namespace pgmoat::tests

// One attempt to reach a server, and which attempt follows which: libpq's behaviour (17 and later).
#include "protocol/server_handshake.h"
#include "tests/support/catch.h"
#include "tests/support/handshake_script.h"

#include <optional>
#include <string_view>
#include <vector>

using namespace pgmoat::protocol;
using namespace pgmoat::tests;

namespace {

using Reason = FailAttempt::Reason;
using Script = HandshakeScript<ServerHandshake>;

Script attempt(Attempt kind) {
    return Script(ServerHandshake(kind));
}

Script asked(Attempt kind) {
    return attempt(kind).expect_write(ssl_request());
}

Script answered(Attempt kind, char answer) {
    return asked(kind).expect_read({static_cast<std::uint8_t>(answer)});
}

const auto attempts_that_ask = {Attempt::tls_if_offered, Attempt::tls_required};

const auto early_bytes_outcome =
    failed(Reason::early_bytes, "received unencrypted data after SSL response");

constexpr SslMode all_modes[] = {SslMode::disable,
                                 SslMode::allow,
                                 SslMode::prefer,
                                 SslMode::require,
                                 SslMode::verify_ca,
                                 SslMode::verify_full};
constexpr Attempt all_attempts[] = {
    Attempt::plain, Attempt::tls_if_offered, Attempt::tls_required, Attempt::tls_direct};
constexpr AttemptFailure all_failures[] = {AttemptFailure::connect,
                                           AttemptFailure::tls_handshake,
                                           AttemptFailure::server_error,
                                           AttemptFailure::server_error_57p03,
                                           AttemptFailure::protocol};

} // namespace

// --- one attempt ---------------------------------------------------------------------------------

TEST_CASE("a plain attempt asks for nothing") {
    attempt(Attempt::plain).expect_end(ready_in_the_clear()).passes_every_way();
}

TEST_CASE("S leads to TLS, whether TLS is required or only preferred") {
    for (const auto kind : attempts_that_ask) {
        answered(kind, 'S')
            .expect_look_and_find_nothing()
            .expect_start_tls()
            .expect_end(ready_in_tls())
            .passes_every_way();
    }
}

TEST_CASE("a server that does not speak ALPN after S is fine: those before 17 do not") {
    answered(Attempt::tls_required, 'S')
        .expect_look_and_find_nothing()
        .expect_start_tls(false)
        .expect_end(ready_in_tls())
        .passes_every_way();
}

TEST_CASE("after N the attempt continues in plaintext only if TLS is not required",
          "[CVE-2017-7485][U3]") {
    answered(Attempt::tls_if_offered, 'N')
        .expect_look_and_find_nothing()
        .expect_end(ready_in_the_clear())
        .passes_every_way();
    answered(Attempt::tls_required, 'N')
        .expect_end(
            failed(Reason::tls_refused, "server does not support SSL, but SSL was required"))
        .passes_every_way();
}

TEST_CASE("an error in place of the answer is never read", "[CVE-2024-10977][U2]") {
    for (const auto kind : attempts_that_ask) {
        answered(kind, 'E')
            .sent_ahead(bytes_of("evil text of a man in the middle"))
            .expect_end(
                failed(Reason::bad_answer, "server sent an error response during SSL exchange"))
            .passes_every_way();
    }
}

TEST_CASE("any other answer than S or N fails the attempt") {
    for (int answer = 0; answer <= 0xff; ++answer) {
        if (answer == 'S' || answer == 'N' || answer == 'E') continue;
        CAPTURE(answer);
        for (const auto kind : attempts_that_ask) {
            answered(kind, static_cast<char>(answer))
                .expect_end(
                    failed(Reason::bad_answer, "received invalid response to SSL negotiation"))
                .passes_every_way();
        }
    }
}

TEST_CASE("bytes after the answer fail the attempt and are not read", "[CVE-2021-23222]") {
    const Bytes ahead = bytes_of("R\0\0\0\x08");
    for (const auto kind : attempts_that_ask) {
        answered(kind, 'S')
            .expect_look_and_find(ahead)
            .expect_end(early_bytes_outcome)
            .passes_every_way();
    }
    answered(Attempt::tls_if_offered, 'N')
        .expect_look_and_find(ahead)
        .expect_end(early_bytes_outcome)
        .passes_every_way();
}

TEST_CASE("direct TLS starts without a request and insists on ALPN") {
    attempt(Attempt::tls_direct)
        .expect_start_direct_tls()
        .expect_end(ready_in_tls())
        .passes_every_way();
    attempt(Attempt::tls_direct)
        .expect_start_direct_tls(false)
        .expect_end(failed(Reason::no_alpn,
                           "direct SSL connection was established without ALPN protocol "
                           "negotiation extension"))
        .passes_every_way();
}

TEST_CASE("a close in place of the answer fails the attempt") {
    asked(Attempt::tls_if_offered)
        .expect_read({'S'})
        .expect_look_and_find_nothing()
        .expect_start_tls()
        .expect_end(ready_in_tls())
        .passes_with_every_step_failing();
    CHECK(drive(ServerHandshake(Attempt::tls_if_offered), {}).outcome ==
          failed(Reason::end_of_stream, "server closed the connection unexpectedly"));
}

// --- the order of attempts -----------------------------------------------------------------------

TEST_CASE("the first attempt follows sslmode and sslnegotiation") {
    struct Row {
        SslMode mode;
        Attempt postgres, direct;
    };
    const auto row =
        GENERATE(Row{SslMode::disable, Attempt::plain, Attempt::plain},
                 Row{SslMode::allow, Attempt::plain, Attempt::plain},
                 Row{SslMode::prefer, Attempt::tls_if_offered, Attempt::tls_if_offered},
                 Row{SslMode::require, Attempt::tls_required, Attempt::tls_direct},
                 Row{SslMode::verify_ca, Attempt::tls_required, Attempt::tls_direct},
                 Row{SslMode::verify_full, Attempt::tls_required, Attempt::tls_direct});
    CHECK(first_attempt(row.mode, SslNegotiation::postgres, false) == row.postgres);
    CHECK(first_attempt(row.mode, SslNegotiation::direct, false) == row.direct);
}

TEST_CASE("TLS is never tried on a unix socket") {
    for (const auto mode : all_modes) {
        CHECK(first_attempt(mode, SslNegotiation::postgres, true) == Attempt::plain);
        CHECK(first_attempt(mode, SslNegotiation::direct, true) == Attempt::plain);
    }
}

TEST_CASE("only these failures lead to another attempt") {
    struct Row {
        SslMode mode;
        Attempt failed;
        AttemptFailure why;
        bool tls_was_used;
        Attempt next;
    };
    const std::vector<Row> rows = {
        {SslMode::allow,
         Attempt::plain,
         AttemptFailure::server_error,
         false,
         Attempt::tls_required},
        {SslMode::prefer,
         Attempt::tls_if_offered,
         AttemptFailure::server_error,
         true,
         Attempt::plain},
        // A failed handshake may or may not count as used: TLS was agreed in both cases.
        {SslMode::prefer,
         Attempt::tls_if_offered,
         AttemptFailure::tls_handshake,
         true,
         Attempt::plain},
        {SslMode::prefer,
         Attempt::tls_if_offered,
         AttemptFailure::tls_handshake,
         false,
         Attempt::plain},
    };
    const auto expected = [&](const Row& asked_for) -> std::optional<Attempt> {
        for (const auto& row : rows) {
            if (row.mode == asked_for.mode && row.failed == asked_for.failed &&
                row.why == asked_for.why && row.tls_was_used == asked_for.tls_was_used) {
                return row.next;
            }
        }
        return std::nullopt;
    };

    for (const auto mode : all_modes) {
        for (const auto kind : all_attempts) {
            for (const auto why : all_failures) {
                for (const bool used : {false, true}) {
                    // A plain attempt never uses TLS.
                    if (kind == Attempt::plain && used) continue;
                    CAPTURE(static_cast<int>(mode),
                            static_cast<int>(kind),
                            static_cast<int>(why),
                            used);
                    CHECK(next_attempt(mode, kind, why, used) ==
                          expected({mode, kind, why, used, {}}));
                }
            }
        }
    }
}

TEST_CASE("57P03 never falls back: the next host is tried with the same encryption") {
    for (const auto mode : all_modes) {
        for (const auto kind : all_attempts) {
            const auto next = next_attempt(mode, kind, AttemptFailure::server_error_57p03, true);
            CHECK_FALSE(next.has_value());
        }
    }
}

TEST_CASE("prefer does not try plaintext twice after N") {
    CHECK_FALSE(
        next_attempt(SslMode::prefer, Attempt::tls_if_offered, AttemptFailure::server_error, false)
            .has_value());
}

TEST_CASE("where TLS is required no failure leads to the clear", "[CVE-2017-7485]") {
    for (const auto mode : {SslMode::require, SslMode::verify_ca, SslMode::verify_full}) {
        for (const auto why : all_failures) {
            for (const auto kind : {Attempt::tls_required, Attempt::tls_direct}) {
                CHECK_FALSE(next_attempt(mode, kind, why, true).has_value());
            }
        }
    }
}

TEST_CASE("no chain of attempts is longer than two", "[CVE-2018-10915]") {
    for (const auto mode : all_modes) {
        for (const auto why : all_failures) {
            const auto first = first_attempt(mode, SslNegotiation::postgres, false);
            const auto second = next_attempt(mode, first, why, first != Attempt::plain);
            if (!second) continue;
            for (const auto again : all_failures) {
                CHECK_FALSE(next_attempt(mode, *second, again, *second != Attempt::plain));
            }
        }
    }
}

// The conversations of PostgreSQL's startup phase, as the server sees them. Each script is played
// as written, with every step failing, and with the client's bytes cut at every point.
#include "protocol/client_handshake.h"
#include "protocol/messages.h"
#include "tests/support/catch.h"
#include "tests/support/handshake_script.h"

#include <string>

using namespace pgmoat::protocol;
using namespace pgmoat::tests;

namespace {

using Reason = CloseHandshake::Reason;
using Script = HandshakeScript<ClientHandshake>;

constexpr std::uint8_t first_byte_of_a_length = 0x00;
constexpr std::uint8_t first_byte_of_tls = 0x16;

Script with_tls() {
    return Script(ClientHandshake(true));
}
Script without_tls() {
    return Script(ClientHandshake(false));
}

// The first steps of nearly every conversation.
Script& client_opens_with(Script& script, const Bytes& packet) {
    return script.expect_peek(first_byte_of_a_length).expect_packet(packet);
}
Script with_tls_opened_by(const Bytes& packet) {
    auto script = with_tls();
    return client_opens_with(script, packet);
}
Script without_tls_opened_by(const Bytes& packet) {
    auto script = without_tls();
    return client_opens_with(script, packet);
}
Script in_tls() {
    return with_tls_opened_by(ssl_request()).expect_write("S").expect_start_tls();
}
Script in_direct_tls() {
    return with_tls().expect_peek(first_byte_of_tls).expect_start_direct_tls();
}
Script refused_ssl() {
    return without_tls_opened_by(ssl_request()).expect_look_and_find_nothing().expect_write("N");
}
Script refused_gssenc() {
    return with_tls_opened_by(gssenc_request()).expect_look_and_find_nothing().expect_write("N");
}

const Bytes alice = startup().user("alice").database("sales").build();
const Bytes cancel = cancel_request(4711, {1, 2, 3, 4});

Outcome refused_as(Reason reason, std::string_view sqlstate, const std::string& text) {
    return closed(reason, text, encode_fatal({.sqlstate = sqlstate, .message = text}));
}
Outcome unsupported(const std::string& version) {
    return refused_as(Reason::unsupported_version,
                      "0A000",
                      "unsupported frontend protocol " + version + ": server supports 3.0 to 3.2");
}
Outcome unencrypted_data_after(const std::string& request) {
    const std::string text = "received unencrypted data after " + request;
    return closed(Reason::early_bytes,
                  text,
                  encode_fatal({.sqlstate = "08P01",
                                .message = text,
                                .detail = "This could be either a client-software bug or evidence "
                                          "of an attempted man-in-the-middle attack."}));
}

// Plays a plaintext conversation of exactly one packet and returns its outcome.
Outcome answer_to(const Bytes& packet) {
    return drive(ClientHandshake(true), {.in_clear = in_one_piece(packet), .in_tls = {}}).outcome;
}

} // namespace

// --- the usual ways in ---------------------------------------------------------------------------

TEST_CASE("a plaintext startup packet is accepted at once") {
    with_tls_opened_by(alice).expect_end(startup_of_client(alice)).passes_every_way();
    without_tls_opened_by(alice).expect_end(startup_of_client(alice)).passes_every_way();
}

TEST_CASE("SSLRequest is answered by S and TLS, then the startup packet is read", "[N1]") {
    in_tls().expect_packet(alice).expect_end(startup_of_client(alice)).passes_every_way();
}

TEST_CASE("SSLRequest without TLS is answered by N, then the startup packet is read", "[N1]") {
    refused_ssl().expect_packet(alice).expect_end(startup_of_client(alice)).passes_every_way();
}

TEST_CASE("GSSENCRequest is answered by N, then SSLRequest by S", "[N5]") {
    refused_gssenc()
        .expect_packet(ssl_request())
        .expect_write("S")
        .expect_start_tls()
        .expect_packet(alice)
        .expect_end(startup_of_client(alice))
        .passes_every_way();
}

TEST_CASE("without TLS both requests are answered by N, in either order", "[N5]") {
    refused_ssl()
        .expect_packet(gssenc_request())
        .expect_look_and_find_nothing()
        .expect_write("N")
        .expect_packet(alice)
        .expect_end(startup_of_client(alice))
        .passes_every_way();
    without_tls_opened_by(gssenc_request())
        .expect_look_and_find_nothing()
        .expect_write("N")
        .expect_packet(ssl_request())
        .expect_look_and_find_nothing()
        .expect_write("N")
        .expect_packet(alice)
        .expect_end(startup_of_client(alice))
        .passes_every_way();
}

TEST_CASE("direct TLS with ALPN leads straight to the startup packet", "[N9]") {
    in_direct_tls().expect_packet(alice).expect_end(startup_of_client(alice)).passes_every_way();
}

TEST_CASE("protocol 3.2 and options of the protocol are let through", "[N16]") {
    const Bytes packet = startup().version(3, 9999).user("alice").parameter("_pq_.x", "1").build();
    in_tls().expect_packet(packet).expect_end(startup_of_client(packet)).passes_every_way();
}

// --- direct TLS that cannot be -------------------------------------------------------------------

TEST_CASE("direct TLS without ALPN is closed silently after the handshake", "[N9]") {
    with_tls()
        .expect_peek(first_byte_of_tls)
        .expect_start_direct_tls(false)
        .expect_end(closed(Reason::no_alpn,
                           "received direct SSL connection request without ALPN protocol "
                           "negotiation extension"))
        .passes_every_way();
}

TEST_CASE("direct TLS where TLS is not possible is closed silently") {
    without_tls()
        .expect_peek(first_byte_of_tls)
        .expect_end(closed(Reason::tls_not_enabled))
        .passes_every_way();
}

TEST_CASE("only the very first byte is looked at for direct TLS") {
    // A ClientHello after N is just a length word that is far too large.
    refused_ssl()
        .expect_length_word(0x16030102)
        .expect_end(closed(Reason::bad_length, "invalid length of startup packet"))
        .passes_every_way();
}

// --- each request once ---------------------------------------------------------------------------

TEST_CASE("a second SSLRequest after N is an unsupported version") {
    refused_ssl()
        .expect_packet(ssl_request())
        .expect_end(unsupported("1234.5679"))
        .passes_every_way();
}

TEST_CASE("a second SSLRequest inside TLS is an unsupported version") {
    in_tls().expect_packet(ssl_request()).expect_end(unsupported("1234.5679")).passes_every_way();
}

TEST_CASE("a GSSENCRequest after S is an unsupported version") {
    in_tls()
        .expect_packet(gssenc_request())
        .expect_end(unsupported("1234.5680"))
        .passes_every_way();
}

TEST_CASE("a second GSSENCRequest is an unsupported version") {
    refused_gssenc()
        .expect_packet(gssenc_request())
        .expect_end(unsupported("1234.5680"))
        .passes_every_way();
}

TEST_CASE("the third request is an unsupported version, whichever it is", "[CVE-2026-6479][N7]") {
    refused_ssl()
        .expect_packet(gssenc_request())
        .expect_look_and_find_nothing()
        .expect_write("N")
        .expect_packet(ssl_request())
        .expect_end(unsupported("1234.5679"))
        .passes_every_way();
}

TEST_CASE("a million alternating requests are over at the third", "[CVE-2026-6479][N7]") {
    Bytes stream;
    for (int i = 0; i < 500'000; ++i) {
        for (const auto& request : {ssl_request(), gssenc_request()}) {
            stream.insert(stream.end(), request.begin(), request.end());
        }
    }
    // Each client waits for its answer, so nothing counts as early.
    const auto result =
        drive(ClientHandshake(false),
              {.in_clear = in_one_piece(stream), .in_tls = {}, .alpn = true, .early_bytes = false});
    CHECK(result.outcome == unsupported("1234.5679"));
    CHECK(result.written == bytes_of("NN"));
    CHECK(result.read_in_clear == 3 * 8);
}

TEST_CASE("SSLRequest inside direct TLS is answered by N inside TLS, once") {
    in_direct_tls()
        .expect_packet(ssl_request())
        .expect_write("N")
        .expect_packet(alice)
        .expect_end(startup_of_client(alice))
        .passes_every_way();
    in_direct_tls()
        .expect_packet(ssl_request())
        .expect_write("N")
        .expect_packet(ssl_request())
        .expect_end(unsupported("1234.5679"))
        .passes_every_way();
}

TEST_CASE("GSSENCRequest inside direct TLS is answered by N inside TLS", "[CVE-2026-14681][N11]") {
    in_direct_tls()
        .expect_packet(gssenc_request())
        .expect_write("N")
        .expect_packet(alice)
        .expect_end(startup_of_client(alice))
        .passes_every_way();
}

TEST_CASE("the body of an SSLRequest is swallowed") {
    with_tls_opened_by(ssl_request_with_body(bytes_of("body")))
        .expect_write("S")
        .expect_start_tls()
        .expect_packet(alice)
        .expect_end(startup_of_client(alice))
        .passes_every_way();
}

// --- bytes behind a request ----------------------------------------------------------------------

TEST_CASE("what follows an accepted SSLRequest is left unread for TLS",
          "[CVE-2021-23214][N2][N3]") {
    with_tls_opened_by(ssl_request())
        .sent_ahead(alice)
        .expect_write("S")
        .expect_start_tls()
        .expect_packet(alice)
        .expect_end(startup_of_client(alice))
        .passes_every_way();
}

TEST_CASE("bytes after a refused SSLRequest get N first, then FATAL", "[CVE-2021-23214][N2]") {
    for (const Bytes& ahead : {alice, ssl_request(), Bytes{first_byte_of_tls}, Bytes{0}}) {
        without_tls_opened_by(ssl_request())
            .expect_look_and_find(ahead)
            .expect_write("N")
            .expect_end(unencrypted_data_after("SSL request"))
            .passes_every_way();
    }
}

TEST_CASE("bytes after a GSSENCRequest get N first, then FATAL") {
    with_tls_opened_by(gssenc_request())
        .expect_look_and_find(ssl_request())
        .expect_write("N")
        .expect_end(unencrypted_data_after("GSSAPI encryption request"))
        .passes_every_way();
}

TEST_CASE("bytes after the second refused request are found as well") {
    refused_ssl()
        .expect_packet(gssenc_request())
        .expect_look_and_find(alice)
        .expect_write("N")
        .expect_end(unencrypted_data_after("GSSAPI encryption request"))
        .passes_every_way();
}

TEST_CASE("bytes after a startup packet are not read") {
    with_tls_opened_by(alice)
        .sent_ahead(bytes_of("Q"))
        .expect_end(startup_of_client(alice))
        .passes_every_way();
}

// --- cancel --------------------------------------------------------------------------------------

TEST_CASE("a cancel request is taken wherever a startup packet is") {
    const auto taken = cancel_of_client(cancel);
    with_tls_opened_by(cancel).expect_end(taken).passes_every_way();
    in_tls().expect_packet(cancel).expect_end(taken).passes_every_way();
    refused_ssl().expect_packet(cancel).expect_end(taken).passes_every_way();
    refused_gssenc().expect_packet(cancel).expect_end(taken).passes_every_way();
    in_direct_tls().expect_packet(cancel).expect_end(taken).passes_every_way();
}

TEST_CASE("cancel requests of 13 to 268 bytes are accepted, others closed silently", "[C4]") {
    const std::string bad_key = "invalid length of cancel key in cancel request packet";
    for (const std::size_t key_bytes : {1U, 4U, 8U, 256U}) {
        const Bytes packet = cancel_request(1, Bytes(key_bytes, 9));
        CHECK(answer_to(packet) == cancel_of_client(packet));
    }
    for (const std::size_t key_bytes : {0U, 257U, 288U}) {
        CHECK(answer_to(cancel_request(1, Bytes(key_bytes, 9))) ==
              closed(Reason::bad_cancel, bad_key));
    }
    CHECK(answer_to(startup_phase_packet(request_code(5678))) ==
          closed(Reason::bad_cancel, "invalid length of cancel request packet"));
}

// --- lengths -------------------------------------------------------------------------------------

TEST_CASE("a length outside of 8 to 10004 is closed silently after four bytes",
          "[CVE-2025-12818][N12]") {
    const auto length = GENERATE(as<std::uint32_t>{},
                                 0,
                                 1,
                                 3,
                                 4,
                                 7,
                                 10'005,
                                 0x7ffffffe,
                                 0x7fffffff,
                                 0x80000000,
                                 0x80000008,
                                 0xfffffff8,
                                 0xffffffff);
    CAPTURE(length);
    with_tls()
        .expect_peek(static_cast<std::uint8_t>(length >> 24))
        .expect_length_word(length)
        .expect_end(closed(Reason::bad_length, "invalid length of startup packet"))
        .passes_every_way();
    in_tls()
        .expect_length_word(length)
        .expect_end(closed(Reason::bad_length, "invalid length of startup packet"))
        .passes_every_way();
}

TEST_CASE("an HTTP request is a bad length and nothing more") {
    CHECK(answer_to(bytes_of("GET / HTTP/1.1\r\n\r\n")) ==
          closed(Reason::bad_length, "invalid length of startup packet"));
}

TEST_CASE("the longest packet is taken") {
    const Bytes frame = startup().user("alice").parameter("options", "").build();
    const Bytes longest = startup()
                              .user("alice")
                              .parameter("options", std::string(10'004 - frame.size(), 'x'))
                              .build();
    REQUIRE(longest.size() == 10'004);
    with_tls_opened_by(longest).expect_end(startup_of_client(longest)).passes_as_written();
    const auto result =
        drive(ClientHandshake(true), {.in_clear = byte_by_byte(longest), .in_tls = {}});
    CHECK(result.outcome == startup_of_client(longest));
}

TEST_CASE("the shortest packet is a layout without terminator") {
    with_tls_opened_by(startup_phase_packet(3U << 16))
        .expect_end(refused_as(Reason::bad_layout,
                               "08P01",
                               "invalid startup packet layout: expected terminator as last byte"))
        .passes_every_way();
}

// --- refused packets -----------------------------------------------------------------------------

TEST_CASE("the error for an unsupported version is in the format of that version", "[N17]") {
    const auto packet = [](std::uint16_t major, std::uint16_t minor) {
        return startup().version(major, minor).user("alice").build();
    };
    CHECK(answer_to(packet(4, 0)) == unsupported("4.0"));
    CHECK(answer_to(packet(1234, 9999)) == unsupported("1234.9999"));
    CHECK(answer_to(packet(0, 0)) == unsupported("0.0"));
    const std::string text = "unsupported frontend protocol 2.0: server supports 3.0 to 3.2";
    CHECK(answer_to(packet(2, 0)) ==
          closed(Reason::unsupported_version, text, encode_fatal_v2(text)));
}

TEST_CASE("a startup packet without user is refused, in plaintext and inside TLS") {
    const Bytes nobody = startup().database("sales").build();
    const auto outcome =
        refused_as(Reason::no_user, "28000", "no PostgreSQL user name specified in startup packet");
    with_tls_opened_by(nobody).expect_end(outcome).passes_every_way();
    in_tls().expect_packet(nobody).expect_end(outcome).passes_every_way();
}

TEST_CASE("a bad value of replication is refused with PostgreSQL's hint", "[N23]") {
    const Bytes packet = startup().user("alice").parameter("replication", "maybe").build();
    const std::string text = R"(invalid value for parameter "replication": "maybe")";
    with_tls_opened_by(packet)
        .expect_end(closed(
            Reason::bad_value,
            text,
            encode_fatal({.sqlstate = "22023",
                          .message = text,
                          .hint = R"(Valid values are: "false", 0, "true", 1, "database".)"})))
        .passes_every_way();
}

// --- ends of the stream --------------------------------------------------------------------------

TEST_CASE("connect and close is routine and leaves no text for the log", "[N19]") {
    CHECK(answer_to({}) == closed(Reason::end_of_stream));
}

TEST_CASE("a stream that ends within the first packet is only logged") {
    for (const std::size_t bytes : {1U, 3U, 4U, 7U, 20U}) {
        const Bytes cut(alice.begin(), alice.begin() + static_cast<std::ptrdiff_t>(bytes));
        CHECK(answer_to(cut) == closed(Reason::incomplete_packet, "incomplete startup packet"));
    }
}

TEST_CASE("a client that leaves within a length word after its request is not logged") {
    const auto after_n = [](const Bytes& bytes) {
        return drive(ClientHandshake(false), {.in_clear = {ssl_request(), bytes}, .in_tls = {}})
            .outcome;
    };
    CHECK(after_n({0, 0}) == closed(Reason::incomplete_packet));
    CHECK(after_n({0, 0, 0, 9}) == closed(Reason::incomplete_packet, "incomplete startup packet"));
    CHECK(after_n({}) == closed(Reason::end_of_stream));
}

// --- what is known afterwards --------------------------------------------------------------------

TEST_CASE("the facts tell what the client asked for and what it got") {
    ClientHandshake machine(true);
    (void)machine.resume(Begin{});
    (void)machine.resume(ByteSeen{0});
    CHECK_FALSE(machine.facts().gssenc_requested);

    const auto send = [&](const Bytes& packet) {
        (void)machine.resume(BytesRead{ByteView(packet).first(4)});
        return machine.resume(BytesRead{ByteView(packet).subspan(4)});
    };
    (void)send(gssenc_request());
    CHECK(machine.facts().gssenc_requested);
    CHECK_FALSE(machine.facts().ssl_requested);
    (void)machine.resume(EarlyBytes{false});
    (void)machine.resume(Written{});

    (void)send(ssl_request());
    CHECK(machine.facts().ssl_requested);
    (void)machine.resume(Written{});
    CHECK_FALSE(machine.facts().tls);
    (void)machine.resume(
        TlsStarted{.alpn_negotiated = false}); // old clients do not offer ALPN here
    CHECK(machine.facts().tls);
    CHECK_FALSE(machine.facts().direct_tls);
}

TEST_CASE("the facts tell direct TLS from the moment of its first byte") {
    ClientHandshake machine(true);
    (void)machine.resume(Begin{});
    (void)machine.resume(ByteSeen{first_byte_of_tls});
    CHECK(machine.facts().direct_tls);
    CHECK_FALSE(machine.facts().tls);
    (void)machine.resume(TlsStarted{.alpn_negotiated = true});
    CHECK(machine.facts().tls);
}

TEST_CASE("the result names the user, the database and what else was parsed") {
    ClientHandshake machine(false);
    const Bytes packet = startup().user("alice").parameter("replication", "database").build();
    (void)machine.resume(Begin{});
    (void)machine.resume(ByteSeen{0});
    (void)machine.resume(BytesRead{ByteView(packet).first(4)});
    const auto action = machine.resume(BytesRead{ByteView(packet).subspan(4)});
    REQUIRE(std::holds_alternative<HandshakeFinished>(action));
    const auto& message = std::get<StartupMessage>(std::get<HandshakeFinished>(action).request);
    CHECK(message.user == "alice");
    CHECK(message.database == "alice");
    CHECK(message.replication == Replication::logical);
}

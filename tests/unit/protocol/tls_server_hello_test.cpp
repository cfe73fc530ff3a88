// ServerHelloReader: what was negotiated, from ServerHello, HelloRetryRequest and
// ServerKeyExchange.
#include "protocol/limits.h"
#include "tests/support/tls_hello_builders.h"
#include "tests/support/tls_hello_checks.h"

namespace pgmoat::tests {
namespace {

constexpr std::uint16_t prime256v1 = 23;
constexpr std::uint16_t x25519 = 29;
constexpr std::uint16_t ecdhe_rsa_aes256_gcm = 0xc030;
constexpr std::uint16_t ecdhe_psk_aes256_cbc = 0xc036;
constexpr std::uint16_t dhe_rsa_aes256_gcm = 0x009f;
constexpr std::uint16_t rsa_aes256_gcm = 0x009d;

Bytes encrypted_rest() {
    return tls_record(record_type::application_data, Bytes(40, 0x99));
}

void fails(const Bytes& stream, std::string_view complaint) {
    const ServerHelloRun run = server_hello_every_way(stream);
    CHECK(run.progress == HelloProgress::malformed);
    CHECK(run.complaint == complaint);
    CHECK(run.facts == protocol::ServerHelloFacts{});
}

TEST_CASE("a TLS 1.3 ServerHello tells version, suite and group") {
    const ServerHelloRun run = server_hello_every_way(in_records(tls_1_3_hello(x25519)) +
                                                      change_cipher_spec() + encrypted_rest());
    CHECK(run.progress == HelloProgress::done);
    CHECK(run.facts.version == 0x0304);
    CHECK(run.facts.cipher_suite == 0x1302);
    CHECK(run.facts.group == x25519);
    CHECK_FALSE(run.facts.hello_retry);
}

TEST_CASE("a TLS 1.3 session from a pre-shared key alone has no group") {
    const ServerHelloRun run = read_server_hello(
        {in_records(ServerHelloBuilder{.extensions = selected_version(0x0304)}.message())});
    CHECK(run.progress == HelloProgress::done);
    CHECK(run.facts.version == 0x0304);
    CHECK(run.facts.group == 0);
}

TEST_CASE("a HelloRetryRequest is noted and the real ServerHello awaited") {
    for (const Bytes& between : {Bytes{}, change_cipher_spec()}) {
        const Bytes retry = in_records(hello_retry_request(prime256v1)) + between;
        CHECK(server_hello_every_way(retry).progress == HelloProgress::need_more);

        const ServerHelloRun run =
            server_hello_every_way(retry + in_records(tls_1_3_hello(prime256v1)));
        CHECK(run.progress == HelloProgress::done);
        CHECK(run.facts.hello_retry);
        CHECK(run.facts.version == 0x0304);
        CHECK(run.facts.group == prime256v1);
    }
}

TEST_CASE("in TLS 1.2 with ECDHE the group is in ServerKeyExchange") {
    const Bytes flight =
        tls_1_2_hello(ecdhe_rsa_aes256_gcm, extension(0xff01, {0}) + alpn({"postgresql"})) +
        certificate(200) + certificate_status(50) + server_key_exchange(prime256v1) +
        server_hello_done();
    for (const std::size_t size : {1U, 7U, 100U, 16'384U}) {
        const ServerHelloRun run = server_hello_every_way(in_records_of(size, flight));
        CHECK(run.progress == HelloProgress::done);
        CHECK(run.facts.version == 0x0303);
        CHECK(run.facts.cipher_suite == ecdhe_rsa_aes256_gcm);
        CHECK(run.facts.group == prime256v1);
        CHECK(run.facts.alpn == "postgresql");
    }
}

TEST_CASE("a large certificate is passed over") {
    const Bytes flight = tls_1_2_hello(ecdhe_rsa_aes256_gcm) + certificate(102'400) +
                         certificate_status(16'384) + server_key_exchange(x25519);
    const ServerHelloRun run = read_server_hello(in_pieces_of(1'400, in_records(flight)));
    CHECK(run.progress == HelloProgress::done);
    CHECK(run.facts.group == x25519);
}

TEST_CASE("a key exchange that names no curve leaves the group unknown") {
    struct Case {
        std::uint16_t cipher_suite;
        Bytes key_exchange;
    };
    // A 6144-bit prime begins like a named curve; so may the hint of a pre-shared key.
    for (const auto& [cipher_suite, key_exchange] :
         {Case{rsa_aes256_gcm, {}},
          Case{dhe_rsa_aes256_gcm, handshake_message(12, counted16(Bytes(768, 0)))},
          Case{ecdhe_psk_aes256_cbc, handshake_message(12, counted16(Bytes(768, 0)))},
          Case{ecdhe_rsa_aes256_gcm, handshake_message(12, {1, 0, 29})}, // explicit parameters
          Case{ecdhe_rsa_aes256_gcm, {}}}) {
        const ServerHelloRun run = read_server_hello({in_records(
            tls_1_2_hello(cipher_suite) + certificate(100) + key_exchange + server_hello_done())});
        CHECK(run.progress == HelloProgress::done);
        CHECK(run.facts.cipher_suite == cipher_suite);
        CHECK(run.facts.group == 0);
    }
}

TEST_CASE("a resumed TLS 1.2 session has no key exchange") {
    const Bytes ticket = handshake_message(4, Bytes(150, 0));
    for (const Bytes& before : {Bytes{}, in_records(ticket)}) {
        const ServerHelloRun run =
            server_hello_every_way(in_records(tls_1_2_hello(ecdhe_rsa_aes256_gcm)) + before +
                                   change_cipher_spec() + in_records(Bytes(40, 0x99)));
        CHECK(run.progress == HelloProgress::done);
        CHECK(run.facts.version == 0x0303);
        CHECK(run.facts.group == 0);
    }
}

TEST_CASE("older versions are in the old field") {
    for (const std::uint16_t version : std::vector<std::uint16_t>{0x0300, 0x0301, 0x0302}) {
        const ServerHelloRun run = read_server_hello({in_records(ServerHelloBuilder{
            .legacy_version = version, .cipher_suite = 0x0035, .extensions_block = false}
                                                                     .message())});
        CHECK(run.progress == HelloProgress::done);
        CHECK(run.facts.version == version);
    }
}

TEST_CASE("an alert ends the reading") {
    const ServerHelloRun refused = server_hello_every_way(fatal_alert(70));
    CHECK(refused.progress == HelloProgress::done);
    CHECK(refused.alert == 70);
    CHECK(refused.facts.version == 0);

    const ServerHelloRun after_retry =
        server_hello_every_way(in_records(hello_retry_request(x25519)) + fatal_alert(40));
    CHECK(after_retry.alert == 40);
    CHECK(after_retry.facts.version == 0);

    const ServerHelloRun after_hello =
        server_hello_every_way(in_records(tls_1_2_hello(ecdhe_rsa_aes256_gcm)) + fatal_alert(80));
    CHECK(after_hello.progress == HelloProgress::done);
    CHECK(after_hello.alert == 80);
    CHECK(after_hello.facts.version == 0x0303);
}

TEST_CASE("messages that cannot be in a server's flight are malformed") {
    constexpr std::string_view not_first = "handshake does not begin with a ServerHello";
    const Bytes retry = in_records(hello_retry_request(x25519));
    fails(in_records(certificate(10)), not_first);
    fails(change_cipher_spec() + in_records(tls_1_3_hello(x25519)), not_first);
    fails(retry + change_cipher_spec() + change_cipher_spec(), not_first);
    fails(retry + retry, "second HelloRetryRequest");
    fails(encrypted_rest(), "TLS record of a type that cannot stand in a handshake");
    fails(in_records(tls_1_2_hello(ecdhe_rsa_aes256_gcm)) + encrypted_rest(),
          "TLS record of a type that cannot stand in a handshake");
    fails(in_records(tls_1_2_hello(ecdhe_rsa_aes256_gcm) + handshake_message(12, {3, 0})),
          "malformed ServerKeyExchange");
    fails(bytes_of("ESFATAL"), "not a TLS record");
}

TEST_CASE("a malformed ServerHello is malformed") {
    struct Case {
        ServerHelloBuilder hello;
        std::string_view complaint;
    };
    const Bytes tls_1_3 = selected_version(0x0304);
    for (const auto& [hello, complaint] : {
             Case{{.session_id = Bytes(33, 0)}, "malformed ServerHello"},
             Case{{.legacy_version = 0x0304}, "ServerHello of an unknown version"},
             Case{{.legacy_version = 0x02ff}, "ServerHello of an unknown version"},
             Case{{.random = hello_retry_random()}, "HelloRetryRequest without supported_versions"},
             Case{{.extensions = selected_version(0x0303)}, "malformed supported_versions"},
             Case{{.extensions = extension(43, {3})}, "malformed supported_versions"},
             Case{{.extensions = extension(43, {3, 4, 0})}, "malformed supported_versions"},
             Case{{.extensions = tls_1_3 + wanted_group(x25519)}, "malformed key_share"},
             Case{{.extensions = tls_1_3 + extension(51, {0})}, "malformed key_share"},
             Case{{.random = hello_retry_random(), .extensions = tls_1_3 + key_share(x25519)},
                  "malformed key_share"},
             Case{{.extensions = alpn({})}, "malformed ALPN"},
             Case{{.extensions = alpn({"postgresql", "h2"})}, "malformed ALPN"},
             Case{{.extensions = {0, 0, 0}}, "malformed extensions"},
         })
        fails(in_records(hello.message()), complaint);
}

TEST_CASE("a ServerHello whose fields do not fit is malformed") {
    const Bytes whole = tls_1_3_hello(x25519);
    const Bytes body{whole.begin() + 4, whole.end()};
    const std::size_t extensions_begin = 2 + 32 + 1 + 32 + 2 + 1;
    for (std::size_t end = 0; end < body.size(); ++end) {
        const Bytes cut{body.begin(), body.begin() + static_cast<std::ptrdiff_t>(end)};
        const ServerHelloRun run = read_server_hello({in_records(handshake_message(2, cut))});
        CHECK((run.progress == HelloProgress::malformed) == (end != extensions_begin));
    }
}

TEST_CASE("a server's flight has bounds") {
    const ServerHelloRun hello =
        read_server_hello({in_records(Bytes{2} + uint24(protocol::server_hello_bytes_max + 1))});
    CHECK(hello.progress == HelloProgress::too_large);

    const Bytes begin = in_records(tls_1_2_hello(ecdhe_rsa_aes256_gcm));
    const ServerHelloRun announced = read_server_hello(
        {begin, in_records(Bytes{11} + uint24(protocol::server_flight_bytes_max))});
    CHECK(announced.progress == HelloProgress::too_large);

    protocol::ServerHelloReader endless;
    HelloProgress progress = endless.feed(begin);
    for (int i = 0; i < 100'000 && progress == HelloProgress::need_more; ++i)
        progress = endless.feed(in_records(certificate_status(0)));
    CHECK(progress == HelloProgress::too_large);
}

} // namespace
} // namespace pgmoat::tests

// ClientHelloReader: anything but a valid hello fails, and leaves no facts.
#include "protocol/limits.h"
#include "tests/support/tls_hello_builders.h"
#include "tests/support/tls_hello_checks.h"

#include <string>
#include <vector>

namespace pgmoat::tests {
namespace {

void fails(const Bytes& stream, std::string_view complaint) {
    const ClientHelloRun run = client_hello_every_way(stream);
    CHECK(run.progress == HelloProgress::malformed);
    CHECK(run.complaint == complaint);
    CHECK(run.facts == protocol::ClientHelloFacts{});
}

struct NameCase {
    Bytes extension;
    std::string_view complaint;
};

TEST_CASE("a malformed SNI is malformed, never no SNI") {
    const Bytes one = server_name_entry(0, "a.example");
    for (const auto& [sni, complaint] : {
             NameCase{extension(0, {}), "SNI is not exactly one host name"},
             NameCase{extension(0, counted16({})), "SNI is not exactly one host name"},
             NameCase{extension(0, counted16(one + server_name_entry(0, "b.example"))),
                      "SNI is not exactly one host name"},
             NameCase{extension(0, counted16(server_name_entry(1, "a.example"))),
                      "SNI is not exactly one host name"},
             NameCase{extension(0, counted16(one) + Bytes{0}), "SNI is not exactly one host name"},
             NameCase{extension(0, uint16(one.size() + 1) + one),
                      "SNI is not exactly one host name"},
             NameCase{extension(0, uint16(one.size() - 1) + one),
                      "SNI is not exactly one host name"},
             NameCase{server_name(""), "SNI of a wrong length"},
             NameCase{server_name(std::string(256, 'a')), "SNI of a wrong length"},
             NameCase{server_name(std::string_view{"a\0.example", 10}),
                      "SNI with a byte that no host name has"},
             NameCase{server_name("a example"), "SNI with a byte that no host name has"},
             NameCase{server_name("a\nexample"), "SNI with a byte that no host name has"},
             NameCase{server_name("\xc3\xa4.example"), "SNI with a byte that no host name has"},
             NameCase{server_name("a.example\x7f"), "SNI with a byte that no host name has"},
             NameCase{server_name("a.example") + server_name("b.example"), "duplicate extension"},
         })
        fails(client_hello_with(sni), complaint);
}

TEST_CASE("the longest name is a name") {
    const std::string longest(255, 'a');
    CHECK(read_client_hello({client_hello_with(server_name(longest))}).facts.server_name ==
          longest);
}

TEST_CASE("malformed lists are malformed") {
    for (const auto& [list, complaint] : {
             NameCase{extension(16, {}), "malformed ALPN"},
             NameCase{alpn({}), "malformed ALPN"},
             NameCase{alpn({"postgresql", ""}), "malformed ALPN"},
             NameCase{extension(16, counted16({11, 'p', 'o'})), "malformed ALPN"},
             NameCase{alpn(std::vector<std::string>(protocol::alpn_protocols_max + 1, "x")),
                      "too many ALPN protocols"},
             NameCase{extension(43, {}), "malformed supported_versions"},
             NameCase{supported_versions({}), "malformed supported_versions"},
             NameCase{extension(43, counted8({3, 4, 3})), "malformed supported_versions"},
             NameCase{extension(43, counted8({3, 4}) + Bytes{0}), "malformed supported_versions"},
             NameCase{supported_groups({}), "malformed supported_groups"},
             NameCase{extension(10, counted16({0, 29, 0})), "malformed supported_groups"},
             NameCase{extension(10, uint16(4) + uint16(29)), "malformed supported_groups"},
             NameCase{Bytes{0, 0, 0}, "malformed extensions"},
             NameCase{uint16(99) + uint16(5) + Bytes{1, 2, 3, 4}, "malformed extensions"},
         })
        fails(client_hello_with(list), complaint);
}

TEST_CASE("a hello whose fields do not fit is malformed") {
    const Bytes whole = ClientHelloBuilder{.extensions = server_name("a.example")}.message();
    const Bytes body{whole.begin() + 4, whole.end()};
    for (std::size_t end = 0; end < body.size(); ++end) {
        const Bytes cut{body.begin(), body.begin() + static_cast<std::ptrdiff_t>(end)};
        const ClientHelloRun run = read_client_hello({in_records(handshake_message(1, cut))});
        const std::size_t extensions_begin = body.size() - 2 - server_name("a.example").size();
        CHECK((run.progress == HelloProgress::malformed) == (end != extensions_begin));
    }
    fails(in_records(handshake_message(1, body + Bytes{0})), "malformed extensions");
}

TEST_CASE("a hello with impossible fields is malformed") {
    fails(in_records(ClientHelloBuilder{.session_id = Bytes(33, 0)}.message()),
          "malformed ClientHello");
    fails(in_records(ClientHelloBuilder{.compression_methods = {}}.message()),
          "malformed ClientHello");
    fails(in_records(ClientHelloBuilder{.cipher_suites = {}}.message()), "malformed cipher suites");
    fails(in_records(ClientHelloBuilder{.cipher_suites = {0x13}}.message()),
          "malformed cipher suites");
    fails(in_records(ClientHelloBuilder{.legacy_version = 0x0200}.message()),
          "ClientHello of an unknown version");
    fails(in_records(ClientHelloBuilder{.legacy_version = 0x0400}.message()),
          "ClientHello of an unknown version");
}

TEST_CASE("only a ClientHello in handshake records begins a handshake") {
    constexpr std::string_view not_first = "handshake does not begin with a ClientHello";
    const Bytes hello = client_hello_with({});
    fails(fatal_alert(40) + hello, not_first);
    fails(change_cipher_spec() + hello, not_first);
    fails(in_records(handshake_message(0, {})) + hello, not_first);
    fails(in_records(tls_1_3_hello(29)), not_first);
    fails(tls_record(record_type::application_data, {1}) + hello,
          "TLS record of a type that cannot stand in a handshake");
    fails(bytes_of("GET / HTTP/1.1\r\n"), "not a TLS record");
}

TEST_CASE("a record that breaks the record layer's rules is malformed") {
    const Bytes whole(16'384, 0);
    CHECK(read_client_hello({tls_record(record_type::handshake, Bytes{1, 1, 0, 0} + whole)})
              .complaint == "TLS record too long");
    CHECK(read_client_hello({tls_record(record_type::handshake, {1}, 0x0203)}).complaint ==
          "not a TLS record");
    CHECK(read_client_hello({tls_record(record_type::handshake, {1}, 0x03ff)}).progress ==
          HelloProgress::need_more);
    fails(tls_record(record_type::alert, {2}), "TLS record of a wrong length");
    fails(tls_record(record_type::alert, {2, 40, 0}), "TLS record of a wrong length");
    fails(tls_record(record_type::change_cipher_spec, {2}), "malformed ChangeCipherSpec");
    fails(tls_record(record_type::change_cipher_spec, {}), "TLS record of a wrong length");
    fails(in_records({1, 0}) + change_cipher_spec(), "ChangeCipherSpec inside a handshake message");
    fails(in_records({1, 0, 0, 9, 0}) + change_cipher_spec(),
          "ChangeCipherSpec inside a handshake message");
}

TEST_CASE("some empty records are let pass, an endless row of them is not") {
    const auto empty_records = [](unsigned count) {
        Bytes stream;
        for (unsigned i = 0; i < count; ++i)
            stream = std::move(stream) + tls_record(record_type::handshake, {});
        return stream;
    };
    const Bytes hello = client_hello_with(server_name("a.example"));
    CHECK(client_hello_every_way(empty_records(protocol::empty_tls_records_max) + hello).progress ==
          HelloProgress::done);
    fails(empty_records(protocol::empty_tls_records_max + 1) + hello, "too many empty TLS records");
}

TEST_CASE("a ClientHello may be as large as OpenSSL takes it and not larger") {
    constexpr std::size_t most = protocol::client_hello_bytes_max;
    const Bytes largest = in_records_of(1, Bytes{1} + uint24(most) + Bytes(most, 0));
    CHECK(read_client_hello({largest}).progress == HelloProgress::malformed); // read to its end
    CHECK(read_client_hello({ByteView{largest}.first(largest.size() - 1)}).progress ==
          HelloProgress::need_more);

    const ClientHelloRun larger = client_hello_every_way(in_records(Bytes{1} + uint24(most + 1)));
    CHECK(larger.progress == HelloProgress::too_large);
    CHECK(larger.complaint == "ClientHello too large");
}

TEST_CASE("a failed reader stays failed") {
    protocol::ClientHelloReader reader;
    CHECK(reader.feed(bytes_of("GET / HTTP/1.1\r\n")) == HelloProgress::malformed);
    CHECK(reader.feed(client_hello_with({})) == HelloProgress::malformed);
    CHECK(reader.complaint() == "not a TLS record");
}

} // namespace
} // namespace pgmoat::tests

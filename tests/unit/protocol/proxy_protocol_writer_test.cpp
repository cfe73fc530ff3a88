// PROXY headers byte for byte, and parsed again by our own reader.
#include "protocol/ip_text.h"
#include "protocol/proxy_protocol_writer.h"
#include "tests/support/catch.h"
#include "tests/support/proxy_headers.h"

#include <algorithm>
#include <random>

using namespace pgmoat::protocol;
using namespace pgmoat::tests;

namespace {

using Family = ProxyHeader::Family;

ProxyEndpoint endpoint(const char* text, std::uint16_t port) {
    ProxyEndpoint made{{}, port};
    if (const auto four = parse_ipv4(text))
        std::copy(four->begin(), four->end(), made.address.begin());
    if (const auto six = parse_ipv6(text)) made.address = *six;
    return made;
}

ProxyHeader client(Family family, const char* source, const char* destination) {
    ProxyHeader header;
    header.version = 2;
    header.family = family;
    header.source = endpoint(source, 56'324);
    header.destination = endpoint(destination, 5'432);
    return header;
}

ProxyHeader read_again(const Bytes& bytes) {
    const auto run = read_proxy_header({bytes});
    CAPTURE(run.complaint);
    REQUIRE(run.progress == ProxyHeaderReader::Progress::complete);
    REQUIRE(run.taken == bytes.size());
    return run.header;
}

std::string random_text(std::mt19937& random) {
    std::string text(random() % 40, '\0');
    for (char& letter : text)
        letter = static_cast<char>(random());
    return text;
}

} // namespace

TEST_CASE("Version 1 is a line") {
    REQUIRE(write_proxy_line(client(Family::ipv4, "198.51.100.7", "203.0.113.5")) ==
            bytes_of("PROXY TCP4 198.51.100.7 203.0.113.5 56324 5432\r\n"));
    REQUIRE(write_proxy_line(client(Family::ipv6, "2001:db8::7", "::1")) ==
            bytes_of("PROXY TCP6 2001:db8::7 ::1 56324 5432\r\n"));
    REQUIRE(write_proxy_line({}) == bytes_of("PROXY UNKNOWN\r\n"));
}

TEST_CASE("Version 2 spelled out, with its checksum") {
    const Bytes expected = binary_header(
        0x21,
        0x11,
        Bytes{198, 51, 100, 7, 203, 0, 113, 5, 0xdc, 0x04, 0x15, 0x38} + tlv(0x02, bytes_of("db")));
    const Bytes written = [] {
        auto header = client(Family::ipv4, "198.51.100.7", "203.0.113.5");
        header.authority = "db";
        return write_proxy_binary(header);
    }();
    REQUIRE(written.size() == expected.size() + 7);
    REQUIRE(std::equal(expected.begin(), expected.begin() + 14, written.begin()));
    REQUIRE(written[14] == 0);
    REQUIRE(written[15] == 12 + 5 + 7);
    REQUIRE(std::equal(expected.begin() + 16, expected.end(), written.begin() + 16));
    // Computed by another implementation of CRC-32C (python3, bit by bit) over these bytes.
    REQUIRE(Bytes(written.end() - 7, written.end()) ==
            Bytes{0x03, 0x00, 0x04, 0xc2, 0x03, 0x7c, 0x6a});
}

TEST_CASE("Version 2 without an address") {
    REQUIRE(write_proxy_binary({}) == binary_header(0x21, 0x00, {}));
    ProxyHeader local;
    local.local = true;
    REQUIRE(write_proxy_binary(local) == binary_header(0x20, 0x00, {}));
}

TEST_CASE("Text beyond the limit is left out, not cut") {
    auto header = client(Family::ipv4, "198.51.100.7", "203.0.113.5");
    header.authority = std::string(256, 'x');
    header.unique_id = std::string(129, 'x');
    header.tls = ProxyTls{};
    header.tls->common_name = std::string(256, 'x');
    const auto again = read_again(write_proxy_binary(header));
    REQUIRE(again.authority.empty());
    REQUIRE(again.unique_id.empty());
    REQUIRE(again.tls->common_name.empty());
}

TEST_CASE("What is written is read again, whatever the texts hold") {
    std::mt19937 random(9);
    for (int i = 0; i < 2'000; ++i) {
        ProxyHeader header = random() % 2 == 0 ? client(Family::ipv4, "198.51.100.7", "203.0.113.5")
                                               : client(Family::ipv6, "2001:db8::7", "::1");
        header.source.port = static_cast<std::uint16_t>(random());
        for (std::string* text :
             {&header.alpn, &header.authority, &header.unique_id, &header.network_namespace})
            *text = random_text(random);
        if (random() % 2 == 0) {
            ProxyTls& tls = header.tls.emplace();
            tls.tls = random() % 2 == 0;
            tls.certificate_on_connection = tls.verified = random() % 2 == 0;
            for (std::string* text : {&tls.version,
                                      &tls.cipher,
                                      &tls.common_name,
                                      &tls.signature_algorithm,
                                      &tls.key_algorithm,
                                      &tls.group})
                *text = random_text(random);
        }
        REQUIRE(read_again(write_proxy_binary(header)) == header);

        ProxyHeader addresses = header;
        addresses.version = 1;
        for (std::string* text : {&addresses.alpn,
                                  &addresses.authority,
                                  &addresses.unique_id,
                                  &addresses.network_namespace})
            text->clear();
        addresses.tls.reset();
        REQUIRE(read_again(write_proxy_line(header)) == addresses);
    }
}

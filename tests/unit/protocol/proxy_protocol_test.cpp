// PROXY headers: valid ones, invalid ones, and cut at every byte.
#include "protocol/crc32c.h"
#include "protocol/ip_text.h"
#include "protocol/limits.h"
#include "tests/support/catch.h"
#include "tests/support/proxy_headers.h"

using namespace pgmoat::protocol;
using namespace pgmoat::tests;

namespace {

using Progress = ProxyHeaderReader::Progress;
using Family = ProxyHeader::Family;

const Bytes client_bytes = bytes_of("after the header, for TLS only");

// The result must be the same however it is cut, and never include a byte after the header.
ProxyHeaderRun read(const Bytes& header) {
    const auto whole = read_proxy_header({header});
    for (const Cut& cut : every_cut(header))
        REQUIRE(read_proxy_header(cut) == whole);
    if (whole.progress == Progress::complete) {
        // As the driver reads it: never more than is certainly missing.
        ProxyHeaderReader reader;
        std::size_t taken = 0;
        for (auto progress = Progress::need_more; progress != Progress::complete;) {
            const std::size_t count = reader.needed();
            REQUIRE(count > 0);
            REQUIRE(taken + count <= header.size());
            ByteView piece = ByteView{header}.subspan(taken, count);
            progress = reader.read(piece);
            REQUIRE(piece.empty());
            taken += count;
        }
        REQUIRE(reader.header() == whole.header);
        const auto followed = header + client_bytes;
        REQUIRE(read_proxy_header({followed}) == whole);
        REQUIRE(whole.taken == header.size());
    }
    return whole;
}

ProxyHeader accept(const Bytes& header) {
    const auto run = read(header);
    CAPTURE(run.complaint);
    REQUIRE(run.progress == Progress::complete);
    REQUIRE(run.complaint.empty());
    return run.header;
}

std::string complaint_about(const Bytes& header) {
    const auto run = read(header);
    REQUIRE(run.progress == Progress::malformed);
    REQUIRE(run.header == ProxyHeader{});
    return run.complaint;
}

std::string source_of(const ProxyHeader& header) {
    return ip_text(address_bytes(header, header.source)) + " " + std::to_string(header.source.port);
}

std::string destination_of(const ProxyHeader& header) {
    return ip_text(address_bytes(header, header.destination)) + " " +
           std::to_string(header.destination.port);
}

const Bytes ipv4_block{198, 51, 100, 7, 203, 0, 113, 5, 0xdc, 0x04, 0x15, 0x38};

Bytes tcp4(const Bytes& values) {
    return binary_header(0x21, 0x11, ipv4_block + values);
}

Bytes with_checksum(Bytes values) {
    values = values + tlv(0x03, Bytes(4));
    Bytes header = tcp4(values);
    const std::uint32_t sum = crc32c(header);
    for (std::size_t i = 0; i < 4; ++i)
        header[header.size() - 4 + i] = static_cast<std::uint8_t>(sum >> (24 - 8 * i));
    return header;
}

} // namespace

TEST_CASE("CRC-32C of the check string") {
    REQUIRE(crc32c(bytes_of("123456789")) == 0xe306'9283);
    REQUIRE(crc32c({}) == 0);
}

TEST_CASE("A line of version 1") {
    const auto ipv4 = accept(bytes_of("PROXY TCP4 198.51.100.7 203.0.113.5 56324 5432\r\n"));
    REQUIRE(ipv4.version == 1);
    REQUIRE_FALSE(ipv4.local);
    REQUIRE(source_of(ipv4) == "198.51.100.7 56324");
    REQUIRE(destination_of(ipv4) == "203.0.113.5 5432");

    const auto ipv6 = accept(bytes_of("PROXY TCP6 2001:db8::7 2001:DB8:0:0::5 1 65535\r\n"));
    REQUIRE(ipv6.family == Family::ipv6);
    REQUIRE(source_of(ipv6) == "2001:db8::7 1");
    REQUIRE(destination_of(ipv6) == "2001:db8::5 65535");

    const auto longest = "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
    REQUIRE(accept(bytes_of(longest)).source.port == 65'535);
}

TEST_CASE("UNKNOWN has no address, whatever follows it") {
    for (const std::string& rest : {std::string{},
                                    std::string{" nonsense"},
                                    " " + std::string(91, 'x'),
                                    std::string{" a\rb"}}) {
        const auto header = accept(bytes_of("PROXY UNKNOWN" + rest + "\r\n"));
        REQUIRE(header.family == Family::none);
        REQUIRE_FALSE(header.has_address());
    }
}

TEST_CASE("What is not a line of version 1") {
    const auto complaint = [](const std::string& line) { return complaint_about(bytes_of(line)); };
    REQUIRE(complaint("PROXY UNKNOWN\n") == "PROXY line does not end in CRLF");
    REQUIRE(complaint("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n") == "PROXY line does not end in CRLF");
    for (const char* line : {"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
                             "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
                             "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
                             "PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
                             "PROXY TCP4\r\n"})
        REQUIRE(complaint(line) == "PROXY line with a wrong number of fields");
    for (const char* line : {"PROXY TCP4 ::1 ::1 1 2\r\n",
                             "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
                             "PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n",
                             "PROXY TCP4 1.2.3.4 1.2.3.400 1 2\r\n",
                             "PROXY TCP4\t 1.2.3.4 1.2.3.4 1 2\r\n"}) {
        CAPTURE(line);
        const auto words = complaint(line);
        REQUIRE((words == "PROXY line with an invalid address" ||
                 words == "PROXY line of an unknown family"));
    }
    REQUIRE(complaint("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n") == "PROXY line with an invalid port");
    REQUIRE(complaint("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n") ==
            "PROXY line with an invalid port");
    REQUIRE(complaint("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\r\n") == "PROXY line with an invalid port");
    REQUIRE(complaint("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n") == "PROXY line of an unknown family");
    REQUIRE(complaint("PROXY unknown\r\n") == "PROXY line of an unknown family");
}

TEST_CASE("A client of another protocol is refused at the first byte that shows it") {
    for (const Bytes& opening : {Bytes{0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f}, // SSLRequest
                                 Bytes{0x16, 3, 1, 2, 0},                // ClientHello
                                 bytes_of("GET / HTTP/1.1\r\n"),
                                 bytes_of("\n")}) {
        const auto run = read(opening);
        REQUIRE(run.progress == Progress::malformed);
        REQUIRE(run.complaint == "no PROXY protocol header");
        REQUIRE(run.taken == 1);
    }
    REQUIRE(complaint_about(bytes_of("PROXYTCP4")) == "no PROXY protocol header");
    REQUIRE(complaint_about(bytes_of("\r\n\r\n\r\n")) == "no PROXY protocol header");
}

TEST_CASE("A line that does not end within 107 bytes is refused there") {
    const auto run = read(bytes_of("PROXY UNKNOWN " + std::string(500, 'x')));
    REQUIRE(run.progress == Progress::malformed);
    REQUIRE(run.complaint == "PROXY line too long");
    REQUIRE(run.taken == proxy_line_bytes_max);
    const std::string fits = "PROXY UNKNOWN " + std::string(107 - 14 - 2, 'x') + "\r\n";
    REQUIRE(fits.size() == 107);
    REQUIRE(accept(bytes_of(fits)).version == 1);
    REQUIRE(complaint_about(bytes_of("PROXY UNKNOWN x" + std::string(107 - 14 - 2, 'x') +
                                     "\r\n")) == "PROXY line too long");
}

TEST_CASE("Addresses of version 2") {
    const auto ipv4 = accept(tcp4({}));
    REQUIRE(ipv4.version == 2);
    REQUIRE(ipv4.family == Family::ipv4);
    REQUIRE(source_of(ipv4) == "198.51.100.7 56324");
    REQUIRE(destination_of(ipv4) == "203.0.113.5 5432");

    Bytes block(36);
    block[0] = 0x20, block[1] = 0x01, block[15] = 7, block[31] = 5, block[33] = 80, block[35] = 90;
    const auto ipv6 = accept(binary_header(0x21, 0x21, block));
    REQUIRE(source_of(ipv6) == "2001::7 80");
    REQUIRE(destination_of(ipv6) == "::5 90");

    Bytes paths(216);
    const Bytes name = bytes_of("/run/client");
    std::copy(name.begin(), name.end(), paths.begin());
    const auto unix_path = accept(binary_header(0x21, 0x31, paths));
    REQUIRE(unix_path.family == Family::unix_path);
    REQUIRE(unix_path.source_path == "/run/client");
    REQUIRE_FALSE(unix_path.has_address());
    std::fill(paths.begin(), paths.end(), std::uint8_t{'x'});
    REQUIRE(accept(binary_header(0x21, 0x31, paths)).source_path == std::string(108, 'x'));
}

TEST_CASE("LOCAL is accepted and its block skipped, whatever it holds") {
    for (const Bytes& header : {binary_header(0x20, 0x00, {}),
                                binary_header(0x20, 0x11, ipv4_block),
                                binary_header(0x20, 0xff, bytes_of("nonsense")),
                                binary_header(0x20, 0x11, ipv4_block + tlv(0x03, Bytes(4)))}) {
        const auto run = accept(header);
        REQUIRE(run.local);
        REQUIRE_FALSE(run.has_address());
    }
}

TEST_CASE("UNSPEC and datagrams have no address") {
    for (const Bytes& header : {binary_header(0x21, 0x00, {}),
                                binary_header(0x21, 0x00, bytes_of("ignored")),
                                binary_header(0x21, 0x01, {}),
                                binary_header(0x21, 0x10, ipv4_block),
                                binary_header(0x21, 0x12, ipv4_block),
                                binary_header(0x21, 0x32, Bytes(216))}) {
        const auto run = accept(header);
        REQUIRE_FALSE(run.local);
        REQUIRE(run.family == Family::none);
        REQUIRE(run.source == ProxyEndpoint{});
    }
}

TEST_CASE("What version 2 must not say") {
    REQUIRE(complaint_about(binary_header(0x11, 0x11, ipv4_block)) ==
            "PROXY header of an unknown version");
    REQUIRE(complaint_about(binary_header(0x31, 0x11, ipv4_block)) ==
            "PROXY header of an unknown version");
    REQUIRE(complaint_about(binary_header(0x22, 0x11, ipv4_block)) ==
            "PROXY header with an unknown command");
    REQUIRE(complaint_about(binary_header(0x2f, 0x00, {})) ==
            "PROXY header with an unknown command");
    REQUIRE(complaint_about(binary_header(0x21, 0x41, ipv4_block)) ==
            "PROXY header of an unknown address family");
    REQUIRE(complaint_about(binary_header(0x21, 0x13, ipv4_block)) ==
            "PROXY header of an unknown transport");
    REQUIRE(complaint_about(binary_header(0x21, 0x11, Bytes(11))) ==
            "PROXY header shorter than its addresses");
    REQUIRE(complaint_about(binary_header(0x21, 0x21, Bytes(35))) ==
            "PROXY header shorter than its addresses");
    REQUIRE(complaint_about(binary_header(0x21, 0x31, Bytes(215))) ==
            "PROXY header shorter than its addresses");
}

TEST_CASE("A header beyond our limit is refused at its length, before its body comes") {
    Bytes header = binary_header(0x21, 0x11, ipv4_block);
    header.resize(16);
    header[14] = 0xff, header[15] = 0xff;
    REQUIRE(read(header).complaint == "PROXY header too long");
    header[12] = 0x20; // a health check too
    REQUIRE(read(header).complaint == "PROXY header too long");
    const std::size_t block = proxy_header_bytes_max - 16;
    REQUIRE(accept(tcp4(tlv(0x04, Bytes(block - 12 - 3)))).has_address());
    REQUIRE(complaint_about(tcp4(tlv(0x04, Bytes(block - 12 - 2)))) == "PROXY header too long");
}

TEST_CASE("What proxies add to the addresses") {
    const auto header = accept(
        tcp4(tlv(0x01, bytes_of("postgresql")) + tlv(0x02, bytes_of("db.example")) +
             tlv(0x05, bytes_of("id-1")) + tlv(0x30, bytes_of("blue")) +
             tlv(0xea, bytes_of("\1vpce-1")) + tlv(0xea, {}) + tlv(0x04, {}) + tlv(0x04, {}) +
             tlv(0x20,
                 Bytes{7, 0, 0, 0, 0} + tlv(0x21, bytes_of("TLSv1.3")) +
                     tlv(0x22, bytes_of("alice")) + tlv(0x23, bytes_of("TLS_AES_256_GCM_SHA384")) +
                     tlv(0x24, bytes_of("RSA-SHA256")) + tlv(0x25, bytes_of("RSA2048")) +
                     tlv(0x26, bytes_of("X25519")) + tlv(0x99, {1, 2}))));
    REQUIRE(header.alpn == "postgresql");
    REQUIRE(header.authority == "db.example");
    REQUIRE(header.unique_id == "id-1");
    REQUIRE(header.network_namespace == "blue");
    REQUIRE(header.tls == ProxyTls{true,
                                   true,
                                   true,
                                   true,
                                   "TLSv1.3",
                                   "TLS_AES_256_GCM_SHA384",
                                   "alice",
                                   "RSA-SHA256",
                                   "RSA2048",
                                   "X25519"});
}

TEST_CASE("Verified means that there was a certificate and that it was verified") {
    const auto verified = [](std::uint8_t client, std::uint8_t verify) {
        return accept(tcp4(tlv(0x20, {client, 0, 0, 0, verify}))).tls->verified;
    };
    REQUIRE(verified(3, 0));
    REQUIRE(verified(4, 0));
    REQUIRE_FALSE(verified(3, 1));
    REQUIRE_FALSE(verified(1, 0)); // what HAProxy sends for a client without a certificate
    REQUIRE_FALSE(verified(0, 0));
}

TEST_CASE("A value that is cut off, twice there, too long or too many") {
    const auto complaint = [](const Bytes& values) { return complaint_about(tcp4(values)); };
    const std::string cut_off = "PROXY header with a value that is cut off";
    REQUIRE(complaint({0x01}) == cut_off);
    REQUIRE(complaint({0x01, 0x00}) == cut_off);
    REQUIRE(complaint({0x01, 0x00, 0x01}) == cut_off);
    REQUIRE(complaint({0xea, 0xff, 0xff, 0x00}) == cut_off);
    REQUIRE(complaint(tlv(0x20, {1, 0, 0, 0})) == cut_off);
    REQUIRE(complaint(tlv(0x20, {1, 0, 0, 0, 0, 0x21, 0, 9, 'T'})) == cut_off);

    const std::string twice = "PROXY header with the same value twice";
    for (const int type : {0x01, 0x02, 0x05, 0x30})
        REQUIRE(complaint(tlv(type, bytes_of("a")) + tlv(type, bytes_of("b"))) == twice);
    const Bytes no_tls{0, 0, 0, 0, 1};
    REQUIRE(complaint(tlv(0x20, no_tls) + tlv(0x20, no_tls)) == twice);
    REQUIRE(
        complaint(tlv(0x20, no_tls + tlv(0x22, bytes_of("alice")) + tlv(0x22, bytes_of("root")))) ==
        twice);

    const std::string too_long = "PROXY header with a value that is too long";
    REQUIRE(accept(tcp4(tlv(0x05, Bytes(128, 'x')))).unique_id.size() == 128);
    REQUIRE(complaint(tlv(0x05, Bytes(129, 'x'))) == too_long);
    REQUIRE(accept(tcp4(tlv(0x02, Bytes(255, 'x')))).authority.size() == 255);
    REQUIRE(complaint(tlv(0x02, Bytes(256, 'x'))) == too_long);

    Bytes many;
    for (std::size_t i = 0; i < proxy_tlvs_max; ++i)
        many = many + tlv(0x04, {});
    REQUIRE(accept(tcp4(many)).has_address());
    REQUIRE(complaint(many + tlv(0x04, {})) == "PROXY header with too many values");
}

TEST_CASE("A checksum is verified over the whole header") {
    const Bytes header = with_checksum(tlv(0x02, bytes_of("db.example")));
    REQUIRE(accept(header).authority == "db.example");
    for (std::size_t bit = 16 * 8; bit < header.size() * 8; ++bit) {
        Bytes changed = header;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        // Flipping a bit in the checksum's type makes it a value that is skipped or means something
        // else; in a length, a value that is cut off. Only with the type's bits may an address be
        // accepted unverified.
        const bool is_type = bit / 8 == header.size() - 7;
        const auto run = read_proxy_header({changed});
        CAPTURE(bit);
        if (!is_type) REQUIRE(run.progress == Progress::malformed);
    }
    REQUIRE(complaint_about(tcp4(tlv(0x03, Bytes(4)))) == "PROXY header with a wrong checksum");
    REQUIRE(complaint_about(tcp4(tlv(0x03, Bytes(3)))) ==
            "PROXY header with a checksum of a wrong length");
    REQUIRE(complaint_about(tcp4(tlv(0x03, Bytes(5)))) ==
            "PROXY header with a checksum of a wrong length");
}

// Reading and writing after the handshake.
#include "tests/support/catch.h"
#include "tests/unit/tls/openssl_peer.h"
#include "tls/limits.h"

using namespace pgmoat;
using tls::Failure;
using tls::Status;

namespace {

// A pair with a finished handshake, of one TLS version.
struct Talking : test::TlsPair {
    Talking(const test::CertificateFolder& certificates, const std::string& version)
        : TlsPair(certificates.server_settings(), client_of(certificates, version)) {
        REQUIRE(shake_hands());
        REQUIRE(server.session.facts().version == version);
    }

    static tls::ClientSettings client_of(const test::CertificateFolder& certificates,
                                         const std::string& version) {
        tls::ClientSettings settings = certificates.client_settings();
        settings.min_protocol_version = version;
        settings.max_protocol_version = version;
        return settings;
    }
};

// A text without repetitions.
std::string long_text(std::size_t size) {
    std::string text(size, '\0');
    std::uint32_t state = 1;
    for (char& c : text) {
        state = state * 1664525U + 1013904223U;
        c = static_cast<char>(state >> 24U);
    }
    return text;
}

const char* const both_versions[] = {"TLSv1.2", "TLSv1.3"};

} // namespace

TEST_CASE("a mebibyte goes through in one write, whole and unchanged") {
    const test::CertificateFolder certificates;
    for (const char* version : both_versions) {
        Talking pair(certificates, version);
        const std::string text = long_text(1 << 20);

        REQUIRE(pair.client.send(text) == Status::ok);
        test::deliver(pair.client, pair.server);
        const bool unchanged = pair.server.receive() == text;
        CHECK(unchanged);
        CHECK(pair.server.last_read == Status::want_read);
        CHECK(pair.server.arrived.empty());
        CHECK_FALSE(pair.server.session.holds_bytes());
    }
}

TEST_CASE("a write is cut into records of 16 KiB") {
    const test::CertificateFolder certificates;
    Talking pair(certificates, "TLSv1.3");
    constexpr std::size_t record_overhead = 5 + 1 + 16; // header, content type, tag

    REQUIRE(pair.client.send(long_text(65536)) == Status::ok);
    CHECK(pair.client.unsent.size() == 65536 + 4 * record_overhead);
}

TEST_CASE("data one byte at a time arrives whole") {
    const test::CertificateFolder certificates;
    for (const char* version : both_versions) {
        Talking pair(certificates, version);
        const std::string text = long_text(20000);
        REQUIRE(pair.client.send(text) == Status::ok);

        std::string received;
        for (const std::uint8_t byte : pair.client.unsent) {
            pair.server.arrived.push_back(byte);
            received += pair.server.receive();
            REQUIRE(pair.server.arrived.empty());
        }
        const bool unchanged = received == text;
        CHECK(unchanged);
    }
}

TEST_CASE("a session says whether it holds bytes, at every split of a record") {
    const test::CertificateFolder certificates;
    for (const char* version : both_versions) {
        Talking pair(certificates, version);
        REQUIRE(pair.client.send("twelve bytes") == Status::ok);
        const std::vector<std::uint8_t> record = std::exchange(pair.client.unsent, {});
        CHECK_FALSE(pair.server.session.holds_bytes());
        for (std::size_t i = 0; i + 1 < record.size(); ++i) {
            pair.server.arrived.push_back(record[i]);
            CHECK(pair.server.receive().empty());
            CHECK(pair.server.session.holds_bytes());
        }
        pair.server.arrived.push_back(record.back());
        CHECK(pair.server.receive() == "twelve bytes");
        CHECK_FALSE(pair.server.session.holds_bytes());
    }
}

TEST_CASE("a read into a small buffer says ok until nothing is left inside") {
    const test::CertificateFolder certificates;
    Talking pair(certificates, "TLSv1.3");
    REQUIRE(pair.client.send("0123456789") == Status::ok);
    test::deliver(pair.client, pair.server);

    std::array<std::uint8_t, 4> small{};
    const auto read = [&] {
        return pair.server.with_wire(
            [&](tls::Wire& wire) { return pair.server.session.read(small, wire); });
    };
    tls::ReadResult result = read();
    CHECK(result.status == Status::ok);
    CHECK(result.bytes == 4);
    CHECK(pair.server.session.holds_bytes());
    CHECK(read().status == Status::ok);
    result = read();
    CHECK(result.status == Status::want_read);
    CHECK(result.bytes == 2);
}

TEST_CASE("several records are read in one call") {
    const test::CertificateFolder certificates;
    Talking pair(certificates, "TLSv1.3");
    REQUIRE(pair.client.send("one ") == Status::ok);
    REQUIRE(pair.client.send("two ") == Status::ok);
    REQUIRE(pair.client.send("three") == Status::ok);
    test::deliver(pair.client, pair.server);

    std::array<std::uint8_t, 64> buffer{};
    const tls::ReadResult result = pair.server.with_wire(
        [&](tls::Wire& wire) { return pair.server.session.read(buffer, wire); });
    CHECK(result.bytes == std::string_view("one two three").size());
    CHECK(result.status == Status::want_read);
}

TEST_CASE("data in front of close_notify is delivered with it, and we may still write") {
    const test::CertificateFolder certificates;
    for (const char* version : both_versions) {
        Talking pair(certificates, version);
        REQUIRE(pair.client.send("last words") == Status::ok);
        pair.client.shut_down();
        test::deliver(pair.client, pair.server);

        CHECK(pair.server.receive() == "last words");
        CHECK(pair.server.last_read == Status::closed);
        CHECK(pair.server.receive().empty());
        CHECK(pair.server.last_read == Status::closed);

        REQUIRE(pair.server.send("goodbye") == Status::ok);
        test::deliver(pair.server, pair.client);
        CHECK(pair.client.receive() == "goodbye");
        CHECK(pair.client.last_read == Status::want_read);
    }
}

TEST_CASE("close_notify is said once, and then writing is over") {
    const test::CertificateFolder certificates;
    Talking pair(certificates, "TLSv1.3");
    pair.client.shut_down();
    const std::size_t size = pair.client.unsent.size();
    CHECK(size > 0);
    pair.client.shut_down();
    CHECK(pair.client.unsent.size() == size);

    CHECK(pair.client.send("too late") == Status::failed);
    CHECK(pair.client.unsent.size() == size);
    CHECK_FALSE(pair.client.session.error().empty());
}

TEST_CASE("an end of stream without close_notify is truncation, after the data before it") {
    const test::CertificateFolder certificates;
    for (const char* version : both_versions) {
        Talking pair(certificates, version);
        REQUIRE(pair.client.send("half a sent") == Status::ok);
        test::deliver(pair.client, pair.server);
        pair.server.end_of_stream = true;

        CHECK(pair.server.receive() == "half a sent");
        CHECK(pair.server.last_read == Status::truncated);
        CHECK(pair.server.session.failure() == Failure::end_of_stream);
        CHECK(pair.server.session.error() == "EOF detected");
        CHECK(pair.server.receive().empty());
        CHECK(pair.server.last_read == Status::truncated);
        CHECK(pair.server.send("anyone there?") == Status::failed);
        CHECK(test::error_queue_is_empty());
    }
}

TEST_CASE("an end of stream in the middle of a record is truncation, too") {
    const test::CertificateFolder certificates;
    Talking pair(certificates, "TLSv1.3");
    REQUIRE(pair.client.send("a record that is cut") == Status::ok);
    pair.client.unsent.pop_back();
    test::deliver(pair.client, pair.server);
    pair.server.end_of_stream = true;

    CHECK(pair.server.receive().empty());
    CHECK(pair.server.last_read == Status::truncated);
}

TEST_CASE("a record that was tampered with delivers nothing and ends the session") {
    const test::CertificateFolder certificates;
    for (const char* version : both_versions) {
        for (const std::size_t place : {std::size_t{8}, std::size_t{20}, std::size_t{34}}) {
            Talking pair(certificates, version);
            REQUIRE(pair.client.send("pay 10 to bob") == Status::ok);
            REQUIRE(place < pair.client.unsent.size());
            pair.client.unsent[place] ^= 1U;
            test::deliver(pair.client, pair.server);

            CHECK(pair.server.receive().empty());
            CHECK(pair.server.last_read == Status::failed);
            CHECK(pair.server.session.failure() == Failure::other);
            CHECK_FALSE(pair.server.session.error().empty());
            CHECK_FALSE(pair.server.unsent.empty()); // the alert for the peer
            CHECK(test::error_queue_is_empty());
        }
    }
}

TEST_CASE("records in front of a tampered one are still delivered") {
    const test::CertificateFolder certificates;
    Talking pair(certificates, "TLSv1.3");
    REQUIRE(pair.client.send("good") == Status::ok);
    REQUIRE(pair.client.send("bad") == Status::ok);
    pair.client.unsent.back() ^= 1U;
    test::deliver(pair.client, pair.server);

    CHECK(pair.server.receive() == "good");
    CHECK(pair.server.last_read == Status::failed);
}

TEST_CASE("reading or writing before the handshake is over fails") {
    const test::CertificateFolder certificates;
    test::TlsPair pair(certificates.server_settings(), certificates.client_settings());

    CHECK(pair.client.send("early") == Status::failed);
    CHECK(pair.client.unsent.empty());
    CHECK(pair.server.receive().empty());
    CHECK(pair.server.last_read == Status::failed);
}

// RFC 8446, section 4.6.3, allows the answer to wait until then, and OpenSSL does that.
TEST_CASE("a key update is answered in front of the next data") {
    const test::CertificateFolder certificates;
    test::Endpoint server(*tls::ServerContext::load(certificates.server_settings()));
    test::ForeignClientSettings settings;
    settings.lowest_version = "TLSv1.3";
    test::ForeignClient client(settings);
    REQUIRE(client.shake_hands(server));
    REQUIRE(server.send("data") == Status::ok);
    const std::size_t without_answer = server.unsent.size();
    CHECK(client.receive(server) == "data");

    client.send_key_update(server);
    CHECK(server.receive().empty());
    CHECK(server.last_read == Status::want_read);
    client.send("with new keys", server);
    CHECK(server.receive() == "with new keys");

    REQUIRE(server.send("data") == Status::ok);
    CHECK(server.unsent.size() > without_answer);
    CHECK(client.receive(server) == "data");
}

TEST_CASE("more key updates than a second may bring end the session, data between them or not") {
    const test::CertificateFolder certificates;
    test::Endpoint server(*tls::ServerContext::load(certificates.server_settings()));
    test::ForeignClientSettings settings;
    settings.lowest_version = "TLSv1.3";
    test::ForeignClient client(settings);
    REQUIRE(client.shake_hands(server));
    const bool with_data = GENERATE(false, true);
    CAPTURE(with_data);

    // A slow machine may need more than a second for the first hundred: twice the limit of a second
    // is enough on any that makes a hundred in a second.
    unsigned tolerated = 0;
    while (tolerated <= 2 * tls::no_progress_messages_per_second) {
        client.send_key_update(server);
        if (with_data) client.send("data", server);
        (void)server.receive();
        if (server.last_read == Status::failed) break;
        ++tolerated;
        REQUIRE(server.send("data") == Status::ok);
        (void)client.receive(server);
    }
    CHECK(tolerated >= tls::no_progress_messages_per_second);
    CHECK(server.last_read == Status::failed);
    CHECK(server.session.failure() == tls::Failure::flood);
    CHECK(server.session.error() == "too many key updates or renegotiations");
}

TEST_CASE("renegotiation is refused and the session lives on") {
    const test::CertificateFolder certificates;
    test::Endpoint server(*tls::ServerContext::load(certificates.server_settings()));
    test::ForeignClientSettings settings;
    settings.highest_version = "TLSv1.2";
    test::ForeignClient client(settings);
    REQUIRE(client.shake_hands(server));

    REQUIRE(client.ask_for_renegotiation(server));
    CHECK(server.receive().empty());
    CHECK(server.last_read == Status::want_read);
    CHECK_FALSE(server.unsent.empty());
    (void)client.receive(server);
    CHECK(client.received_alert() == 100); // no_renegotiation
    CHECK(test::error_queue_is_empty());
}

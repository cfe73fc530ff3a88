// ClientHelloReader: either finds what a client offers or reports a malformed hello; nothing in
// between.
#include "protocol/limits.h"
#include "tests/support/tls_hello_builders.h"
#include "tests/support/tls_hello_checks.h"

#include <string>
#include <vector>

namespace pgmoat::tests {
namespace {

using CodePoints = std::vector<std::uint16_t>;
using Names = std::vector<std::string>;

TEST_CASE("a ClientHello tells name, protocols, versions, suites and groups") {
    const ClientHelloRun run = client_hello_every_way(client_hello_with(
        server_name("db.example.com") + alpn({"postgresql", "h2"}) + supported_groups({29, 23}) +
        supported_versions({0x0304, 0x0303}) + extension(13, counted16(code_points({0x0403})))));
    CHECK(run.progress == HelloProgress::done);
    CHECK(run.complaint.empty());
    CHECK(run.facts.server_name == "db.example.com");
    CHECK(run.facts.alpn == Names{"postgresql", "h2"});
    CHECK(run.facts.versions == CodePoints{0x0304, 0x0303});
    CHECK(run.facts.cipher_suites == CodePoints{0x1302, 0x1303, 0x1301, 0xc030});
    CHECK(run.facts.groups == CodePoints{29, 23});
}

TEST_CASE("a ClientHello may be cut into records at any byte") {
    const Bytes extensions = server_name("db.example.com") + supported_versions({0x0304});
    const Bytes hello = ClientHelloBuilder{.extensions = extensions}.message();
    const ClientHelloRun in_one = read_client_hello({in_records(hello)});
    REQUIRE(in_one.progress == HelloProgress::done);
    for (std::size_t size = 1; size < hello.size(); ++size) {
        const Bytes stream = in_records_of(size, hello);
        CHECK(read_client_hello({stream}) == in_one);
        CHECK(read_client_hello(in_pieces_of(1, stream)) == in_one);
    }
}

TEST_CASE("the beginning of a ClientHello asks for more and has no facts") {
    const Bytes stream = client_hello_with(server_name("db.example.com"));
    for (std::size_t end = 0; end < stream.size(); ++end) {
        const ClientHelloRun run = read_client_hello({ByteView{stream}.first(end)});
        CHECK(run.progress == HelloProgress::need_more);
        CHECK(run.facts == protocol::ClientHelloFacts{});
    }
}

TEST_CASE("what follows the ClientHello does not matter") {
    const Bytes hello = client_hello_with(server_name("db.example.com"));
    const ClientHelloRun run = client_hello_every_way(hello + bytes_of("anything at all"));
    CHECK(run == read_client_hello({hello}));
}

TEST_CASE("without supported_versions the old field tells the version, at most TLS 1.2") {
    struct Case {
        std::uint16_t sent;
        std::uint16_t meant;
    };
    for (const auto& [sent, meant] : {Case{0x0301, 0x0301},
                                      Case{0x0302, 0x0302},
                                      Case{0x0303, 0x0303},
                                      Case{0x0304, 0x0303},
                                      Case{0x03ff, 0x0303}}) {
        const ClientHelloRun run =
            read_client_hello({in_records(ClientHelloBuilder{.legacy_version = sent}.message())});
        CHECK(run.progress == HelloProgress::done);
        CHECK(run.facts.versions == CodePoints{meant});
    }
}

TEST_CASE("a hello without extensions is one") {
    const ClientHelloRun run = client_hello_every_way(in_records(
        ClientHelloBuilder{.legacy_version = 0x0301, .session_id = {}, .extensions_block = false}
            .message()));
    CHECK(run.progress == HelloProgress::done);
    CHECK(run.facts.server_name.empty());
    CHECK(run.facts.versions == CodePoints{0x0301});
}

TEST_CASE("a name is lower-cased") {
    const ClientHelloRun run =
        read_client_hello({client_hello_with(server_name("DB.Example.COM"))});
    CHECK(run.facts.server_name == "db.example.com");
}

TEST_CASE("GREASE offers nothing") {
    ClientHelloBuilder hello;
    hello.cipher_suites = code_points({0x0a0a, 0x1301, 0xfafa});
    hello.extensions = extension(0x2a2a, {}) + supported_groups({0x4a4a, 29}) +
                       supported_versions({0x7a7a, 0x0304}) + extension(0xdada, {0});
    const ClientHelloRun run = read_client_hello({in_records(hello.message())});
    CHECK(run.progress == HelloProgress::done);
    CHECK(run.facts.cipher_suites == CodePoints{0x1301});
    CHECK(run.facts.groups == CodePoints{29});
    CHECK(run.facts.versions == CodePoints{0x0304});
}

TEST_CASE("only the pairs of equal bytes are GREASE") {
    const CodePoints not_grease = {0x0a1a, 0x1301, 0x0a0b, 0x1a0a};
    const ClientHelloRun run = read_client_hello(
        {in_records(ClientHelloBuilder{.cipher_suites = code_points(not_grease)}.message())});
    CHECK(run.facts.cipher_suites == not_grease);
}

TEST_CASE("a hello with a post-quantum key share of a kilobyte is an ordinary one") {
    const Bytes share = uint16(0x11ec) + counted16(Bytes(1'216, 0x77));
    const Bytes stream =
        client_hello_with(server_name("db.example.com") + extension(51, counted16(share)) +
                          supported_groups({0x11ec, 29}));
    const ClientHelloRun run = read_client_hello(in_pieces_of(1'400, stream));
    CHECK(run.progress == HelloProgress::done);
    CHECK(run.facts.groups == CodePoints{0x11ec, 29});
    CHECK(run.facts.server_name == "db.example.com");
}

} // namespace
} // namespace pgmoat::tests

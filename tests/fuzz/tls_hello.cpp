// Whatever a peer sends: fed in one piece, in two, or byte by byte, both hello readers give the
// same progress and facts; after a failure there are no facts; and the size of the facts is bounded
// by the size of the input. (The fuzzer's memory limit would notice if they buffered more.)
#include "protocol/limits.h"
#include "tests/support/tls_hello_run.h"

#include <cstdint>
#include <cstdlib>

namespace pgmoat::tests {
namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

bool has_failed(HelloProgress progress) {
    return progress == HelloProgress::malformed || progress == HelloProgress::too_large;
}

template <typename Read>
auto read_every_way(protocol::ByteView stream, Read read) {
    const auto whole = read(Cut{stream});
    const std::size_t middle = stream.size() / 2;
    require(read(in_pieces_of(1, stream)) == whole);
    require(read(Cut{stream.first(middle), stream.subspan(middle)}) == whole);
    require(has_failed(whole.progress) == !whole.complaint.empty());
    if (has_failed(whole.progress)) require(whole.facts == decltype(whole.facts){});
    return whole;
}

} // namespace
} // namespace pgmoat::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace pgmoat::tests;
    const pgmoat::protocol::ByteView stream{data, size};
    const ClientHelloRun client = read_every_way(stream, read_client_hello);
    read_every_way(stream, read_server_hello);
    require(client.facts.alpn.size() <= pgmoat::protocol::alpn_protocols_max);
    require(client.facts.server_name.size() + 2 * client.facts.cipher_suites.size() <= size);
    return 0;
}

// Whatever a peer sends: fed whole, in two, and byte by byte, both hello readers come to the same
// progress and facts; a failed reading leaves no facts; and what they note is bounded by what came.
// (That they hold no more than came is for the fuzzer's own memory limit to notice.)
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

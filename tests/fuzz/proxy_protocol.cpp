// Whatever a peer sends: fed in one piece, in two, or byte by byte, the reader consumes the same
// bytes and finds the same header; it never consumes more than its limit or bytes after the header;
// and a header with an address, written by our writer, is read as the same header again.
#include "protocol/limits.h"
#include "protocol/proxy_protocol_writer.h"
#include "tests/support/proxy_headers.h"

#include <cstdint>
#include <cstdlib>

namespace pgmoat::tests {
namespace {

using Progress = protocol::ProxyHeaderReader::Progress;

void require(bool holds) {
    if (!holds) std::abort();
}

void check(ByteView stream) {
    const auto whole = read_proxy_header({stream});
    const std::size_t middle = stream.size() / 2;
    require(read_proxy_header(in_pieces_of(1, stream)) == whole);
    require(read_proxy_header({stream.first(middle), stream.subspan(middle)}) == whole);
    require(whole.taken <= protocol::proxy_header_bytes_max);
    require((whole.progress == Progress::malformed) == !whole.complaint.empty());
    if (whole.progress != Progress::complete)
        return require(whole.header == protocol::ProxyHeader{});

    require(read_proxy_header({stream.first(whole.taken)}) == whole);
    if (!whole.header.has_address()) return;
    auto expected = whole.header;
    expected.version = 2;
    require(read_proxy_header({protocol::write_proxy_binary(expected)}).header == expected);
}

} // namespace
} // namespace pgmoat::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    pgmoat::tests::check({data, size});
    return 0;
}

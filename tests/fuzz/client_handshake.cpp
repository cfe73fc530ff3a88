// Invariant: whatever a client sends, in one piece or byte by byte, the outcome is the same, is on
// the closed list, and comes after the same bytes read and written. No conversation takes more than
// three packets, and nothing larger than a startup packet is buffered or written.
#include "protocol/client_handshake.h"

#include "protocol/limits.h"
#include "tests/support/handshake_script_driver.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace pgmoat;

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // Two bytes choose the settings and where TLS begins; the rest is what the client sends.
    if (size < 2) return 0;
    const bool tls_possible = (data[0] & 1) != 0;
    const bool alpn = (data[0] & 2) != 0;
    const bool early_bytes = (data[0] & 4) != 0;
    const protocol::ByteView stream(data + 2, size - 2);
    const auto in_clear = stream.first(std::min<std::size_t>(data[1], stream.size()));
    const auto in_tls = stream.subspan(in_clear.size());

    const protocol::ClientHandshake machine(tls_possible);
    const auto whole = tests::drive(
        machine, {tests::in_one_piece(in_clear), tests::in_one_piece(in_tls), alpn, early_bytes});
    const auto bytewise = tests::drive(
        machine, {tests::byte_by_byte(in_clear), tests::byte_by_byte(in_tls), alpn, early_bytes});

    demand(whole == bytewise);
    demand(whole.outcome.end != "outside the closed list");
    demand(whole.turns <= 1 + 3 * 4);
    demand(whole.outcome.bytes.size() <= std::size_t{protocol::startup_length_max} + 200);
    demand(whole.written.size() <= 2);
    return 0;
}

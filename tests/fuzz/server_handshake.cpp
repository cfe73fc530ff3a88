// Invariant: whatever a server answers, in one piece or byte by byte, the outcome is the same and
// on the closed list. At most one byte is ever read in plaintext, and if TLS is required the
// attempt never succeeds in plaintext.
#include "protocol/server_handshake.h"

#include "tests/support/handshake_script_driver.h"

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
    // One byte chooses the attempt and the settings; the rest is what the server sends.
    if (size < 1) return 0;
    const auto attempt = static_cast<protocol::Attempt>(data[0] & 3);
    const bool alpn = (data[0] & 4) != 0;
    const bool early_bytes = (data[0] & 8) != 0;
    const protocol::ByteView stream(data + 1, size - 1);

    const protocol::ServerHandshake machine(attempt);
    const auto whole = tests::drive(machine, {tests::in_one_piece(stream), {}, alpn, early_bytes});
    const auto bytewise =
        tests::drive(machine, {tests::byte_by_byte(stream), {}, alpn, early_bytes});

    demand(whole == bytewise);
    demand(whole.outcome.end != "outside the closed list");
    demand(whole.read_in_clear <= 1 && whole.read_in_tls == 0);
    const bool may_stay_in_the_clear =
        attempt == protocol::Attempt::plain || attempt == protocol::Attempt::tls_if_offered;
    demand(may_stay_in_the_clear || whole.outcome != tests::ready_in_the_clear());
    return 0;
}

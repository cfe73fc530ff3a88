// Whatever a server sends in a SCRAM exchange: a challenge is refused with a reason or is within
// the bounds of limits.h, and no signature is accepted as the server's. The input is two messages,
// separated by its first byte 0xff; our nonce is inserted after "r=" at the start of the first, so
// that the checks after it are reached.
#include "protocol/limits.h"
#include "protocol/scram_client.h"
#include "proxy/config/scram_digests.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace pgmoat;
using namespace pgmoat::protocol;

void require(bool holds) {
    if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(data, size);
    const auto end = std::ranges::find(input, std::uint8_t{0xff});
    std::string challenge(input.begin(), end);
    const auto last = input.subspan(std::min(challenge.size() + 1, size));
    if (challenge.starts_with("r=")) challenge.insert(2, "ours");

    ScramClient scram(config::scram_digests(), "ours", ScramBinding::to_end_point(Bytes(32, 1)));
    const std::string complaint = scram.take_challenge(
        {reinterpret_cast<const std::uint8_t*>(challenge.data()), challenge.size()});
    require(!scram.is_signed(last, ScramDigest{7}));
    if (!complaint.empty()) return 0;
    require(challenge.size() <= scram_server_message_bytes_max);
    require(!scram.salt().empty() && scram.salt().size() <= scram_salt_bytes_max);
    require(scram.iterations() >= 1 && scram.iterations() <= scram_iterations_max);
    require(scram.prove_nothing({}).size() <= scram_message_bytes_max);
    return 0;
}

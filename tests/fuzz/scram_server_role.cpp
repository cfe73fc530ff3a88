// Whatever a client sends in a SCRAM exchange: it is never let in without the key, the same input
// gives the same answers, and a fault always has a SQLSTATE and a text without control characters.
// The input is two messages, separated by its first byte 0xff.
#include "protocol/scram_server.h"
#include "proxy/config/scram_digests.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>

namespace {

using namespace pgmoat;
using namespace pgmoat::protocol;

void require(bool holds) {
    if (!holds) std::abort();
}

void check_fault(const ScramFault& fault) {
    require(fault.sqlstate.size() == 5);
    require(!fault.message.empty());
    for (const std::string* text : {&fault.message, &fault.detail})
        require(std::ranges::all_of(*text, [](char c) { return c >= 0x20 && c <= 0x7e; }));
}

std::optional<ScramFault> play(ByteView first, ByteView last, bool bound) {
    ScramServer scram(config::scram_digests(), "nonce", Bytes(bound ? 32 : 0, 1));
    if (auto fault = scram.begin(bound ? scram_plus_mechanism : scram_mechanism)) return fault;
    if (auto fault = scram.take_first(first)) return fault;
    (void)scram.challenge(Bytes(16, 's'), 4096);
    if (auto fault = scram.take_final(last)) return fault;
    ScramDigest key{};
    require(!scram.proves(ScramDigest{7}, key)); // nobody knows a preimage
    return std::nullopt;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(data, size);
    const auto end = std::ranges::find(input, std::uint8_t{0xff});
    const auto first = input.first(static_cast<std::size_t>(end - input.begin()));
    const auto last = input.subspan(std::min(first.size() + 1, size));
    for (const bool bound : {false, true}) {
        const auto fault = play(first, last, bound);
        require(fault == play(first, last, bound));
        if (fault) check_fault(*fault);
    }
    return 0;
}

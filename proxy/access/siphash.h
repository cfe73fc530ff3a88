// SipHash-2-4 (Aumasson, Bernstein, 2012): a keyed hash for which nobody can prepare collisions
// without the key. For address_table, whose keys clients can choose. Pure.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace pgmoat::access {

using SipKey = std::array<std::uint64_t, 2>;

namespace siphash_detail {

struct State {
    std::uint64_t v0, v1, v2, v3;

    void round() noexcept {
        v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
        v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
    }

    void absorb(std::uint64_t word) noexcept {
        v3 ^= word;
        round(), round();
        v0 ^= word;
    }
};

} // namespace siphash_detail

[[nodiscard]] inline std::uint64_t siphash(const SipKey& key,
                                           std::span<const std::uint8_t> bytes) noexcept {
    siphash_detail::State state{key[0] ^ 0x736f6d6570736575,
                                key[1] ^ 0x646f72616e646f6d,
                                key[0] ^ 0x6c7967656e657261,
                                key[1] ^ 0x7465646279746573};
    std::uint64_t last = std::uint64_t{bytes.size()} << 56;
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        word |= std::uint64_t{bytes[i]} << (8 * (i % 8));
        if (i % 8 == 7) state.absorb(word), word = 0;
    }
    last |= word;
    state.absorb(last);
    state.v2 ^= 0xff;
    for (int i = 0; i < 4; ++i)
        state.round();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

} // namespace pgmoat::access

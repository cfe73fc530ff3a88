// What a SCRAM exchange computes with, as a table of functions: OpenSSL is unknown in protocol/, so
// the caller brings it (proxy/config/scram_digests). Wiped holds a key, a proof or a text that
// others could compute one from, and overwrites it when the holder goes, on each path.
#pragma once

#include "protocol/bytes.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace pgmoat::protocol {

using ScramDigest = std::array<std::uint8_t, 32>; // SHA-256

struct ScramDigests {
    ScramDigest (*sha256)(ByteView bytes);
    ScramDigest (*hmac_sha256)(ByteView key, ByteView bytes);
    bool (*equal)(ByteView left, ByteView right); // in constant time
    void (*wipe)(std::span<std::uint8_t> bytes);  // is never optimized away
};

template <typename Held>
class Wiped {
  public:
    explicit Wiped(const ScramDigests& digests) : digests_(&digests) {}
    Wiped(const ScramDigests& digests, Held first) : digests_(&digests), held_(std::move(first)) {}
    ~Wiped() { wipe(); }
    Wiped(const Wiped&) = delete;
    Wiped& operator=(const Wiped&) = delete;

    [[nodiscard]] Held& operator*() noexcept { return held_; }
    [[nodiscard]] const Held& operator*() const noexcept { return held_; }
    [[nodiscard]] Held* operator->() noexcept { return &held_; }
    [[nodiscard]] const Held* operator->() const noexcept { return &held_; }

    void wipe() noexcept {
        digests_->wipe({reinterpret_cast<std::uint8_t*>(held_.data()), held_.size()});
    }

  private:
    const ScramDigests* digests_;
    Held held_{};
};

using WipedText = Wiped<std::string>;
using WipedDigest = Wiped<ScramDigest>;

// One of the two ends of the formula ClientProof = ClientKey XOR ClientSignature gives the other.
// Into the caller's place, which it wipes: what is returned by value leaves a copy on the stack.
inline void exclusive_or(const ScramDigest& left, ByteView right, ScramDigest& result) noexcept {
    for (std::size_t i = 0; i < result.size() && i < right.size(); ++i)
        result[i] = static_cast<std::uint8_t>(left[i] ^ right[i]);
}

} // namespace pgmoat::protocol

// The functions that a SCRAM exchange computes with, as a table: protocol/ may not use OpenSSL, so
// the caller supplies them (proxy/config/scram_digests). Wiped holds a key, a proof, or a text from
// which one could be computed, and overwrites it in its destructor.
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
    void (*wipe)(std::span<std::uint8_t> bytes);  // the compiler must not remove it
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
// The result is written into the caller's variable, which the caller wipes: returning it by value
// would leave a copy on the stack.
inline void exclusive_or(const ScramDigest& left, ByteView right, ScramDigest& result) noexcept {
    for (std::size_t i = 0; i < result.size() && i < right.size(); ++i)
        result[i] = static_cast<std::uint8_t>(left[i] ^ right[i]);
}

} // namespace pgmoat::protocol

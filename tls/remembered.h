// Texts that were verified once, so that a slow check need not be repeated: kept as digests with a
// random key, never as they were. Compares in constant time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace pgmoat::tls {

class Remembered {
  public:
    // Of several the last `count_max` are kept. Throws Error when there is no randomness to be had.
    explicit Remembered(std::size_t count_max);

    void add(std::string_view text);
    [[nodiscard]] bool has(std::string_view text) const;

  private:
    using Digest = std::array<std::uint8_t, 32>;
    [[nodiscard]] bool digest(std::string_view text, Digest& out) const;

    std::size_t count_max_;
    Digest key_{};
    std::vector<Digest> digests_;
};

} // namespace pgmoat::tls

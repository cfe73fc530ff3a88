// Remembers texts (passwords) that were verified once, so that the slow check need not be repeated.
// Keeps only digests made with a random key, and compares them in constant time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace pgmoat::tls {

class Remembered {
  public:
    // Keeps the last `count_max` texts. Throws Error if there is no randomness.
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

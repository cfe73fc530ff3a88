// A cursor over big-endian fields that cannot read past the end. After the first incomplete field
// every read returns zero or nothing, so a parser can read on and check once, at the end, whether
// everything was there. For the parsers of protocol/.
#pragma once

#include "protocol/bytes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pgmoat::protocol {

class WireReader {
  public:
    explicit WireReader(ByteView bytes) noexcept : bytes_(bytes) {}

    [[nodiscard]] bool at_end() const noexcept { return bytes_.empty(); }
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    // Every field was there and no byte is left over.
    [[nodiscard]] bool complete() const noexcept { return !failed_ && bytes_.empty(); }

    // The bytes that have not been read yet. Empty after a failure.
    [[nodiscard]] ByteView rest() const noexcept { return bytes_; }

    std::uint8_t uint8() noexcept { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t uint16() noexcept { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t uint24() noexcept { return number(3); }
    std::uint32_t uint32() noexcept { return number(4); }

    ByteView take(std::size_t count) noexcept {
        if (count > bytes_.size()) {
            fail();
            return {};
        }
        const ByteView taken = bytes_.first(count);
        bytes_ = bytes_.subspan(count);
        return taken;
    }

    // TLS vectors: the bytes after a length of one or two bytes.
    ByteView counted8() noexcept { return take(uint8()); }
    ByteView counted16() noexcept { return take(uint16()); }

    // A C string as PostgreSQL sends it: returned without its NUL, which must be there.
    std::string_view c_string() noexcept {
        const auto nul = std::find(bytes_.begin(), bytes_.end(), std::uint8_t{0});
        if (nul == bytes_.end()) {
            fail();
            return {};
        }
        const std::string_view text = as_text(take(static_cast<std::size_t>(nul - bytes_.begin())));
        take(1);
        return text;
    }

  private:
    std::uint32_t number(std::size_t size) noexcept {
        std::uint32_t value = 0;
        for (const std::uint8_t byte : take(size))
            value = (value << 8) | byte;
        return value;
    }

    void fail() noexcept {
        failed_ = true;
        bytes_ = {};
    }

    ByteView bytes_;
    bool failed_ = false;
};

} // namespace pgmoat::protocol

// Typed messages, that is all messages after the startup packet: one type byte, then an int32
// length that counts itself but not the type, then the body. A FrameWalker follows a stream of them
// from header to header however the stream is cut. It holds at most one header, never a body, and
// allocates nothing: cheap enough to count every message of a relayed connection. Source:
// PostgreSQL protocol, "Message Formats".
#pragma once

#include "protocol/bytes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace pgmoat::protocol {

inline constexpr std::size_t frame_header_bytes = 5;
inline constexpr std::uint32_t frame_length_min = 4; // the length word alone

struct FrameHeader {
    std::uint8_t type = 0;
    std::uint32_t length = 0; // as on the wire: body and length word

    [[nodiscard]] std::uint32_t body_bytes() const noexcept { return length - frame_length_min; }
    [[nodiscard]] std::array<std::uint8_t, frame_header_bytes> encoded() const noexcept;
};

class FrameWalker {
  public:
    explicit FrameWalker(std::uint32_t length_max) noexcept : length_max_(length_max) {}

    // Skips the rest of the current body and reads the next header, removing both from the front of
    // `bytes`. Nothing: `bytes` ended before that, or the walker is broken.
    [[nodiscard]] std::optional<FrameHeader> next(ByteView& bytes) noexcept;

    // Takes as much of the current body as `bytes` contains, up to `at_most`, off its front.
    [[nodiscard]] ByteView take_body(ByteView& bytes, std::size_t at_most = SIZE_MAX) noexcept;
    // How much of the current body was neither skipped nor taken.
    [[nodiscard]] std::uint32_t body_left() const noexcept { return body_left_; }

    // After a header of this type: skips its body and all further messages of the same type that
    // are complete in `bytes`, and returns the number of the latter. For rows, which come by the
    // thousand.
    [[nodiscard]] std::uint64_t skip_alike(ByteView& bytes, std::uint8_t type) noexcept;
    // Accounts for `count` bytes that were relayed without being seen here. True: they belonged to
    // the current body, so the next header can still be found.
    [[nodiscard]] bool skip_unseen(std::size_t count) noexcept;

    // The walker's position in its stream, so that another one can continue there.
    struct State {
        std::uint32_t body_left = 0;
        std::array<std::uint8_t, frame_header_bytes> header{};
        std::uint8_t header_filled = 0;
        bool broken = false;
        bool operator==(const State&) const = default;
    };
    [[nodiscard]] State state() const noexcept {
        return {body_left_, header_, header_filled_, broken_};
    }
    // False: not a valid position; nothing has changed.
    [[nodiscard]] bool go_on_from(const State& state) noexcept;

    // A length was out of bounds: from there on no header can be found.
    [[nodiscard]] bool broken() const noexcept { return broken_; }
    // The stream may end here: no header or body is partly read.
    [[nodiscard]] bool between_frames() const noexcept {
        return header_filled_ == 0 && body_left_ == 0 && !broken_;
    }

  private:
    [[nodiscard]] std::optional<FrameHeader> begin(const FrameHeader& header) noexcept;
    [[nodiscard]] bool is_acceptable(const FrameHeader& header) const noexcept;

    std::uint32_t length_max_;
    std::uint32_t body_left_ = 0;
    std::array<std::uint8_t, frame_header_bytes> header_{};
    std::uint8_t header_filled_ = 0;
    bool broken_ = false;
};

} // namespace pgmoat::protocol

#include "protocol/frames.h"

#include <algorithm>

namespace pgmoat::protocol {

namespace {

// `bytes` holds a complete header.
FrameHeader read_header(ByteView bytes) noexcept {
    return {bytes[0],
            std::uint32_t{bytes[1]} << 24 | std::uint32_t{bytes[2]} << 16 |
                std::uint32_t{bytes[3]} << 8 | std::uint32_t{bytes[4]}};
}

} // namespace

std::array<std::uint8_t, frame_header_bytes> FrameHeader::encoded() const noexcept {
    return {type,
            static_cast<std::uint8_t>(length >> 24),
            static_cast<std::uint8_t>(length >> 16),
            static_cast<std::uint8_t>(length >> 8),
            static_cast<std::uint8_t>(length)};
}

std::optional<FrameHeader> FrameWalker::next(ByteView& bytes) noexcept {
    if (broken_) return std::nullopt;
    static_cast<void>(take_body(bytes));
    if (header_filled_ == 0 && bytes.size() >= frame_header_bytes) {
        const FrameHeader header = read_header(bytes);
        bytes = bytes.subspan(frame_header_bytes);
        return begin(header);
    }

    const std::size_t taken = std::min(frame_header_bytes - header_filled_, bytes.size());
    std::copy_n(bytes.begin(), taken, header_.begin() + header_filled_);
    bytes = bytes.subspan(taken);
    header_filled_ = static_cast<std::uint8_t>(header_filled_ + taken);
    if (header_filled_ < frame_header_bytes) return std::nullopt;

    header_filled_ = 0;
    return begin(read_header(header_));
}

std::optional<FrameHeader> FrameWalker::begin(const FrameHeader& header) noexcept {
    if (!is_acceptable(header)) {
        broken_ = true;
        return std::nullopt;
    }
    body_left_ = header.body_bytes();
    return header;
}

bool FrameWalker::is_acceptable(const FrameHeader& header) const noexcept {
    return header.length >= frame_length_min && header.length <= length_max_;
}

std::uint64_t FrameWalker::skip_alike(ByteView& bytes, std::uint8_t type) noexcept {
    static_cast<void>(take_body(bytes));
    std::uint64_t skipped = 0;
    while (body_left_ == 0 && bytes.size() >= frame_header_bytes) {
        const FrameHeader header = read_header(bytes);
        const std::size_t whole = std::size_t{header.length} + 1;
        if (header.type != type || !is_acceptable(header) || whole > bytes.size()) break;
        bytes = bytes.subspan(whole);
        ++skipped;
    }
    return skipped;
}

bool FrameWalker::skip_unseen(std::size_t count) noexcept {
    if (count > body_left_) return false;
    body_left_ -= static_cast<std::uint32_t>(count);
    return true;
}

bool FrameWalker::go_on_from(const State& state) noexcept {
    const bool in_two_places = state.body_left > 0 && state.header_filled > 0;
    if (state.header_filled >= frame_header_bytes || in_two_places) return false;
    if (state.body_left > length_max_ - frame_length_min) return false;
    body_left_ = state.body_left;
    header_ = state.header;
    header_filled_ = state.header_filled;
    broken_ = state.broken;
    return true;
}

ByteView FrameWalker::take_body(ByteView& bytes, std::size_t at_most) noexcept {
    const std::size_t taken = std::min({std::size_t{body_left_}, bytes.size(), at_most});
    const ByteView body = bytes.first(taken);
    bytes = bytes.subspan(taken);
    body_left_ -= static_cast<std::uint32_t>(taken);
    return body;
}

} // namespace pgmoat::protocol

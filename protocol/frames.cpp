#include "protocol/frames.h"

#include "protocol/wire_reader.h"

#include <algorithm>

namespace pgmoat::protocol {

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

    const std::size_t taken = std::min(frame_header_bytes - header_filled_, bytes.size());
    std::copy_n(bytes.begin(), taken, header_.begin() + header_filled_);
    bytes = bytes.subspan(taken);
    header_filled_ = static_cast<std::uint8_t>(header_filled_ + taken);
    if (header_filled_ < frame_header_bytes) return std::nullopt;

    header_filled_ = 0;
    WireReader reader{header_};
    FrameHeader header;
    header.type = reader.uint8();
    header.length = reader.uint32();
    if (header.length < frame_length_min || header.length > length_max_) {
        broken_ = true;
        return std::nullopt;
    }
    body_left_ = header.body_bytes();
    return header;
}

ByteView FrameWalker::take_body(ByteView& bytes, std::size_t at_most) noexcept {
    const std::size_t taken = std::min({std::size_t{body_left_}, bytes.size(), at_most});
    const ByteView body = bytes.first(taken);
    bytes = bytes.subspan(taken);
    body_left_ -= static_cast<std::uint32_t>(taken);
    return body;
}

} // namespace pgmoat::protocol

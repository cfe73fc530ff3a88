#include "protocol/message_buffer.h"

#include "protocol/frames.h"
#include "protocol/messages.h"

#include <algorithm>

namespace pgmoat::protocol {
namespace {

constexpr std::uint32_t first_room =
    4096; // a login's messages never move: moving would leave copies

} // namespace

MessageBuffer::MessageBuffer(std::uint32_t length_max) : length_max_(length_max) {
    bytes_.reserve(std::min(length_max, first_room));
}

// Through volatile: the compiler may remove plain writes to memory that is about to be freed.
MessageBuffer::~MessageBuffer() {
    bytes_.resize(bytes_.capacity());
    for (volatile std::uint8_t& byte : bytes_)
        byte = 0;
}

void MessageBuffer::feed(ByteView bytes) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

std::optional<Message> MessageBuffer::next() {
    const ByteView rest = ByteView(bytes_).subspan(taken_);
    if (broken_ || rest.size() < frame_header_bytes) return std::nullopt;
    const std::uint32_t length = read_uint32(rest.subspan(1, 4));
    if (length < frame_length_min || length > length_max_) {
        broken_ = true;
        return std::nullopt;
    }
    if (rest.size() < 1 + std::size_t{length}) return std::nullopt;
    taken_ += 1 + std::size_t{length};
    return Message{rest[0], rest.subspan(frame_header_bytes, length - frame_length_min)};
}

} // namespace pgmoat::protocol

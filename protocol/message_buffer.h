// Collects whole typed messages from a stream that may be cut anywhere. For the console, which
// plays a server; the relay reads headers only. Holds what was fed and not yet taken. The length of
// a message is checked before its body is awaited. Wipes its memory when destroyed, as the messages
// may be of a login.
#pragma once

#include "protocol/bytes.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace pgmoat::protocol {

struct Message {
    std::uint8_t type = 0;
    ByteView body; // valid until the next feed() or next()
};

class MessageBuffer {
  public:
    // `length_max`: for the length word, which counts itself.
    explicit MessageBuffer(std::uint32_t length_max);
    ~MessageBuffer();
    MessageBuffer(const MessageBuffer&) = delete;
    MessageBuffer& operator=(const MessageBuffer&) = delete;

    void feed(ByteView bytes);
    // Nothing: the next message is incomplete, or the stream is broken.
    [[nodiscard]] std::optional<Message> next();
    // A length was out of bounds: from there on no message can be found.
    [[nodiscard]] bool broken() const noexcept { return broken_; }

  private:
    std::uint32_t length_max_;
    Bytes bytes_;
    std::size_t taken_ = 0;
    bool broken_ = false;
};

} // namespace pgmoat::protocol

// Collects whole typed messages from a stream that is cut anywhere: for the console, which plays a
// server and answers them, not for the relay, which looks at headers only. Holds what was fed and not yet
// taken, and the length of a message is bounded before its body is waited for. Overwrites its room
// when it goes: the messages may be of a login.
#pragma once

#include "protocol/bytes.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace pgmoat::protocol {

struct Message {
    std::uint8_t type = 0;
    ByteView body; // valid until the buffer is fed or asked again
};

class MessageBuffer {
  public:
    // `length_max`: of the length word, which counts itself.
    explicit MessageBuffer(std::uint32_t length_max);
    ~MessageBuffer();
    MessageBuffer(const MessageBuffer&) = delete;
    MessageBuffer& operator=(const MessageBuffer&) = delete;

    void feed(ByteView bytes);
    // Nothing: the next message is not complete, or the stream is broken.
    [[nodiscard]] std::optional<Message> next();
    // A length was out of bounds: where the next message begins is not known, now or ever.
    [[nodiscard]] bool broken() const noexcept { return broken_; }

  private:
    std::uint32_t length_max_;
    Bytes bytes_;
    std::size_t taken_ = 0;
    bool broken_ = false;
};

} // namespace pgmoat::protocol

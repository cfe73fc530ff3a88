// The pair of sockets over which live sessions go from an old process to the new one that took its
// place. Each message is one packet, so that none is ever half there:
//
//   new -> old    "pgmoat sessions 1\n"  once, before it says that it is ready: the format it reads
//   old -> new    's' number session     with both sockets of the session beside it
//   new -> old    'y' number             it has the session: the old one must not touch it any more
//   new -> old    'n' number             it does not take it: the old one goes on with it
//
// The new process does not touch a session's sockets before its 'y' is sent. The old one touches them
// again only when it cannot come any more: after close_answers() nothing can be sent to it, and what
// was sent before has been read. So each session goes on in exactly one process, or ends with the one
// that has it.
#pragma once

#include "protocol/bytes.h"
#include "proxy/descriptor.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace pgmoat::server {

// With the version of moved_session.h: a change of that format is another number here.
inline constexpr std::string_view sessions_hello = "pgmoat sessions 1\n";

struct ChannelPair {
    Descriptor ours;
    Descriptor successors;
};
// Empty when it could not be had.
[[nodiscard]] ChannelPair open_session_channel() noexcept;

enum class Transfer {
    done,
    not_now,
    garbage, // a message that nobody of ours sends
    failed,  // the other process has gone
};

// --- the old process ----------------------------------------------------------------------------

// The new process has said that it reads our format. Does not wait.
[[nodiscard]] bool has_hello(const Descriptor& channel) noexcept;
[[nodiscard]] Transfer send_session(const Descriptor& channel,
                                    std::uint32_t number,
                                    protocol::ByteView session,
                                    std::array<int, 2> sockets);

struct Answer {
    std::uint32_t number = 0;
    bool taken = false;
};
// `answer` is set when it is done.
[[nodiscard]] Transfer receive_answer(const Descriptor& channel, Answer& answer) noexcept;
// From here on none can be sent; those that were can still be received, to the last.
void close_answers(const Descriptor& channel) noexcept;

// --- the new process ----------------------------------------------------------------------------

[[nodiscard]] bool send_hello(const Descriptor& channel) noexcept;

struct ArrivedSession {
    std::uint32_t number = 0;
    protocol::ByteView session; // in the buffer
    Descriptor client;          // both, or none: they did not arrive
    Descriptor server;
};
[[nodiscard]] Transfer receive_session(const Descriptor& channel,
                                       std::vector<std::uint8_t>& buffer,
                                       ArrivedSession& arrived) noexcept;
[[nodiscard]] bool send_answer(const Descriptor& channel, Answer answer) noexcept;

} // namespace pgmoat::server

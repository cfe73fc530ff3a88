// The socket pair over which live sessions move from the old process to the new one. Each message
// is one packet, so it arrives whole or not at all:
//
//   new -> old    "pgmoat sessions 1\n"  once, before it says that it is ready: the format it reads
//   old -> new    's' number session     with both sockets of the session
//   new -> old    'y' number             it has the session: the old one must no longer touch it
//   new -> old    'n' number             it refuses it: the old one keeps it
//
// The new process does not touch a session's sockets before it has sent 'y'. The old one touches
// them again only when no 'y' can come: after close_answers() no answer can be sent, and it has
// read those sent before. So each session continues in exactly one process, or ends with the one
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

// Contains the version of moved_session.h: when that format changes, increase the number.
inline constexpr std::string_view sessions_hello = "pgmoat sessions 1\n";

struct ChannelPair {
    Descriptor ours;
    Descriptor successors;
};
// Empty if it could not be created.
[[nodiscard]] ChannelPair open_session_channel() noexcept;

enum class Transfer {
    done,
    not_now,
    garbage, // a message that pgmoat does not send
    failed,  // the other process has gone
};

// --- the old process ----------------------------------------------------------------------------

// The new process has announced our format. Does not wait.
[[nodiscard]] bool has_hello(const Descriptor& channel) noexcept;
[[nodiscard]] Transfer send_session(const Descriptor& channel,
                                    std::uint32_t number,
                                    protocol::ByteView session,
                                    std::array<int, 2> sockets);

struct Answer {
    std::uint32_t number = 0;
    bool taken = false;
};
// `answer` is set if the result is `done`.
[[nodiscard]] Transfer receive_answer(const Descriptor& channel, Answer& answer) noexcept;
// From now on no answers can be sent; those sent before can still be received.
void close_answers(const Descriptor& channel) noexcept;

// --- the new process ----------------------------------------------------------------------------

[[nodiscard]] bool send_hello(const Descriptor& channel) noexcept;

struct ArrivedSession {
    std::uint32_t number = 0;
    protocol::ByteView session; // in the buffer
    Descriptor client;          // both sockets or none: they did not arrive
    Descriptor server;
};
[[nodiscard]] Transfer receive_session(const Descriptor& channel,
                                       std::vector<std::uint8_t>& buffer,
                                       ArrivedSession& arrived) noexcept;
[[nodiscard]] bool send_answer(const Descriptor& channel, Answer answer) noexcept;

} // namespace pgmoat::server

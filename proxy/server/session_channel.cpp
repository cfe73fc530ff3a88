#include "proxy/server/session_channel.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace pgmoat::server {

namespace {

constexpr std::size_t head_bytes = 5; // a letter and a number

constexpr std::uint8_t session_letter = 's';
constexpr std::uint8_t taken_letter = 'y';
constexpr std::uint8_t refused_letter = 'n';

using Head = std::array<std::uint8_t, head_bytes>;
using TwoSockets = std::array<int, 2>;

Head head_of(std::uint8_t letter, std::uint32_t number) noexcept {
    return {letter,
            static_cast<std::uint8_t>(number >> 24),
            static_cast<std::uint8_t>(number >> 16),
            static_cast<std::uint8_t>(number >> 8),
            static_cast<std::uint8_t>(number)};
}

std::uint32_t number_in(const std::uint8_t* head) noexcept {
    return std::uint32_t{head[1]} << 24 | std::uint32_t{head[2]} << 16 |
           std::uint32_t{head[3]} << 8 | std::uint32_t{head[4]};
}

ssize_t receive(int channel, msghdr& message) noexcept {
    ssize_t size = 0;
    do {
        size = ::recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    return size;
}

// If the peer has closed with unread messages, the first recvmsg() fails with ECONNRESET; what the
// peer had sent can still be read after that.
template <std::size_t size>
ssize_t receive_small(int channel, std::array<std::uint8_t, size>& into) noexcept {
    iovec piece{into.data(), into.size()};
    for (int attempt = 0;; ++attempt) {
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        const ssize_t got = receive(channel, message);
        if (got < 0 && errno == ECONNRESET && attempt == 0) continue;
        return got;
    }
}

Transfer without_message(ssize_t size) noexcept {
    return size < 0 && errno == EAGAIN ? Transfer::not_now : Transfer::failed;
}

bool send_small(int channel, const std::uint8_t* bytes, std::size_t size) noexcept {
    ssize_t sent = 0;
    do {
        sent = ::send(channel, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent == static_cast<ssize_t>(size);
}

bool is_stream(const Descriptor& socket) noexcept {
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_STREAM;
}

// Takes ownership of all descriptors, so that none leaks; only exactly two sockets are valid.
void take_sockets(msghdr& message, ArrivedSession& arrived) noexcept {
    std::array<Descriptor, 2> taken;
    std::size_t count = 0;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t numbers = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < numbers; ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(header) + i * sizeof number, sizeof number);
            Descriptor socket(number);
            if (count < taken.size()) taken[count] = std::move(socket);
            ++count;
        }
    }
    const bool whole = (message.msg_flags & MSG_CTRUNC) == 0 && count == taken.size();
    if (!whole || !is_stream(taken[0]) || !is_stream(taken[1])) return;
    arrived.client = std::move(taken[0]);
    arrived.server = std::move(taken[1]);
}

} // namespace

ChannelPair open_session_channel() noexcept {
    TwoSockets pair{};
    constexpr int type = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;
    if (::socketpair(AF_UNIX, type, 0, pair.data()) != 0) return {};
    return {Descriptor(pair[0]), Descriptor(pair[1])};
}

bool has_hello(const Descriptor& channel) noexcept {
    if (!channel) return false;
    std::array<std::uint8_t, sessions_hello.size() + 1>
        text{}; // one more byte, to notice a longer text
    const ssize_t size = receive_small(channel.get(), text);
    return size == static_cast<ssize_t>(sessions_hello.size()) &&
           std::equal(sessions_hello.begin(), sessions_hello.end(), text.begin());
}

Transfer send_session(const Descriptor& channel,
                      std::uint32_t number,
                      protocol::ByteView session,
                      std::array<int, 2> sockets) {
    Head head = head_of(session_letter, number);
    std::array<iovec, 2> pieces{iovec{head.data(), head.size()},
                                iovec{const_cast<std::uint8_t*>(session.data()), session.size()}};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof sockets)> control{};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof sockets);
    std::memcpy(CMSG_DATA(header), sockets.data(), sizeof sockets);
    ssize_t sent = 0;
    do {
        sent = ::sendmsg(channel.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent == static_cast<ssize_t>(head.size() + session.size())) return Transfer::done;
    const bool later = sent < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS);
    return later ? Transfer::not_now : Transfer::failed;
}

Transfer receive_answer(const Descriptor& channel, Answer& answer) noexcept {
    std::array<std::uint8_t, head_bytes + 1> bytes{};
    const ssize_t size = receive_small(channel.get(), bytes);
    if (size <= 0) return without_message(size);
    const bool known = bytes[0] == taken_letter || bytes[0] == refused_letter;
    if (size != static_cast<ssize_t>(head_bytes) || !known) return Transfer::garbage;
    answer = {number_in(bytes.data()), bytes[0] == taken_letter};
    return Transfer::done;
}

void close_answers(const Descriptor& channel) noexcept {
    (void)::shutdown(channel.get(), SHUT_RD);
}

bool send_hello(const Descriptor& channel) noexcept {
    return send_small(channel.get(),
                      reinterpret_cast<const std::uint8_t*>(sessions_hello.data()),
                      sessions_hello.size());
}

Transfer receive_session(const Descriptor& channel,
                         std::vector<std::uint8_t>& buffer,
                         ArrivedSession& arrived) noexcept {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(TwoSockets))> control{};
    iovec piece{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = receive(channel.get(), message);
    if (size <= 0) return without_message(size);
    take_sockets(message, arrived);
    const auto bytes = static_cast<std::size_t>(size);
    const bool cut = (message.msg_flags & MSG_TRUNC) != 0;
    if (cut || bytes < head_bytes || buffer[0] != session_letter) return Transfer::garbage;
    arrived.number = number_in(buffer.data());
    arrived.session = protocol::ByteView(buffer).subspan(head_bytes, bytes - head_bytes);
    return Transfer::done;
}

bool send_answer(const Descriptor& channel, Answer answer) noexcept {
    const Head head = head_of(answer.taken ? taken_letter : refused_letter, answer.number);
    return send_small(channel.get(), head.data(), head.size());
}

} // namespace pgmoat::server

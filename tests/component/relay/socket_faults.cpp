#include "tests/component/relay/socket_faults.h"

#include <dlfcn.h>
#include <liburing.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using pgmoat::test::SocketFaults;

std::mutex mutex;
SocketFaults faults;
std::uint64_t state = 0;
std::uint64_t faults_made = 0;
std::map<const io_uring*, unsigned> submissions;
std::map<int, std::pair<int, epoll_event>>
    watched; // by socket: its epoll descriptor and registered events
std::atomic<bool> active{false};

template <typename Function>
Function* real(Function* /*type*/, const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool on_relay_thread() {
    if (!active.load(std::memory_order_acquire)) return false;
    char name[16] = {};
    ::pthread_getname_np(::pthread_self(), name, sizeof name);
    return std::string_view(name).starts_with("relay-");
}

// Three of four calls are complete, so that short ones have neighbours of all kinds.
std::size_t shortened(std::size_t size) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    if (size < 2 || state % 4 != 0) return size;
    ++faults_made;
    return 1 + (state >> 8) % (size - 1);
}

// Makes epoll report the socket again if it is readable or writable now.
void report_again(int socket) {
    const auto found = watched.find(socket);
    if (found == watched.end()) return;
    auto& [epoll, event] = found->second;
    real(&::epoll_ctl, "epoll_ctl")(epoll, EPOLL_CTL_MOD, socket, &event);
}

// Shortens the requests in the ring's queue; returns the sockets to be reported again.
std::vector<int> shorten_queued(io_uring& ring) {
    std::vector<int> sockets;
    for (unsigned i = ring.sq.sqe_head; i != ring.sq.sqe_tail; ++i) {
        io_uring_sqe& entry = ring.sq.sqes[i & *ring.sq.kring_mask];
        const bool cut = (entry.opcode == IORING_OP_SEND && faults.short_sends) ||
                         (entry.opcode == IORING_OP_RECV && faults.short_receives);
        if (!cut) continue;
        const std::size_t length = shortened(entry.len);
        if (length == entry.len) continue;
        entry.len = static_cast<unsigned>(length);
        sockets.push_back(entry.fd);
    }
    return sockets;
}

} // namespace

extern "C" {

int epoll_ctl(int epoll, int operation, int socket, epoll_event* event) noexcept {
    const int result = real(&::epoll_ctl, "epoll_ctl")(epoll, operation, socket, event);
    if (operation != EPOLL_CTL_DEL && result == 0 && active.load(std::memory_order_acquire)) {
        const std::lock_guard lock(mutex);
        watched[socket] = {epoll, *event};
    }
    return result;
}

ssize_t send(int socket, const void* bytes, std::size_t size, int flags) {
    std::size_t length = size;
    if (on_relay_thread()) {
        const std::lock_guard lock(mutex);
        if (faults.short_sends) length = shortened(size);
    }
    const ssize_t result = real(&::send, "send")(socket, bytes, length, flags);
    if (length < size) {
        const std::lock_guard lock(mutex);
        const int error = errno;
        report_again(socket);
        errno = error;
    }
    return result;
}

ssize_t recv(int socket, void* bytes, std::size_t size, int flags) {
    std::size_t length = size;
    if (on_relay_thread()) {
        const std::lock_guard lock(mutex);
        if (faults.short_receives) length = shortened(size);
    }
    const ssize_t result = real(&::recv, "recv")(socket, bytes, length, flags);
    if (length < size) {
        const std::lock_guard lock(mutex);
        const int error = errno;
        report_again(socket);
        errno = error;
    }
    return result;
}

int epoll_pwait2(
    int epoll, epoll_event* events, int most, const timespec* time, const sigset_t* mask) {
    if (on_relay_thread()) {
        const std::lock_guard lock(mutex);
        if (faults.no_short_sleep) {
            ++faults_made;
            errno = ENOSYS;
            return -1;
        }
    }
    return real(&::epoll_pwait2, "epoll_pwait2")(epoll, events, most, time, mask);
}

int io_uring_queue_init(unsigned entries, io_uring* ring, unsigned flags) {
    if (active.load(std::memory_order_acquire)) {
        const std::lock_guard lock(mutex);
        if (faults.no_io_uring) return -ENOSYS;
        submissions[ring] = 0;
    }
    return real(&::io_uring_queue_init, "io_uring_queue_init")(entries, ring, flags);
}

int io_uring_submit_and_wait(io_uring* ring, unsigned completions) {
    const auto submit = real(&::io_uring_submit_and_wait, "io_uring_submit_and_wait");
    if (!active.load(std::memory_order_acquire)) return submit(ring, completions);
    std::vector<int> sockets;
    {
        const std::lock_guard lock(mutex);
        if (++submissions[ring] == faults.refused_submission) {
            ++faults_made;
            return -EAGAIN;
        }
        sockets = shorten_queued(*ring);
    }
    const int result = submit(ring, completions);
    const std::lock_guard lock(mutex);
    std::ranges::for_each(sockets, report_again);
    return result;
}

} // extern "C"

namespace pgmoat::test {

WithSocketFaults::WithSocketFaults(const SocketFaults& wanted) {
    const std::lock_guard lock(mutex);
    faults = wanted;
    state = wanted.seed * 2 + 0x9E3779B97F4A7C15;
    faults_made = 0;
    submissions.clear();
    watched.clear();
    active.store(true, std::memory_order_release);
}

WithSocketFaults::~WithSocketFaults() {
    active.store(false, std::memory_order_release);
}

std::uint64_t WithSocketFaults::made() {
    const std::lock_guard lock(mutex);
    return faults_made;
}

} // namespace pgmoat::test

#include "proxy/relay/uring.h"

#include <liburing.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace pgmoat::relay {

struct Uring::Native {
    io_uring ring{};
};

Uring::Uring(unsigned operations_max) : native_(std::make_unique<Native>()) {
    // One thread submits and collects: the kernel then need not interrupt it (Linux 6.1 on).
    const unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    if (io_uring_queue_init(operations_max, &native_->ring, flags) < 0) native_.reset();
}

Uring::~Uring() {
    if (native_) io_uring_queue_exit(&native_->ring);
}

void Uring::receive(int socket, std::span<std::uint8_t> into, std::size_t tag) noexcept {
    io_uring_sqe* entry = io_uring_get_sqe(&native_->ring);
    io_uring_prep_recv(entry, socket, into.data(), into.size(), MSG_DONTWAIT);
    io_uring_sqe_set_data64(entry, tag);
    ++added_;
}

void Uring::send(int socket, std::span<const std::uint8_t> bytes, std::size_t tag) noexcept {
    io_uring_sqe* entry = io_uring_get_sqe(&native_->ring);
    io_uring_prep_send(entry, socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    io_uring_sqe_set_data64(entry, tag);
    ++added_;
}

void Uring::perform(std::span<int> results) noexcept {
    std::fill(results.begin(), results.end(), refused);
    io_uring* ring = &native_->ring;
    unsigned submitted = 0;
    unsigned collected = 0;
    bool turned_down = false;
    while (collected < (turned_down ? submitted : added_)) {
        const int taken = io_uring_submit_and_wait(ring, 1);
        if (taken >= 0)
            submitted += static_cast<unsigned>(taken);
        else if (taken != -EINTR)
            turned_down = true;
        unsigned head = 0;
        unsigned seen = 0;
        io_uring_cqe* completion = nullptr;
        io_uring_for_each_cqe(ring, head, completion) {
            const bool interrupted = completion->res == -EINTR || completion->res == -ECANCELED;
            results[io_uring_cqe_get_data64(completion)] = interrupted ? refused : completion->res;
            ++seen;
        }
        io_uring_cq_advance(ring, seen);
        collected += seen;
    }
    added_ = 0;
    if (turned_down) {
        io_uring_queue_exit(ring);
        native_.reset();
    }
}

} // namespace pgmoat::relay

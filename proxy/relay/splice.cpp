#include "proxy/relay/splice.h"

#include "proxy/relay/limits.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace pgmoat::relay {

namespace {

ssize_t move_bytes(int from, int to, std::size_t most) noexcept {
    ssize_t count = 0;
    do {
        count = ::splice(from, nullptr, to, nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    } while (count < 0 && errno == EINTR);
    return count;
}

} // namespace

SpliceResult Splice::turn(int source, int target, PipePool& pool) {
    pipe_ = pool.lease();
    if (!pipe_) return {Spliced::unavailable};

    // EAGAIN can mean an empty source or a full pipe. This pipe is empty.
    const ssize_t count = move_bytes(source, pipe_->write_end.get(), limits::pipe_bytes);
    if (count <= 0) {
        const int error = errno;
        drop(pool);
        if (count == 0) return {Spliced::end};
        if (error == EAGAIN) return {Spliced::nothing};
        if (error == EINVAL) return {Spliced::unavailable};
        return {Spliced::read_error, 0, error};
    }
    pipe_->held = static_cast<std::size_t>(count);
    SpliceResult result = flush(target, pool);
    result.bytes = static_cast<std::size_t>(count);
    return result;
}

SpliceResult Splice::flush(int target, PipePool& pool) {
    while (pipe_->held > 0) {
        const ssize_t count = move_bytes(pipe_->read_end.get(), target, pipe_->held);
        if (count < 0 && errno == EAGAIN) return {Spliced::stuck};
        if (count <= 0) {
            const int error = count < 0 ? errno : EPIPE;
            drop(pool);
            return {Spliced::write_error, 0, error};
        }
        pipe_->held -= static_cast<std::size_t>(count);
    }
    drop(pool);
    return {Spliced::moved};
}

int Splice::take_into(std::vector<std::uint8_t>& bytes, PipePool& pool) {
    if (!pipe_) return 0;
    const std::size_t before = bytes.size();
    bytes.resize(before + pipe_->held); // may throw: nothing was taken yet
    std::size_t filled = before;
    while (pipe_->held > 0) {
        const ssize_t count = ::read(pipe_->read_end.get(), bytes.data() + filled, pipe_->held);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            const int error = count < 0 ? errno : EPIPE;
            bytes.resize(filled);
            return error;
        }
        filled += static_cast<std::size_t>(count);
        pipe_->held -= static_cast<std::size_t>(count);
    }
    drop(pool);
    return 0;
}

} // namespace pgmoat::relay

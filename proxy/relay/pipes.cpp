#include "proxy/relay/pipes.h"

#include "proxy/relay/limits.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace pgmoat::relay {

PipePool::PipePool() {
    idle_.reserve(limits::idle_pipes);
}

std::unique_ptr<Pipe> PipePool::lease() {
    if (leased_ == limits::pipes) return nullptr;
    std::unique_ptr<Pipe> pipe;
    if (!idle_.empty()) {
        pipe = std::move(idle_.back());
        idle_.pop_back();
    } else {
        int ends[2];
        if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return nullptr;
        pipe = std::make_unique<Pipe>(Pipe{Descriptor(ends[0]), Descriptor(ends[1])});
    }
    ++leased_;
    return pipe;
}

void PipePool::give_back(std::unique_ptr<Pipe> pipe) noexcept {
    if (!pipe) return;
    --leased_;
    if (pipe->held == 0 && idle_.size() < limits::idle_pipes) idle_.push_back(std::move(pipe));
}

} // namespace pgmoat::relay

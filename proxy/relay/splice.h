// Bulk between two sockets without TLS: socket -> pipe -> socket, the bytes never enter our memory.
// Worth it for large reads only (limits.h). The pipe is leased for a turn and kept only while bytes
// are stuck in it. MSG_MORE is not used: a corked tail would wait for 200 ms when the source falls
// silent.
#pragma once

#include "proxy/relay/pipes.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace pgmoat::relay {

enum class Spliced {
    moved,       // bytes went through
    stuck,       // the target takes no more; the rest is in the pipe
    nothing,     // the source has nothing now
    end,         // the source has ended
    unavailable, // no pipe, or these sockets cannot be spliced: relay through memory
    read_error,
    write_error,
};

struct SpliceResult {
    Spliced outcome;
    std::size_t bytes = 0; // taken from the source
    int error = 0;
};

class Splice {
  public:
    // One turn. Not while stuck().
    [[nodiscard]] SpliceResult turn(int source, int target, PipePool& pool);
    // Goes on with what is in the pipe.
    [[nodiscard]] SpliceResult flush(int target, PipePool& pool);

    [[nodiscard]] bool stuck() const noexcept { return pipe_ != nullptr; }
    [[nodiscard]] std::size_t held() const noexcept { return pipe_ ? pipe_->held : 0; }
    // Takes what is in the pipe into memory instead, behind what is there. Returns an errno or 0.
    [[nodiscard]] int take_into(std::vector<std::uint8_t>& bytes, PipePool& pool);
    void drop(PipePool& pool) { pool.give_back(std::move(pipe_)); }

  private:
    std::unique_ptr<Pipe> pipe_;
};

} // namespace pgmoat::relay

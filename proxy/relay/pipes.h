// Pipes for splice(2), pooled per relay thread: making and closing one costs 5 us. A pipe that went
// back is empty; one that still holds bytes is closed, never lent again: its bytes are another
// channel's.
#pragma once

#include "proxy/descriptor.h"

#include <cstddef>
#include <memory>
#include <vector>

namespace pgmoat::relay {

struct Pipe {
    Descriptor read_end;
    Descriptor write_end;
    std::size_t held = 0; // bytes inside
};

class PipePool {
  public:
    PipePool();
    // Null: none to be had (limit reached, or the system has no more). Not an error.
    [[nodiscard]] std::unique_ptr<Pipe> lease();
    void give_back(std::unique_ptr<Pipe> pipe) noexcept;

    [[nodiscard]] std::size_t leased() const noexcept { return leased_; }

  private:
    std::vector<std::unique_ptr<Pipe>> idle_;
    std::size_t leased_ = 0;
};

} // namespace pgmoat::relay

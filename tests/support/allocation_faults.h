// Lets one allocation fail. The test program has an operator new of its own for it, so the .cpp
// beside this must be linked into it.
#pragma once

#include <cstdint>

namespace pgmoat::test {

// While one of these lives: the so-many-th allocation of the calling thread, from 1, throws.
class WithAllocationFault {
  public:
    explicit WithAllocationFault(std::uint64_t which);
    ~WithAllocationFault();
    WithAllocationFault(const WithAllocationFault&) = delete;
    WithAllocationFault& operator=(const WithAllocationFault&) = delete;

    // It has thrown.
    [[nodiscard]] bool made() const;
};

} // namespace pgmoat::test

// Makes one allocation fail, by replacing operator new: the .cpp of this header must be linked into
// the test program.
#pragma once

#include <cstdint>

namespace pgmoat::test {

// While this lives: the calling thread's allocation of this number, counted from 1, throws.
class WithAllocationFault {
  public:
    explicit WithAllocationFault(std::uint64_t which);
    ~WithAllocationFault();
    WithAllocationFault(const WithAllocationFault&) = delete;
    WithAllocationFault& operator=(const WithAllocationFault&) = delete;

    // Whether it has thrown.
    [[nodiscard]] bool made() const;
};

} // namespace pgmoat::test

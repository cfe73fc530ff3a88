#include "tests/support/allocation_faults.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

thread_local std::uint64_t to_come = 0; // allocations until one fails; 0: none fails

void* allocate(std::size_t size) noexcept {
    if (to_come > 0 && --to_come == 0) return nullptr;
    return std::malloc(size > 0 ? size : 1);
}

void* allocate_or_throw(std::size_t size) {
    if (void* memory = allocate(size)) return memory;
    throw std::bad_alloc();
}

} // namespace

// All operators, so that new and delete always match.
void* operator new(std::size_t size) {
    return allocate_or_throw(size);
}
void* operator new[](std::size_t size) {
    return allocate_or_throw(size);
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
    return allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
    return allocate(size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t /*size*/) noexcept {
    std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t& /*tag*/) noexcept {
    std::free(memory);
}

namespace pgmoat::test {

WithAllocationFault::WithAllocationFault(std::uint64_t which) {
    to_come = which;
}

WithAllocationFault::~WithAllocationFault() {
    to_come = 0;
}

bool WithAllocationFault::made() const {
    return to_come == 0;
}

} // namespace pgmoat::test

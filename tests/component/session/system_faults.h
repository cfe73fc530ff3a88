// System calls that fail or hang in the control plane, which the kernel does only on a bad day:
// descriptors or epoll watches run out, the name service is silent. The calls are caught by
// functions of the same names in the test program.
#pragma once

#include <chrono>
#include <cstddef>

namespace pgmoat::test {

struct SystemFaults {
    int accept_error = 0;                          // what accept4() says; 0: what the kernel says
    std::size_t accepts_failing = 0;               // so many times; 0: always
    std::size_t unwatched = 0;                     // the so-many-th socket cannot be watched
    std::chrono::milliseconds names_are_silent{0}; // getnameinfo() says nothing for so long
    std::chrono::milliseconds users_are_silent{0}; // getpwuid_r(), too
};

// While one of these lives, the calling thread's accept4() and epoll_ctl() are counted and fail, and
// every thread's look-ups.
class WithSystemFaults {
  public:
    explicit WithSystemFaults(const SystemFaults& faults = {});
    ~WithSystemFaults();
    WithSystemFaults(const WithSystemFaults&) = delete;
    WithSystemFaults& operator=(const WithSystemFaults&) = delete;

    void change(const SystemFaults& faults);
    [[nodiscard]] std::size_t accepts() const;      // calls of accept4()
    [[nodiscard]] int last_accepted() const;        // what it gave last
    [[nodiscard]] std::size_t user_lookups() const; // calls of getpwuid_r(), by any thread
    [[nodiscard]] bool looked_up_here() const;      // one of them by the calling thread
};

} // namespace pgmoat::test

// Makes system calls of the control plane fail or hang: descriptors or epoll watches run out, the
// name service does not answer. Functions with the same names in the test program intercept the
// calls.
#pragma once

#include <chrono>
#include <cstddef>

namespace pgmoat::test {

struct SystemFaults {
    int accept_error = 0;                          // accept4()'s errno; 0: the kernel decides
    std::size_t accepts_failing = 0;               // so many times; 0: always
    std::size_t unwatched = 0;                     // number of the socket that cannot be watched
    std::chrono::milliseconds names_are_silent{0}; // getnameinfo() hangs for so long
    std::chrono::milliseconds users_are_silent{0}; // getpwuid_r() likewise
};

// While this lives, the calling thread's accept4() and epoll_ctl() and all threads' look-ups are
// counted and fail.
class WithSystemFaults {
  public:
    explicit WithSystemFaults(const SystemFaults& faults = {});
    ~WithSystemFaults();
    WithSystemFaults(const WithSystemFaults&) = delete;
    WithSystemFaults& operator=(const WithSystemFaults&) = delete;

    void change(const SystemFaults& faults);
    [[nodiscard]] std::size_t accepts() const;      // calls of accept4()
    [[nodiscard]] int last_accepted() const;        // what it returned last
    [[nodiscard]] std::size_t user_lookups() const; // calls of getpwuid_r(), by any thread
    [[nodiscard]] bool looked_up_here() const;      // one of them by the calling thread
};

} // namespace pgmoat::test

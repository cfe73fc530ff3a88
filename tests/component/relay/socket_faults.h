// Makes the relay's system calls do less than they were asked for, at lengths that a seed decides:
// a send takes a part, a receive brings a part, io_uring refuses a submission or is not there, nor is
// epoll_pwait2(). The kernel may do any of this; on loopback it rarely does.
//
// The calls of the relay's threads are caught by functions of the same names in the test program.
// As a short call on a socket that is not full promises an edge that would never come, epoll is
// asked to report the socket again.
#pragma once

#include <cstdint>

namespace pgmoat::test {

struct SocketFaults {
    std::uint64_t seed = 0;
    bool short_sends = false;
    bool short_receives = false;
    bool no_io_uring = false;
    bool no_short_sleep = false;     // as before Linux 5.11
    unsigned refused_submission = 0; // the so-many-th call of each ring; 0: none
};

// While one of these lives, the faults are made. Put it before the relay in a test.
class WithSocketFaults {
  public:
    explicit WithSocketFaults(const SocketFaults& faults);
    ~WithSocketFaults();
    WithSocketFaults(const WithSocketFaults&) = delete;
    WithSocketFaults& operator=(const WithSocketFaults&) = delete;

    // How often a call was cut short or refused since.
    [[nodiscard]] static std::uint64_t made();
};

} // namespace pgmoat::test

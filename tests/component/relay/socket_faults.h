// Makes the relay's system calls do less than asked, with lengths that depend on a seed: sends and
// receives are partial, io_uring refuses a submission or is unavailable, and so is epoll_pwait2().
// The kernel may do any of this; on loopback it rarely does.
//
// Functions with the same names in the test program intercept the relay's calls. After a short call
// the relay waits for an edge, which the kernel would not report as the socket is still ready; so
// epoll is made to report the socket again.
#pragma once

#include <cstdint>

namespace pgmoat::test {

struct SocketFaults {
    std::uint64_t seed = 0;
    bool short_sends = false;
    bool short_receives = false;
    bool no_io_uring = false;
    bool no_short_sleep = false;     // as before Linux 5.11
    unsigned refused_submission = 0; // the number of the refused call for each ring; 0: none
};

// Faults are made while this lives. Create it before the relay in a test.
class WithSocketFaults {
  public:
    explicit WithSocketFaults(const SocketFaults& faults);
    ~WithSocketFaults();
    WithSocketFaults(const WithSocketFaults&) = delete;
    WithSocketFaults& operator=(const WithSocketFaults&) = delete;

    // How many calls were cut short or refused since.
    [[nodiscard]] static std::uint64_t made();
};

} // namespace pgmoat::test

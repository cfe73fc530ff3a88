// A new process whose end we learn as that of a child, although it must not stay our child: systemd
// takes a process as the main one of a service only if it is its own child. Otherwise it does not
// wait for it: `systemctl stop` then kills it at once instead of letting it drain, and a crash is
// not noticed.
//
//   start()     forks an attendant, which forks the process and waits for it
//   ended()     what the attendant has seen
//   release()   ends the attendant: the process becomes a child of init (or of the subreaper), so of
//               systemd for a service
//
// The process is not reaped before that, so its pid cannot be another one's.
#pragma once

#include "proxy/descriptor.h"

#include <sys/types.h>

#include <functional>
#include <optional>

namespace pgmoat::server {

class AttendedProcess {
  public:
    AttendedProcess() = default;
    ~AttendedProcess(); // kills one that was not released
    AttendedProcess(const AttendedProcess&) = delete;
    AttendedProcess& operator=(const AttendedProcess&) = delete;

    // `run` is called in the new process, with all signals blocked, and does not return. Only
    // async-signal-safe calls are allowed in it. Returns 0, or errno.
    [[nodiscard]] int start(const std::function<void()>& run);

    [[nodiscard]] pid_t pid() const noexcept { return pid_; } // 0: none
    // As waitpid() has it; nothing while it runs.
    [[nodiscard]] std::optional<int> ended() noexcept;
    [[nodiscard]] pid_t release() noexcept;
    void kill() noexcept;

  private:
    void end_attendant() noexcept;

    pid_t attendant_ = 0;
    pid_t pid_ = 0;
    Descriptor report_; // from the attendant: the pid, later the status
};

} // namespace pgmoat::server

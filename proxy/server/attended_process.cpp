#include "proxy/server/attended_process.h"

#include "proxy/thread_signals.h"

#include <climits>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace pgmoat::server {

namespace {

constexpr int exited_without_run = 127;

// As waitpid() would have it.
int status_of(const siginfo_t& end) noexcept {
    return end.si_code == CLD_EXITED ? end.si_status << 8 : end.si_status & 0x7f;
}

void tell(int number) noexcept {
    if (::write(STDIN_FILENO, &number, sizeof number) != sizeof number) ::_exit(exited_without_run);
}

// The attendant keeps none of our sockets: sessions that end meanwhile must be closed for their
// peers. It ends with us.
[[noreturn]] void attend(int report, pid_t starter, const std::function<void()>& run) noexcept {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != starter) ::_exit(exited_without_run);
    const pid_t pid = ::fork();
    if (pid == 0) {
        run();
        ::_exit(exited_without_run);
    }
    const pid_t told = pid > 0 ? pid : -errno;
    (void)::dup2(report, STDIN_FILENO);
    (void)::close_range(STDIN_FILENO + 1, UINT_MAX, 0);
    tell(told);
    siginfo_t end{};
    while (pid > 0 && ::waitid(P_PID, static_cast<id_t>(pid), &end, WEXITED | WNOWAIT) != 0)
        if (errno != EINTR) ::_exit(exited_without_run);
    tell(status_of(end));
    for (;;)
        (void)::pause(); // killed by end_attendant()
}

pid_t read_number(int from) noexcept {
    pid_t told = -ECHILD;
    while (::read(from, &told, sizeof told) < 0 && errno == EINTR) {
    }
    return told;
}

} // namespace

AttendedProcess::~AttendedProcess() {
    kill();
}

int AttendedProcess::start(const std::function<void()>& run) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno;
    report_ = Descriptor(ends[0]);
    Descriptor writes(ends[1]);
    const pid_t starter = ::getpid();
    {
        // Those for the process group, such as Ctrl-C, are not for the attendant.
        const SignalsBlocked inherited;
        attendant_ = ::fork();
        if (attendant_ == 0) attend(writes.get(), starter, run);
    }
    if (attendant_ < 0) {
        attendant_ = 0;
        return errno;
    }
    writes.reset();
    const pid_t told = read_number(report_.get());
    if (told <= 0) {
        end_attendant();
        return -told;
    }
    (void)::fcntl(report_.get(), F_SETFL, O_NONBLOCK);
    pid_ = told;
    return 0;
}

std::optional<int> AttendedProcess::ended() noexcept {
    int status = 0;
    const ssize_t size = ::read(report_.get(), &status, sizeof status);
    if (size < 0) return std::nullopt;
    // Without an attendant nothing more would be heard of it.
    if (size == 0) {
        (void)::kill(pid_, SIGKILL);
        status = SIGKILL;
    }
    end_attendant();
    pid_ = 0;
    return status;
}

pid_t AttendedProcess::release() noexcept {
    end_attendant();
    return std::exchange(pid_, 0);
}

void AttendedProcess::kill() noexcept {
    if (pid_ > 0) (void)::kill(pid_, SIGKILL);
    end_attendant();
    pid_ = 0;
}

void AttendedProcess::end_attendant() noexcept {
    report_.reset();
    if (attendant_ <= 0) return;
    (void)::kill(attendant_, SIGKILL);
    (void)::waitpid(attendant_, nullptr, 0);
    attendant_ = 0;
}

} // namespace pgmoat::server

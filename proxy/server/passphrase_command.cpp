#include "proxy/server/passphrase_command.h"

#include "proxy/descriptor.h"
#include "proxy/server/limits.h"
#include "tls/context.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

namespace pgmoat::server {

namespace {

using Clock = std::chrono::steady_clock;

std::string reason_of(int error) {
    return std::generic_category().message(error);
}

std::string quoted(const std::string& command) {
    return "\"" + command + "\"";
}

[[noreturn]] void could_not_execute(const std::string& command, int error) {
    throw tls::Error("could not execute command " + quoted(command) + ": " + reason_of(error));
}

// PostgreSQL's wait_result_to_str().
std::string text_of_status(int status) {
    if (WIFSIGNALED(status)) {
        const int signal = WTERMSIG(status);
        return "child process was terminated by signal " + std::to_string(signal) + ": " +
               ::strsignal(signal);
    }
    const int code = WEXITSTATUS(status);
    if (code == 126) return "command not executable";
    if (code == 127) return "command not found";
    return "child process exited with exit code " + std::to_string(code);
}

// How long a command may take, and whether its answer is still wanted.
class Patience {
  public:
    Patience(const std::string& command, std::chrono::milliseconds limit, std::stop_token stop)
        : command_(command), end_(Clock::now() + limit), stop_(std::move(stop)) {}

    void check() const {
        if (stop_.stop_requested()) throw_failed("It was interrupted.");
        if (Clock::now() >= end_) throw_failed("It took too long.");
    }
    [[noreturn]] void throw_failed(const std::string& detail) const {
        throw tls::Error("command " + quoted(command_) + " failed", detail, "");
    }

  private:
    const std::string& command_;
    Clock::time_point end_;
    std::stop_token stop_;
};

// The shell that runs the command. The destructor kills it if it was not waited for.
class Shell {
  public:
    Shell(const std::string& command, int output) {
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        ::posix_spawn_file_actions_init(&files);
        ::posix_spawnattr_init(&attributes);
        ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
        // Libraries may have opened descriptors without close-on-exec; a background process started
        // by the command would keep our ports and connections open.
        ::posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
        set_attributes(attributes);
        std::array<char*, 4> arguments{const_cast<char*>("sh"),
                                       const_cast<char*>("-c"),
                                       const_cast<char*>(command.c_str()),
                                       nullptr};
        const int error =
            ::posix_spawn(&pid_, "/bin/sh", &files, &attributes, arguments.data(), environ);
        ::posix_spawn_file_actions_destroy(&files);
        ::posix_spawnattr_destroy(&attributes);
        if (error != 0) could_not_execute(command, error);
    }
    ~Shell() {
        if (pid_ <= 0) return;
        (void)::kill(has_group_ ? -pid_ : pid_, SIGKILL);
        (void)::waitpid(pid_, nullptr, 0);
    }
    Shell(const Shell&) = delete;
    Shell& operator=(const Shell&) = delete;

    // Returns the wait status; -1: see errno.
    int wait(const Patience& patience) {
        int status = 0;
        pid_t got = 0;
        while ((got = ::waitpid(pid_, &status, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
            patience.check();
            std::this_thread::sleep_for(passphrase_poll);
        }
        pid_ = 0;
        return got < 0 ? -1 : status;
    }

  private:
    // pgmoat ignores SIGPIPE and blocks other signals; the command gets the defaults. In a process
    // group of its own, it can be killed together with all processes that it has started.
    void set_attributes(posix_spawnattr_t& attributes) const {
        sigset_t defaults;
        sigset_t none;
        ::sigemptyset(&none);
        ::sigemptyset(&defaults);
        ::sigaddset(&defaults, SIGPIPE);
        ::posix_spawnattr_setsigdefault(&attributes, &defaults);
        ::posix_spawnattr_setsigmask(&attributes, &none);
        ::posix_spawnattr_setpgroup(&attributes, 0);
        const unsigned flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                               (has_group_ ? unsigned{POSIX_SPAWN_SETPGROUP} : 0U);
        ::posix_spawnattr_setflags(&attributes, static_cast<short>(flags));
    }
    // With a terminal the command may prompt there, and the terminal would stop another process
    // group.
    static bool has_terminal() {
        return static_cast<bool>(Descriptor(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)));
    }

    const bool has_group_ = !has_terminal();
    pid_t pid_ = 0;
};

void wait_for_output(int descriptor, const Patience& patience) {
    pollfd waits{descriptor, POLLIN, 0};
    while (::poll(&waits, 1, static_cast<int>(passphrase_poll.count())) <= 0)
        patience.check();
}

// The line that is read. Its memory never moves, and is wiped unless the text is moved out.
class Line {
  public:
    Line() { text.reserve(passphrase_line_bytes_max); }
    ~Line() { ::explicit_bzero(text.data(), text.size()); }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    std::string text;
};

// Reads up to the end of the line or of the output, at most the length of a passphrase. As in
// PostgreSQL, the rest of the output is not read.
void read_line(const std::string& command,
               int descriptor,
               const Patience& patience,
               std::string& line) {
    while (line.size() < passphrase_line_bytes_max && !line.ends_with('\n')) {
        wait_for_output(descriptor, patience);
        char byte = 0;
        const ssize_t got = ::read(descriptor, &byte, 1);
        if (got == 0) break;
        if (got < 0) {
            throw tls::Error("could not read from command " + quoted(command) + ": " +
                             reason_of(errno));
        }
        line += byte;
    }
}

} // namespace

std::string run_passphrase_command(const std::string& command,
                                   std::chrono::milliseconds limit,
                                   std::stop_token stop) {
    const Patience patience(command, limit, std::move(stop));
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) could_not_execute(command, errno);
    Descriptor reading(pipe[0]);
    Descriptor writing(pipe[1]);
    Shell shell(command, writing.get());
    writing.reset();
    Line line;
    read_line(command, reading.get(), patience, line.text);
    reading.reset(); // a command that still writes gets SIGPIPE, as from PostgreSQL
    const int status = shell.wait(patience);
    if (status == -1)
        throw tls::Error("could not close pipe to external command: " + reason_of(errno));
    if (status != 0)
        throw tls::Error("command " + quoted(command) + " failed", text_of_status(status), "");
    return std::move(line.text);
}

} // namespace pgmoat::server

#include "proxy/server/successor.h"

#include "proxy/server/handed_over_sockets.h"
#include "proxy/server/limits.h"
#include "proxy/server/session_channel.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

extern char** environ;

namespace pgmoat::server {

namespace {

std::vector<std::string> own_arguments() {
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    std::vector<std::string> arguments;
    for (std::string argument; std::getline(file, argument, '\0');)
        arguments.push_back(argument);
    return arguments;
}

// A socket bound to an abstract name that the kernel chooses; empty if that failed. Any process on
// the machine can send to such a name, so the kernel adds the sender's pid to each message.
struct Channel {
    Descriptor socket;
    std::string name; // as NOTIFY_SOCKET has it: "@...."
};

Channel open_channel() {
    Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return {};
    const int on = 1;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socklen_t size = sizeof(sa_family_t);
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
        return {};
    size = sizeof address;
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    const std::size_t length = size - offsetof(sockaddr_un, sun_path);
    return {std::move(socket), '@' + std::string(address.sun_path + 1, length - 1)};
}

// One message of `sender`; others are dropped. Empty: there is none.
std::string receive_from(int socket, pid_t sender) {
    for (;;) {
        std::array<char, notify_bytes_max> text{};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
        iovec piece{text.data(), text.size()};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t size = ::recvmsg(socket, &message, 0);
        if (size < 0) return {};
        ucred who{};
        const cmsghdr* header = CMSG_FIRSTHDR(&message);
        if (header == nullptr || header->cmsg_type != SCM_CREDENTIALS) continue;
        std::memcpy(&who, CMSG_DATA(header), sizeof who);
        if (who.pid == sender) return {text.data(), static_cast<std::size_t>(size)};
    }
}

std::string how_it_ended(int status) {
    if (WIFSIGNALED(status))
        return "terminated by signal " + std::to_string(WTERMSIG(status)) + ": " +
               ::strsignal(WTERMSIG(status));
    return "exit code " + std::to_string(WEXITSTATUS(status));
}

// What exec needs, allocated before the fork: after it, only async-signal-safe calls are allowed.
class Image {
  public:
    Image(std::string program,
          std::vector<std::string> arguments,
          const std::vector<std::string>& environment,
          const std::vector<Successor::Socket>& sockets,
          const Descriptor& sessions)
        : program_(std::move(program)), arguments_(std::move(arguments)) {
        for (char** variable = environ; *variable != nullptr; ++variable)
            environment_.emplace_back(*variable);
        environment_.insert(environment_.end(), environment.begin(), environment.end());
        std::string names;
        for (const Successor::Socket& socket : sockets) {
            numbers_.push_back(socket.number);
            names += (names.empty() ? "" : ":") +
                     std::string(socket.with_file ? name_of_own_file : "pgmoat");
        }
        if (sessions) {
            const auto number = first_handed_over + static_cast<int>(numbers_.size());
            environment_.push_back(sessions_variable + ('=' + std::to_string(number)));
            numbers_.push_back(sessions.get());
        }
        environment_.push_back("LISTEN_FDS=" + std::to_string(sockets.size()));
        environment_.push_back("LISTEN_FDNAMES=" + names);
        environment_.push_back(pid_variable + std::string(20, '\0')); // filled in after the fork
        for (std::string& argument : arguments_)
            argument_pointers_.push_back(argument.data());
        for (std::string& variable : environment_)
            environment_pointers_.push_back(variable.data());
        argument_pointers_.push_back(nullptr);
        environment_pointers_.push_back(nullptr);
    }

    // Runs in the child.
    [[noreturn]] void exec() noexcept {
        const int free_from = first_handed_over + static_cast<int>(numbers_.size());
        for (int& number : numbers_) // moved away first: one may be at another's place
            number = ::fcntl(number, F_DUPFD, free_from);
        for (std::size_t i = 0; i < numbers_.size(); ++i) {
            (void)::dup2(numbers_[i], first_handed_over + static_cast<int>(i));
            (void)::close(numbers_[i]);
        }
        write_pid();
        sigset_t none;
        ::sigemptyset(&none);
        (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::execve(program_.c_str(), argument_pointers_.data(), environment_pointers_.data());
        ::_exit(exec_failed);
    }

    static constexpr int exec_failed = 127; // as in a shell

  private:
    static constexpr const char* pid_variable = "LISTEN_PID=";

    void write_pid() noexcept {
        std::array<char, 20> digits{};
        std::size_t count = 0;
        for (long pid = ::getpid(); pid > 0 && count < digits.size(); pid /= 10)
            digits[count++] = static_cast<char>('0' + pid % 10);
        char* to = environment_.back().data() + std::strlen(pid_variable);
        while (count > 0)
            *to++ = digits[--count];
    }

    std::string program_;
    std::vector<std::string> arguments_;
    std::vector<std::string> environment_;
    std::vector<int> numbers_;
    std::vector<char*> argument_pointers_;
    std::vector<char*> environment_pointers_;
};

} // namespace

Successor::Successor(boost::asio::io_context& context, Events events)
    : timer_(context), events_(std::move(events)), arguments_(own_arguments()) {
    std::error_code error;
    program_ = std::filesystem::read_symlink("/proc/self/exe", error).string();
}

Successor::~Successor() {
    stop();
}

void Successor::start(const std::vector<Socket>& sockets,
                      const std::vector<std::string>& environment) {
    Channel channel = open_channel();
    if (!channel.socket) return fail("could not open a socket to hear from it");
    channel_ = std::move(channel.socket);
    std::vector<std::string> variables = environment;
    variables.push_back("NOTIFY_SOCKET=" + channel.name);
    variables.push_back(predecessor_variable + ('=' + std::to_string(::getpid())));
    ChannelPair sessions = open_session_channel();
    sessions_ = std::move(sessions.ours);
    Image image(program_, arguments_, variables, sockets, sessions.successors);
    if (const int error = process_.start([&image] { image.exec(); }); error != 0)
        return fail("could not fork: " + std::generic_category().message(error));
    is_ready_ = false;
    status_.clear();
    give_up_at_ = std::chrono::steady_clock::now() + successor_patience;
    look();
}

void Successor::stop() noexcept {
    timer_.cancel();
    process_.kill();
}

void Successor::look() {
    const pid_t pid = process_.pid();
    const std::optional<int> ended = process_.ended();
    hear(pid);
    if (ended) {
        if (WIFEXITED(*ended) && WEXITSTATUS(*ended) == Image::exec_failed)
            return fail("could not execute \"" + program_ + '"');
        return fail((status_.empty() ? "" : status_ + " (") + how_it_ended(*ended) +
                    (status_.empty() ? "" : ")"));
    }
    if (is_ready_) {
        channel_.reset();
        if (!has_hello(sessions_)) sessions_.reset();
        return events_.ready(process_.release(), std::move(sessions_));
    }
    if (std::chrono::steady_clock::now() >= give_up_at_) {
        stop();
        return fail("it was not ready after " + std::to_string(successor_patience.count()) + " s");
    }
    timer_.expires_after(successor_poll);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) look();
    });
}

void Successor::hear(pid_t pid) {
    for (;;) {
        const std::string message = receive_from(channel_.get(), pid);
        if (message.empty()) return;
        std::istringstream lines(message);
        for (std::string line; std::getline(lines, line);) {
            constexpr std::string_view status = "STATUS=";
            if (line == "READY=1") is_ready_ = true;
            if (line.starts_with(status)) status_ = line.substr(status.size());
        }
    }
}

void Successor::fail(const std::string& why) {
    channel_.reset();
    sessions_.reset();
    events_.failed(why);
}

} // namespace pgmoat::server

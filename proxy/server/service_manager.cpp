#include "proxy/server/service_manager.h"

#include "proxy/server/limits.h"
#include "proxy/server/successor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <sstream>
#include <utility>

namespace pgmoat::server {

namespace {

std::string take_variable(const char* name) {
    const char* value = std::getenv(name);
    std::string text = value ? value : "";
    (void)::unsetenv(name);
    return text;
}

std::optional<long long> number(const std::string& text) {
    long long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) return {};
    return value;
}

bool is_this_process(const std::string& pid) {
    return number(pid) == static_cast<long long>(::getpid());
}

// "@name" is an abstract socket, without a file.
Descriptor connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() < 2 || path.size() >= sizeof address.sun_path ||
        (path[0] != '/' && path[0] != '@'))
        return {};
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path[0] == '@') address.sun_path[0] = '\0';
    Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return {};
    // A manager that does not read its socket must not block the proxy.
    const timeval patience{notify_patience.count(), 0};
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return {};
    return socket;
}

std::vector<HandedOverSocket> handed_over_sockets() {
    const bool ours = is_this_process(take_variable("LISTEN_PID"));
    const auto count = number(take_variable("LISTEN_FDS"));
    std::istringstream names(take_variable("LISTEN_FDNAMES"));
    std::vector<HandedOverSocket> sockets;
    if (!ours || !count) return sockets;
    const auto bounded = std::min<long long>(*count, handed_over_sockets_max);
    for (int i = 0; i < bounded; ++i) {
        const int socket = first_handed_over + i;
        (void)::fcntl(socket, F_SETFD, FD_CLOEXEC);
        const int flags = ::fcntl(socket, F_GETFL);
        if (flags >= 0) (void)::fcntl(socket, F_SETFL, flags | O_NONBLOCK);
        std::string name;
        std::getline(names, name, ':');
        sockets.push_back({Descriptor(socket), name == name_of_own_file});
    }
    return sockets;
}

// The number comes from the environment: it is only used if it is such a socket.
Descriptor socket_of_sessions(const std::string& text) {
    const auto wanted = number(text);
    if (!wanted || *wanted < first_handed_over ||
        *wanted > handed_over_sockets_max + first_handed_over)
        return {};
    const int socket = static_cast<int>(*wanted);
    int type = 0;
    socklen_t size = sizeof type;
    if (::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
        return {};
    (void)::fcntl(socket, F_SETFD, FD_CLOEXEC);
    return Descriptor(socket);
}

// A value is cut at a line break, which would begin another variable.
std::string line(std::string_view name, std::string_view value) {
    std::string text = std::string(name) + '=' + std::string(value.substr(0, status_bytes_max));
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
    return text + '\n';
}

void send(const Descriptor& channel, const std::string& message) {
    if (channel) (void)::send(channel.get(), message.data(), message.size(), MSG_NOSIGNAL);
}

long long monotonic_microseconds() {
    timespec now{};
    (void)::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000LL + now.tv_nsec / 1000;
}

} // namespace

ServiceManager::ServiceManager() : sockets_(handed_over_sockets()) {
    std::string manager = take_variable("NOTIFY_SOCKET");
    const std::string real_manager = take_variable(real_manager_variable);
    const std::string sessions = take_variable(sessions_variable);
    const std::string first_session = take_variable(first_id_variable);
    if (!take_variable(predecessor_variable).empty()) {
        predecessor_ = connect_to(manager);
        manager = real_manager;
        sessions_ = socket_of_sessions(sessions);
        const auto first = number(first_session);
        if (first && *first > 0) first_session_ = static_cast<std::uint64_t>(*first);
    }
    channel_ = connect_to(manager);
    const std::string pid = take_variable("WATCHDOG_PID");
    const std::string watchdog = take_variable("WATCHDOG_USEC");
    const auto interval = number(watchdog);
    if (!manager.empty()) environment_.push_back(real_manager_variable + ('=' + manager));
    if (!watchdog.empty()) environment_.push_back("WATCHDOG_USEC=" + watchdog);
    if (channel_ && interval && *interval > 0 && (pid.empty() || is_this_process(pid)))
        watchdog_ = std::chrono::microseconds(*interval) / 2; // as sd_watchdog_enabled(3) advises
}

void ServiceManager::main_process_is(int pid) {
    notify("MAINPID=" + std::to_string(pid) + '\n');
    channel_.reset();
    watchdog_.reset();
}

void ServiceManager::failed(std::string_view why) {
    send(predecessor_, line("STATUS", why));
    notify(line("STATUS", why));
}

void ServiceManager::ready(std::string_view status) {
    send(predecessor_, "READY=1\n");
    predecessor_.reset();
    notify("READY=1\n" + line("STATUS", status));
}

void ServiceManager::reloading() {
    notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_microseconds()) + '\n' +
           line("STATUS", "reloading configuration files"));
}

void ServiceManager::stopping(std::string_view status, std::chrono::seconds time_needed) {
    const auto microseconds = std::chrono::microseconds(time_needed).count();
    notify("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + std::to_string(microseconds) + '\n' +
           line("STATUS", status));
}

void ServiceManager::keep_alive() {
    notify("WATCHDOG=1\n");
}

void ServiceManager::notify(const std::string& message) {
    send(channel_, message);
}

} // namespace pgmoat::server

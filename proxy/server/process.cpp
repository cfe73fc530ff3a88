#include "proxy/server/process.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <vector>

namespace pgmoat::server {

namespace {

// For listeners, epoll, eventfds, the log, files read at a reload, connections that are being
// refused.
constexpr std::size_t descriptors_reserved = 128;

// The leak checker of a sanitizer build must be able to attach to the process.
#if defined(__SANITIZE_ADDRESS__)
constexpr int dumpable = 1;
#else
constexpr int dumpable = 0;
#endif

std::size_t descriptors_for(std::size_t connections) {
    return connections * 2 + descriptors_reserved;
}

sigset_t held_signals() {
    sigset_t set;
    (void)::sigemptyset(&set);
    for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2})
        (void)::sigaddset(&set, signal);
    return set;
}

[[noreturn]] void fail(const std::string& what) {
    throw ProcessError(what + ": " + std::generic_category().message(errno));
}

} // namespace

void protect_process() {
    const rlimit none{0, 0};
    (void)::setrlimit(RLIMIT_CORE, &none);
    (void)::prctl(PR_SET_DUMPABLE, dumpable);
    (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)std::signal(SIGPIPE, SIG_IGN);
    (void)::unsetenv("SSLKEYLOGFILE"); // some builds of OpenSSL write session keys there
}

void hold_signals() {
    const sigset_t set = held_signals();
    (void)::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    for (const int ignored : {SIGUSR1, SIGUSR2})
        (void)std::signal(ignored, SIG_IGN);
}

void release_signals() {
    const sigset_t set = held_signals();
    (void)::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void refuse_root(const std::string& user_to_become) {
    if (::geteuid() == 0 && user_to_become.empty())
        throw ProcessError("\"root\" execution of pgmoat is not permitted: start it as an "
                           "unprivileged user, or name one with the setting \"user\"");
}

namespace {

struct Account {
    uid_t user = 0;
    gid_t group = 0;
};

Account account_of(const std::string& user) {
    std::vector<char> buffer(16 * 1024);
    passwd entry{};
    passwd* found = nullptr;
    (void)::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (!found) throw ProcessError("user \"" + user + "\" does not exist");
    if (entry.pw_uid == 0) throw ProcessError("the setting \"user\" must not name root");
    return {entry.pw_uid, entry.pw_gid};
}

} // namespace

void require_user(const std::string& user) {
    if (!user.empty()) (void)account_of(user);
}

std::optional<unsigned> user_to_become(const std::string& user) {
    if (user.empty() || ::geteuid() != 0) return std::nullopt;
    return account_of(user).user;
}

void become_user(const std::string& user) {
    if (user.empty()) return;
    const Account account = account_of(user);
    if (account.user == ::geteuid()) return;
    if (::geteuid() != 0) throw ProcessError("only root can switch to user \"" + user + "\"");
    if (::initgroups(user.c_str(), account.group) != 0) fail("could not set groups");
    if (::setgid(account.group) != 0) fail("could not set group");
    if (::setuid(account.user) != 0) fail("could not switch to user \"" + user + "\"");
    if (::setuid(0) == 0) throw ProcessError("could become root again");
    (void)::prctl(PR_SET_DUMPABLE, dumpable); // setuid() may have changed it
}

std::size_t connections_allowed(std::size_t connections) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return connections;
    if (limit.rlim_max >= descriptors_for(connections)) return connections;
    if (limit.rlim_max < descriptors_for(1))
        throw ProcessError("insufficient file descriptors available: the limit is " +
                           std::to_string(limit.rlim_max) + ", and one connection needs " +
                           std::to_string(descriptors_for(1)));
    return (limit.rlim_max - descriptors_reserved) / 2;
}

std::size_t provide_descriptors(std::size_t connections) {
    const std::size_t allowed = connections_allowed(connections);
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return allowed;
    if (limit.rlim_cur < descriptors_for(connections)) {
        limit.rlim_cur = std::min<rlim_t>(descriptors_for(connections), limit.rlim_max);
        (void)::setrlimit(RLIMIT_NOFILE, &limit);
    }
    return allowed;
}

std::string shortage_of_descriptors(std::size_t allowed, std::size_t wanted) {
    if (allowed >= wanted) return {};
    return "the limit of open files allows only " + std::to_string(allowed) +
           (allowed == 1 ? " connection" : " connections") +
           ", fewer than max_connections = " + std::to_string(wanted);
}

} // namespace pgmoat::server

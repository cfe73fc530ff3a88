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

// Listeners, epoll, eventfds, the log, reading files at a reload, connections that are being
// refused.
constexpr std::size_t descriptors_reserved = 128;

// The leak checker of a sanitizer build looks at the process from outside.
#if defined(__SANITIZE_ADDRESS__)
constexpr int dumpable = 1;
#else
constexpr int dumpable = 0;
#endif

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
    (void)::unsetenv("SSLKEYLOGFILE"); // an OpenSSL may be built to write session keys there
}

void refuse_root(const std::string& user_to_become) {
    if (::geteuid() == 0 && user_to_become.empty())
        throw ProcessError("\"root\" execution of pgmoat is not permitted: start it as an "
                           "unprivileged user, or name one with the setting \"user\"");
}

void become_user(const std::string& user) {
    if (user.empty()) return;
    std::vector<char> buffer(16 * 1024);
    passwd entry{};
    passwd* found = nullptr;
    (void)::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (!found) throw ProcessError("user \"" + user + "\" does not exist");
    if (entry.pw_uid == 0) throw ProcessError("the setting \"user\" must not name root");
    if (entry.pw_uid == ::geteuid()) return;
    if (::geteuid() != 0) throw ProcessError("only root can become user \"" + user + "\"");
    if (::initgroups(user.c_str(), entry.pw_gid) != 0) fail("could not set groups");
    if (::setgid(entry.pw_gid) != 0) fail("could not set group");
    if (::setuid(entry.pw_uid) != 0) fail("could not become user \"" + user + "\"");
    if (::setuid(0) == 0) throw ProcessError("could become root again");
    (void)::prctl(PR_SET_DUMPABLE, dumpable); // setuid() may have set it anew
}

std::size_t provide_descriptors(std::size_t connections) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return connections;
    const std::size_t needed = connections * 2 + descriptors_reserved;
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = std::min<rlim_t>(needed, limit.rlim_max);
        (void)::setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= needed) return connections;
    const std::size_t usable = limit.rlim_cur > descriptors_reserved
                                   ? limit.rlim_cur - descriptors_reserved
                                   : std::size_t{2};
    return usable / 2;
}

} // namespace pgmoat::server

#include "tests/component/session/system_faults.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pwd.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <thread>

namespace {

using pgmoat::test::SystemFaults;

std::mutex mutex; // for all below
SystemFaults faults;
std::thread::id owner;
std::size_t accept_calls = 0;
int accepted = -1;
std::size_t watches = 0;
std::size_t users_looked_up = 0;
bool by_owner = false;
std::atomic<bool> active{false};

template <typename Function>
Function* real(Function* /*type*/, const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool is_owner() {
    return std::this_thread::get_id() == owner;
}

} // namespace

extern "C" {

int accept4(int listener, sockaddr* address, socklen_t* size, int flags) {
    if (active.load(std::memory_order_acquire)) {
        const std::lock_guard lock(mutex);
        if (is_owner()) {
            ++accept_calls;
            if (faults.accept_error != 0) {
                const int error = faults.accept_error;
                if (faults.accepts_failing > 0 && --faults.accepts_failing == 0)
                    faults.accept_error = 0;
                errno = error;
                return -1;
            }
        }
    }
    const int socket = real(&::accept4, "accept4")(listener, address, size, flags);
    if (socket >= 0 && active.load(std::memory_order_acquire)) {
        const std::lock_guard lock(mutex);
        if (is_owner()) accepted = socket;
    }
    return socket;
}

int epoll_ctl(int epoll, int operation, int socket, epoll_event* event) noexcept {
    if (operation == EPOLL_CTL_ADD && active.load(std::memory_order_acquire)) {
        const std::lock_guard lock(mutex);
        if (is_owner() && ++watches == faults.unwatched) {
            errno = ENOSPC; // fs.epoll.max_user_watches
            return -1;
        }
    }
    return real(&::epoll_ctl, "epoll_ctl")(epoll, operation, socket, event);
}

int getnameinfo(const sockaddr* address,
                socklen_t size,
                char* host,
                socklen_t host_size,
                char* service,
                socklen_t service_size,
                int flags) {
    std::chrono::milliseconds silence{0};
    if (active.load(std::memory_order_acquire)) {
        const std::lock_guard lock(mutex);
        silence = faults.names_are_silent;
    }
    std::this_thread::sleep_for(silence);
    return real(&::getnameinfo,
                "getnameinfo")(address, size, host, host_size, service, service_size, flags);
}

int getpwuid_r(uid_t uid, passwd* entry, char* buffer, std::size_t size, passwd** found) {
    std::chrono::milliseconds silence{0};
    if (active.load(std::memory_order_acquire)) {
        const std::lock_guard lock(mutex);
        ++users_looked_up;
        by_owner = by_owner || is_owner();
        silence = faults.users_are_silent;
    }
    std::this_thread::sleep_for(silence);
    return real(&::getpwuid_r, "getpwuid_r")(uid, entry, buffer, size, found);
}

} // extern "C"

namespace pgmoat::test {

WithSystemFaults::WithSystemFaults(const SystemFaults& wanted) {
    const std::lock_guard lock(mutex);
    faults = wanted;
    owner = std::this_thread::get_id();
    accept_calls = watches = users_looked_up = 0;
    accepted = -1;
    by_owner = false;
    active.store(true, std::memory_order_release);
}

WithSystemFaults::~WithSystemFaults() {
    active.store(false, std::memory_order_release);
}

void WithSystemFaults::change(const SystemFaults& wanted) {
    const std::lock_guard lock(mutex);
    faults = wanted;
    watches = 0;
}

std::size_t WithSystemFaults::accepts() const {
    const std::lock_guard lock(mutex);
    return accept_calls;
}

int WithSystemFaults::last_accepted() const {
    const std::lock_guard lock(mutex);
    return accepted;
}

std::size_t WithSystemFaults::user_lookups() const {
    const std::lock_guard lock(mutex);
    return users_looked_up;
}

bool WithSystemFaults::looked_up_here() const {
    const std::lock_guard lock(mutex);
    return by_owner;
}

} // namespace pgmoat::test

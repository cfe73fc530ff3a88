#include "proxy/session/unix_socket_file.h"

#include <fcntl.h>
#include <signal.h> // kill()
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <optional>
#include <system_error>
#include <utility>

namespace pgmoat::session {

namespace {

constexpr int attempts_max =
    100; // PostgreSQL's: other programs may remove and create the file meanwhile

std::string lock_of(const std::string& path) {
    return path + ".lock";
}

[[noreturn]] void fail(const std::string& what, const std::string& file) {
    throw SocketFileError("could not " + what + " lock file \"" + file +
                          "\": " + std::generic_category().message(errno));
}

[[noreturn]] void fail_in_use(const std::string& path, std::optional<pid_t> owner) {
    const std::string pid = owner ? " (PID " + std::to_string(*owner) + ")" : "";
    throw SocketFileError("lock file \"" + lock_of(path) + "\" already exists: is another server" +
                          pid + " using socket file \"" + path + "\"?");
}

// The pid in the file's first line; a minus marks a program other than a postmaster. Nothing:
// unreadable.
std::optional<pid_t> owner_in(int file) {
    std::array<char, 32> text{};
    const ssize_t size = ::pread(file, text.data(), text.size(), 0);
    if (size <= 0) return std::nullopt;
    const char* begin = text[0] == '-' ? text.data() + 1 : text.data();
    pid_t pid = 0;
    const auto parsed = std::from_chars(begin, text.data() + size, pid);
    return parsed.ec == std::errc() && pid > 0 ? std::optional(pid) : std::nullopt;
}

// Our own pid, or our parent's, is a leftover from before a reboot (a container starts with the
// same pids again).
bool is_alive(pid_t pid) {
    if (pid == ::getpid() || pid == ::getppid()) return false;
    return ::kill(pid, 0) == 0 || errno == EPERM;
}

// Whether the open file is still the one with this name.
bool is_still(int file, const std::string& name) {
    struct stat opened {};
    struct stat named {};
    return ::fstat(file, &opened) == 0 && ::stat(name.c_str(), &named) == 0 &&
           opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

// Two pgmoats exclude each other by flock(), whatever the file contains; a postmaster is recognized
// by its pid.
std::optional<Descriptor> try_lock(const std::string& path) {
    const std::string name = lock_of(path);
    Descriptor file(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) fail("create", name);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) fail_in_use(path, owner_in(file.get()));
        fail("lock", name);
    }
    if (!is_still(file.get(), name)) return std::nullopt; // its owner has just removed it
    const auto owner = owner_in(file.get());
    if (owner && is_alive(*owner)) fail_in_use(path, owner);
    return file;
}

// PostgreSQL's lines: pid, data directory, start time, port, socket directory.
void write_owner(int file, const std::string& directory, std::uint16_t port) {
    const std::string text = std::to_string(::getpid()) + "\n\n" +
                             std::to_string(std::time(nullptr)) + "\n" + std::to_string(port) +
                             "\n" + directory + "\n";
    const bool written = ::ftruncate(file, 0) == 0 && ::pwrite(file, text.data(), text.size(), 0) ==
                                                          static_cast<ssize_t>(text.size());
    if (!written) fail("write", directory);
}

Descriptor lock(const std::string& path) {
    for (int attempt = 0; attempt < attempts_max; ++attempt)
        if (auto locked = try_lock(path)) return std::move(*locked);
    fail_in_use(path, std::nullopt);
}

} // namespace

std::string UnixSocketFile::path_in(const std::string& directory, std::uint16_t port) {
    return directory + "/.s.PGSQL." + std::to_string(port);
}

UnixSocketFile::UnixSocketFile(const std::string& directory, std::uint16_t port) {
    const std::string path = path_in(directory, port);
    lock_ = lock(path);
    path_ = path; // from now on we must remove it
    try {
        write_owner(lock_.get(), directory, port);
    } catch (const SocketFileError&) {
        remove();
        throw;
    }
    ::unlink(path.c_str());
}

// The old process still has the lock for a moment; after that, our pid in the file keeps others
// away.
UnixSocketFile UnixSocketFile::take_over(const std::string& directory, std::uint16_t port) {
    UnixSocketFile taken;
    const std::string path = path_in(directory, port);
    const std::string name = lock_of(path);
    taken.lock_ = Descriptor(::open(name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (!taken.lock_) fail("open", name);
    write_owner(taken.lock_.get(), directory, port);
    taken.path_ = path;
    return taken;
}

void UnixSocketFile::leave() noexcept {
    path_.clear();
    lock_.reset();
}

UnixSocketFile::UnixSocketFile(UnixSocketFile&& other) noexcept
    : lock_(std::move(other.lock_)), path_(std::exchange(other.path_, {})) {}

UnixSocketFile& UnixSocketFile::operator=(UnixSocketFile&& other) noexcept {
    if (this == &other) return *this;
    remove();
    lock_ = std::move(other.lock_);
    path_ = std::exchange(other.path_, {});
    return *this;
}

UnixSocketFile::~UnixSocketFile() {
    remove();
}

// The lock is released last: its next owner finds no socket of ours.
void UnixSocketFile::remove() noexcept {
    if (path_.empty()) return;
    ::unlink(path_.c_str());
    ::unlink((path_ + ".lock").c_str());
    path_.clear();
    lock_.reset();
}

} // namespace pgmoat::session

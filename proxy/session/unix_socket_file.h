// A Unix-domain socket in the file system, and PostgreSQL's lock file beside it (".lock"), so that
// two programs that start at the same time cannot both use it: a postmaster checks the same file.
// The destructor removes both. Source: PostgreSQL, src/backend/utils/init/miscinit.c,
// CreateLockFile().
#pragma once

#include "proxy/descriptor.h"

#include <cstdint>
#include <stdexcept>
#include <string>

namespace pgmoat::session {

// The socket belongs to another program, or its directory cannot be written.
struct SocketFileError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class UnixSocketFile {
  public:
    UnixSocketFile() = default;
    // Takes the lock and removes what a crash has left. Throws SocketFileError with PostgreSQL's
    // texts.
    UnixSocketFile(const std::string& directory, std::uint16_t port);
    UnixSocketFile(UnixSocketFile&& other) noexcept;
    UnixSocketFile& operator=(UnixSocketFile&& other) noexcept;
    UnixSocketFile(const UnixSocketFile&) = delete;
    UnixSocketFile& operator=(const UnixSocketFile&) = delete;
    ~UnixSocketFile();

    // Takes over the file of the old process at an upgrade. Throws SocketFileError.
    [[nodiscard]] static UnixSocketFile take_over(const std::string& directory, std::uint16_t port);
    // Another process has taken it over: do not remove it.
    void leave() noexcept;

    // The path where libpq looks for it.
    [[nodiscard]] static std::string path_in(const std::string& directory, std::uint16_t port);
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

  private:
    void remove() noexcept;

    Descriptor lock_;  // holds the lock as long as it is open
    std::string path_; // empty: none
};

} // namespace pgmoat::session

// A Unix-domain socket in the file system, and PostgreSQL's lock file beside it (".lock"), so that
// two programs that start at once do not take it from each other: a postmaster looks at the same
// file. Both are removed with this object.
// Source: PostgreSQL, src/backend/utils/init/miscinit.c, CreateLockFile().
#pragma once

#include "proxy/descriptor.h"

#include <cstdint>
#include <stdexcept>
#include <string>

namespace pgmoat::session {

// The socket is another program's, or its folder cannot be written.
struct SocketFileError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class UnixSocketFile {
  public:
    UnixSocketFile() = default;
    // Takes the lock and removes what a crash has left. Throws SocketFileError in PostgreSQL's words.
    UnixSocketFile(const std::string& directory, std::uint16_t port);
    UnixSocketFile(UnixSocketFile&& other) noexcept;
    UnixSocketFile& operator=(UnixSocketFile&& other) noexcept;
    UnixSocketFile(const UnixSocketFile&) = delete;
    UnixSocketFile& operator=(const UnixSocketFile&) = delete;
    ~UnixSocketFile();

    // The file of a living predecessor, which will leave it. Throws SocketFileError.
    [[nodiscard]] static UnixSocketFile take_over(const std::string& directory, std::uint16_t port);
    // Another process has taken it over: it stays.
    void leave() noexcept;

    // As libpq looks for it.
    [[nodiscard]] static std::string path_in(const std::string& directory, std::uint16_t port);
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

  private:
    void remove() noexcept;

    Descriptor lock_;  // locked as long as it is open
    std::string path_; // empty: there is none
};

} // namespace pgmoat::session

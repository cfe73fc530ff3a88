// A socket address as a value: the result of a name lookup, and the argument of connect(). TCP or
// Unix.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

namespace pgmoat::lookups {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;

    [[nodiscard]] const sockaddr* get() const noexcept {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
    [[nodiscard]] int family() const noexcept { return storage.ss_family; }
};

// "10.0.0.5:5432", "[fe80::1%eth0]:5432", "/run/postgresql/.s.PGSQL.5432".
[[nodiscard]] std::string to_text(const SocketAddress& address);

// A copy with this port; Unix sockets have none.
[[nodiscard]] SocketAddress with_port(SocketAddress address, std::uint16_t port);

// "10.0.0.5", "fe80::1%eth0"; nothing: not a numeric address.
[[nodiscard]] std::optional<SocketAddress> numeric_address(const std::string& text,
                                                           std::uint16_t port);

// PostgreSQL's socket file in `folder`; '@' begins an abstract name, as in libpq. Nothing: the path
// is too long.
[[nodiscard]] std::optional<SocketAddress> unix_address(const std::string& folder,
                                                        std::uint16_t port);

} // namespace pgmoat::lookups

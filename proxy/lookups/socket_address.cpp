#include "proxy/lookups/socket_address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace pgmoat::lookups {

namespace {

std::string unix_path(const SocketAddress& address) {
    sockaddr_un local{};
    std::memcpy(&local, &address.storage, sizeof local);
    const std::size_t bytes = address.size - offsetof(sockaddr_un, sun_path);
    std::string path(local.sun_path, bytes);
    if (!path.empty() && path.front() == '\0')
        path.front() = '@';
    else
        path = path.c_str();
    return path;
}

} // namespace

std::string to_text(const SocketAddress& address) {
    if (address.family() == AF_UNIX) return unix_path(address);
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    if (::getnameinfo(address.get(),
                      address.size,
                      host.data(),
                      host.size(),
                      port.data(),
                      port.size(),
                      NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return "?";
    const std::string shown = host.data();
    return (address.family() == AF_INET6 ? "[" + shown + "]" : shown) + ":" + port.data();
}

// memcpy() rather than a cast, which would break the aliasing rules.
SocketAddress with_port(SocketAddress address, std::uint16_t port) {
    if (address.family() == AF_INET) {
        sockaddr_in ip4{};
        std::memcpy(&ip4, &address.storage, sizeof ip4);
        ip4.sin_port = htons(port);
        std::memcpy(&address.storage, &ip4, sizeof ip4);
    } else if (address.family() == AF_INET6) {
        sockaddr_in6 ip6{};
        std::memcpy(&ip6, &address.storage, sizeof ip6);
        ip6.sin6_port = htons(port);
        std::memcpy(&address.storage, &ip6, sizeof ip6);
    }
    return address;
}

std::optional<SocketAddress> numeric_address(const std::string& text, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* found = nullptr;
    if (::getaddrinfo(text.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
    SocketAddress address;
    address.size = found->ai_addrlen;
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    ::freeaddrinfo(found);
    return with_port(address, port);
}

std::optional<SocketAddress> unix_address(const std::string& folder, std::uint16_t port) {
    const std::string path = folder + "/.s.PGSQL." + std::to_string(port);
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    if (path.size() >= sizeof local.sun_path) return std::nullopt;
    std::memcpy(local.sun_path, path.data(), path.size());
    const bool is_abstract = path.front() == '@';
    if (is_abstract) local.sun_path[0] = '\0';
    SocketAddress address;
    std::memcpy(&address.storage, &local, sizeof local);
    const std::size_t length =
        path.size() + (is_abstract ? 0 : 1); // an abstract name has no terminator
    address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    return address;
}

} // namespace pgmoat::lookups

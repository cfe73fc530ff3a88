#include "proxy/server/handed_over_sockets.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace pgmoat::server {

namespace {

bool own_address(const Descriptor& socket, sockaddr_storage& address) {
    socklen_t size = sizeof address;
    return ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0;
}

bool is_same_address(const sockaddr_storage& bound, const sockaddr* wanted, socklen_t size) {
    if (bound.ss_family != wanted->sa_family || size > sizeof bound) return false;
    sockaddr_storage other{};
    std::memcpy(&other, wanted, size);
    if (wanted->sa_family == AF_INET) {
        const auto& a = reinterpret_cast<const sockaddr_in&>(bound);
        const auto& b = reinterpret_cast<const sockaddr_in&>(other);
        return (b.sin_port == 0 || a.sin_port == b.sin_port) &&
               a.sin_addr.s_addr == b.sin_addr.s_addr;
    }
    if (wanted->sa_family == AF_INET6) {
        const auto& a = reinterpret_cast<const sockaddr_in6&>(bound);
        const auto& b = reinterpret_cast<const sockaddr_in6&>(other);
        return (b.sin6_port == 0 || a.sin6_port == b.sin6_port) &&
               a.sin6_scope_id == b.sin6_scope_id &&
               std::memcmp(&a.sin6_addr, &b.sin6_addr, sizeof a.sin6_addr) == 0;
    }
    const auto& a = reinterpret_cast<const sockaddr_un&>(bound);
    const auto& b = reinterpret_cast<const sockaddr_un&>(other);
    return std::strncmp(a.sun_path, b.sun_path, sizeof a.sun_path) == 0;
}

std::string shown(const Descriptor& socket) {
    sockaddr_storage address{};
    if (!own_address(socket, address)) return "something that is no socket";
    if (address.ss_family == AF_UNIX)
        return "Unix socket \"" +
               std::string(reinterpret_cast<const sockaddr_un&>(address).sun_path) + '"';
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    (void)::getnameinfo(reinterpret_cast<const sockaddr*>(&address),
                        sizeof address,
                        host.data(),
                        host.size(),
                        port.data(),
                        port.size(),
                        NI_NUMERICHOST | NI_NUMERICSERV);
    return std::string("address \"") + host.data() + "\", port " + port.data();
}

} // namespace

HandedOverSocket HandedOverSockets::take(const sockaddr* wanted, socklen_t size) {
    const auto found = std::ranges::find_if(sockets_, [&](const HandedOverSocket& one) {
        sockaddr_storage bound{};
        return own_address(one.socket, bound) && is_same_address(bound, wanted, size);
    });
    if (found == sockets_.end()) return {};
    HandedOverSocket taken = std::move(*found);
    sockets_.erase(found);
    return taken;
}

std::string HandedOverSockets::unclaimed() const {
    return sockets_.empty() ? std::string() : shown(sockets_.front().socket);
}

} // namespace pgmoat::server

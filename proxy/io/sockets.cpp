#include "proxy/io/sockets.h"

#include "proxy/descriptor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <cstring>

namespace pgmoat::io {

namespace {

// Best effort, like PostgreSQL: a socket without one of these options still works.
void set(int socket, int level, int option, int value) {
    (void)::setsockopt(socket, level, option, &value, sizeof value);
}

// 0: unknown.
int value_of(int socket, int option) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(socket, IPPROTO_TCP, option, &value, &size) == 0 ? value : 0;
}

std::string numeric(int family, const void* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    return ::inet_ntop(family, address, text.data(), text.size()) ? text.data() : "";
}

} // namespace

void apply_tcp_settings(int socket, int family, const TcpSettings& settings) {
    if (family == AF_UNIX) return;
    set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    if (!settings.keepalives) return;
    set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (settings.keepalives_idle > 0)
        set(socket, IPPROTO_TCP, TCP_KEEPIDLE, settings.keepalives_idle);
    if (settings.keepalives_interval > 0)
        set(socket, IPPROTO_TCP, TCP_KEEPINTVL, settings.keepalives_interval);
    if (settings.keepalives_count > 0)
        set(socket, IPPROTO_TCP, TCP_KEEPCNT, settings.keepalives_count);
    if (settings.user_timeout_ms > 0)
        set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, settings.user_timeout_ms);
}

void apply_to_listening_socket(int socket, int family, TcpSettings settings) {
    if (family == AF_UNIX) return;
    const Descriptor fresh(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto fill_in = [&fresh](int& setting, int option) {
        if (setting == 0) setting = value_of(fresh.get(), option);
    };
    fill_in(settings.keepalives_idle, TCP_KEEPIDLE);
    fill_in(settings.keepalives_interval, TCP_KEEPINTVL);
    fill_in(settings.keepalives_count, TCP_KEEPCNT);
    apply_tcp_settings(socket, family, settings);
    if (settings.user_timeout_ms == 0) set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, 0);
}

// memcpy() rather than a cast, which would break the aliasing rules.
PeerAddress peer_address(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET) {
        sockaddr_in ip4;
        std::memcpy(&ip4, &address, sizeof ip4);
        return {numeric(AF_INET, &ip4.sin_addr), ntohs(ip4.sin_port), false};
    }
    if (address.ss_family == AF_INET6) {
        sockaddr_in6 ip6;
        std::memcpy(&ip6, &address, sizeof ip6);
        if (IN6_IS_ADDR_V4MAPPED(&ip6.sin6_addr))
            return {numeric(AF_INET, &ip6.sin6_addr.s6_addr[12]), ntohs(ip6.sin6_port), false};
        return {numeric(AF_INET6, &ip6.sin6_addr), ntohs(ip6.sin6_port), false};
    }
    return {"[local]", 0, true};
}

PeerAddress local_address(int socket) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    return peer_address(address);
}

std::optional<uid_t> peer_uid(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return std::nullopt;
    return credentials.uid;
}

} // namespace pgmoat::io

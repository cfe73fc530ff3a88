#include "bench/target.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace pgmoat::bench {
namespace {

int open_socket(int family) {
    const int descriptor = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        throw std::system_error(errno, std::generic_category(), "socket");
    }
    return descriptor;
}

void connect_or_throw(int descriptor, const sockaddr* name, socklen_t bytes) {
    if (::connect(descriptor, name, bytes) != 0 && errno != EINPROGRESS) {
        const int error = errno;
        ::close(descriptor);
        throw std::system_error(error, std::generic_category(), "connect");
    }
}

int start_unix_connect(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (path.size() >= sizeof name.sun_path) {
        throw std::invalid_argument("unix socket path is too long: " + path);
    }
    std::memcpy(name.sun_path, path.data(), path.size());
    const int descriptor = open_socket(AF_UNIX);
    connect_or_throw(descriptor, reinterpret_cast<const sockaddr*>(&name), sizeof name);
    return descriptor;
}

void bind_source(int descriptor, std::size_t source) {
    // The port is chosen at connect, so that one port serves several destinations.
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(source));
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
        throw std::system_error(errno, std::generic_category(), "bind");
    }
}

} // namespace

int start_connect(const Target& target, std::size_t number) {
    if (target.host.starts_with('/')) {
        return start_unix_connect(target.host);
    }
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(target.port);
    if (::inet_pton(AF_INET, target.host.c_str(), &name.sin_addr) != 1) {
        throw std::invalid_argument("not an IPv4 address: " + target.host);
    }
    const int descriptor = open_socket(AF_INET);
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (target.sources > 0) {
        bind_source(descriptor, number % target.sources);
    }
    connect_or_throw(descriptor, reinterpret_cast<const sockaddr*>(&name), sizeof name);
    return descriptor;
}

int connect_outcome(int descriptor) {
    int error = 0;
    socklen_t bytes = sizeof error;
    ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &bytes);
    if (error != 0) {
        return error;
    }
    sockaddr_storage peer{};
    socklen_t peer_bytes = sizeof peer;
    return ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &peer_bytes) == 0 ? 0
                                                                                           : errno;
}

} // namespace pgmoat::bench

#include "proxy/lookups/dns.h"

#include "proxy/lookups/socket_address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <tuple>

namespace pgmoat::lookups {

using hba::ClientHostName;
using hba::Family;
using hba::NetAddress;

namespace {

SocketAddress socket_address(const NetAddress& address) {
    SocketAddress result;
    if (address.family == Family::ipv4) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        std::memcpy(&in.sin_addr, address.bytes.data(), sizeof in.sin_addr);
        std::memcpy(&result.storage, &in, sizeof in);
        result.size = sizeof in;
    } else {
        sockaddr_in6 in6{};
        in6.sin6_family = AF_INET6;
        std::memcpy(&in6.sin6_addr, address.bytes.data(), sizeof in6.sin6_addr);
        std::memcpy(&result.storage, &in6, sizeof in6);
        result.size = sizeof in6;
    }
    return result;
}

std::string resolver_error(int code) {
    if (code == EAI_SYSTEM) return std::generic_category().message(errno);
    return ::gai_strerror(code);
}

bool is_same(const addrinfo& found, const NetAddress& address) {
    if (address.family == Family::ipv4 && found.ai_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, found.ai_addr, sizeof in);
        return std::memcmp(&in.sin_addr, address.bytes.data(), sizeof in.sin_addr) == 0;
    }
    if (address.family == Family::ipv6 && found.ai_family == AF_INET6) {
        sockaddr_in6 in6{};
        std::memcpy(&in6, found.ai_addr, sizeof in6);
        return std::memcmp(&in6.sin6_addr, address.bytes.data(), sizeof in6.sin6_addr) == 0;
    }
    return false;
}

void look_forward(ClientHostName& host, const NetAddress& address) {
    addrinfo* found = nullptr;
    if (const int code = ::getaddrinfo(host.name.c_str(), nullptr, nullptr, &found); code != 0) {
        host.forward_error = resolver_error(code);
        return;
    }
    for (const addrinfo* entry = found; entry; entry = entry->ai_next)
        host.forward_matches = host.forward_matches || is_same(*entry, address);
    ::freeaddrinfo(found);
}

} // namespace

ClientHostName look_up_host_name(const NetAddress& address) {
    ClientHostName host;
    if (address.family == Family::local) {
        host.reverse_error = "a unix socket has no host name";
        return host;
    }
    const SocketAddress socket = socket_address(address);
    std::array<char, NI_MAXHOST> name{};
    const int code =
        ::getnameinfo(socket.get(), socket.size, name.data(), name.size(), nullptr, 0, NI_NAMEREQD);
    if (code != 0) {
        host.reverse_error = resolver_error(code);
        return host;
    }
    host.name = name.data();
    look_forward(host, address);
    return host;
}

bool ByAddress::operator()(const NetAddress& a, const NetAddress& b) const noexcept {
    return std::tie(a.family, a.bytes) < std::tie(b.family, b.bytes);
}

PoolBounds host_name_bounds() {
    return {name_workers, names_waiting_max, names_cached_max};
}

HostNames::Work host_name_work() {
    HostNames::Work work;
    work.new_worker = [] {
        return [](const NetAddress& address, const std::stop_token&) {
            return look_up_host_name(address);
        };
    };
    work.keep_for = [](const ClientHostName& host) -> HostNames::Clock::duration {
        const bool failed = !host.reverse_error.empty() || !host.forward_error.empty();
        return failed ? failed_name_kept : name_kept;
    };
    work.too_many.reverse_error = "too many lookups";
    return work;
}

} // namespace pgmoat::lookups

#include "proxy/lookups/interfaces.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace pgmoat::lookups {

using hba::Family;
using hba::NetAddress;

namespace {

NetAddress net_address(const sockaddr& address, Family family) {
    NetAddress result{family, {}};
    if (family == Family::ipv4) {
        sockaddr_in in{};
        std::memcpy(&in, &address, sizeof in);
        std::memcpy(result.bytes.data(), &in.sin_addr, sizeof in.sin_addr);
    } else {
        sockaddr_in6 in6{};
        std::memcpy(&in6, &address, sizeof in6);
        std::memcpy(result.bytes.data(), &in6.sin6_addr, sizeof in6.sin6_addr);
    }
    return result;
}

} // namespace

hba::OwnInterfaces own_interfaces() {
    hba::OwnInterfaces own;
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) return own;
    for (const ifaddrs* entry = first; entry; entry = entry->ifa_next) {
        if (!entry->ifa_addr || !entry->ifa_netmask) continue;
        const int family = entry->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        const Family ours = family == AF_INET ? Family::ipv4 : Family::ipv6;
        own.networks.push_back(
            {net_address(*entry->ifa_addr, ours), net_address(*entry->ifa_netmask, ours)});
    }
    ::freeifaddrs(first);
    return own;
}

} // namespace pgmoat::lookups

#include "proxy/admin/http/listen.h"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/errc.hpp>
#include <boost/system/error_code.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace pgmoat::admin {

namespace {

struct HostAndPort {
    std::string host;
    std::uint16_t port;
};

// An IPv6 address is in brackets, so that its colons are not taken for the one before the port.
std::optional<HostAndPort> split(std::string_view address) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = address.substr(0, colon);
    const std::string_view port = address.substr(colon + 1);

    const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (host.empty() || (!bracketed && host.find(':') != std::string_view::npos))
        return std::nullopt;

    HostAndPort parts{.host = std::string(host), .port = 0};
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parts.port);
    if (error != std::errc{} || end != port.data() + port.size()) return std::nullopt;
    return parts;
}

std::vector<tcp::endpoint>
endpoints_of(asio::io_context& context, const HostAndPort& where, error_code& error) {
    if (where.host == "*")
        return {{asio::ip::address_v4::any(), where.port},
                {asio::ip::address_v6::any(), where.port}};
    const auto literal = asio::ip::make_address(where.host, error);
    if (!error) return {{literal, where.port}};

    std::vector<tcp::endpoint> endpoints;
    tcp::resolver resolver(context);
    const auto service = std::to_string(where.port);
    for (const auto& entry : resolver.resolve(where.host, service, tcp::resolver::passive, error)) {
        endpoints.push_back(entry.endpoint());
    }
    return endpoints;
}

// Close-on-exec, so that a child does not keep the port. `only_v6`: IPv4 has a socket of its own.
void listen(tcp::acceptor& acceptor,
            const tcp::endpoint& endpoint,
            bool only_v6,
            error_code& error) {
    const int family = endpoint.protocol().family();
    const int descriptor = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        error = error_code(errno, boost::system::system_category());
        return;
    }
    acceptor.assign(endpoint.protocol(), descriptor, error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error && family == AF_INET6 && only_v6)
        acceptor.set_option(asio::ip::v6_only(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
}

std::string failure(const std::string& address, const error_code& error) {
    return "could not listen on HTTP address \"" + address + "\": " + error.message();
}

std::string shown(const tcp::endpoint& endpoint) {
    const std::string address = endpoint.address().to_string();
    const std::string host = endpoint.address().is_v6() ? '[' + address + ']' : address;
    return host + ':' + std::to_string(endpoint.port());
}

} // namespace

HttpSockets
open_http_sockets(asio::io_context& context, const std::string& address, const ClaimSocket& claim) {
    const auto where = split(address);
    if (!where) {
        throw ListenError("invalid HTTP address \"" + address + "\": expected HOST:PORT");
    }
    HttpSockets sockets;
    error_code error;
    error_code first_error;
    const auto endpoints = endpoints_of(context, *where, error);
    if (endpoints.empty()) throw ListenError(failure(address, error));
    std::set<tcp::endpoint> tried; // a resolver may name an address twice
    for (const tcp::endpoint& endpoint : endpoints) {
        if (!tried.insert(endpoint).second) continue;
        error = {};
        tcp::acceptor acceptor(context);
        if (const int claimed = claim ? claim(endpoint) : -1; claimed >= 0)
            acceptor.assign(endpoint.protocol(), claimed, error);
        else
            listen(acceptor, endpoint, endpoints.size() > 1, error);
        if (!error) {
            sockets.acceptors.push_back(std::move(acceptor));
            continue;
        }
        if (!first_error) first_error = error;
        // No warning on a machine without IPv6.
        const bool family_is_missing = error == asio::error::address_family_not_supported ||
                                       error == boost::system::errc::address_not_available;
        if (!family_is_missing) sockets.warnings.push_back(failure(shown(endpoint), error));
    }
    if (sockets.acceptors.empty()) throw ListenError(failure(address, first_error));
    return sockets;
}

bool is_exposed(const HttpSockets& sockets) {
    return std::ranges::any_of(sockets.acceptors, [](const tcp::acceptor& acceptor) {
        error_code error;
        const tcp::endpoint endpoint = acceptor.local_endpoint(error);
        return error || !endpoint.address().is_loopback();
    });
}

bool sounds_exposed(std::string_view address) {
    const auto where = split(address);
    if (!where || where->host == "localhost") return false;
    error_code error;
    const auto literal = asio::ip::make_address(where->host, error);
    return error || !literal.is_loopback();
}

} // namespace pgmoat::admin

#include "proxy/admin/http/listen.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
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

// An IPv6 address stands in brackets: its colons are not the one before the port.
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
    if (where.host == "*") {
        // On Linux the first covers both families; a kernel without IPv6 has only the second.
        return {{asio::ip::address_v6::any(), where.port},
                {asio::ip::address_v4::any(), where.port}};
    }
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

void listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, error_code& error) {
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
}

} // namespace

tcp::acceptor open_http_acceptor(asio::io_context& context, const std::string& address) {
    const auto where = split(address);
    if (!where) {
        throw ListenError("invalid HTTP address \"" + address + "\": expected HOST:PORT");
    }
    error_code error;
    for (const tcp::endpoint& endpoint : endpoints_of(context, *where, error)) {
        tcp::acceptor acceptor(context);
        listen(acceptor, endpoint, error);
        if (!error) return acceptor;
    }
    throw ListenError("could not listen on HTTP address \"" + address + "\": " + error.message());
}

bool is_exposed(const tcp::acceptor& acceptor) {
    error_code error;
    const tcp::endpoint endpoint = acceptor.local_endpoint(error);
    return error || !endpoint.address().is_loopback();
}

bool sounds_exposed(std::string_view address) {
    const auto where = split(address);
    if (!where || where->host == "localhost") return false;
    error_code error;
    const auto literal = asio::ip::make_address(where->host, error);
    return error || !literal.is_loopback();
}

} // namespace pgmoat::admin

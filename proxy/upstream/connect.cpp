#include "proxy/upstream/connect.h"

#include "proxy/io/sockets.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace pgmoat::upstream {

namespace {

using asio::ip::tcp;

Address tcp_address(const tcp::endpoint& endpoint) {
    const std::string ip = endpoint.address().to_string();
    const std::string shown = endpoint.address().is_v6() ? "[" + ip + "]" : ip;
    return {endpoint, shown + ":" + std::to_string(endpoint.port())};
}

// PostgreSQL's socket file; '@' begins an abstract name, as in libpq.
Address local_address(const config::UpstreamHost& host) {
    const std::string path = host.host + "/.s.PGSQL." + std::to_string(host.port);
    std::string name = path;
    if (name[0] == '@') name[0] = '\0';
    return {asio::local::stream_protocol::endpoint(name), path};
}

} // namespace

Awaitable<std::variant<std::vector<Address>, std::string>>
resolve(tcp::resolver& resolver, const config::UpstreamHost& host) {
    using Result = std::variant<std::vector<Address>, std::string>;
    std::vector<Address> addresses;
    if (host.is_local()) {
        addresses.push_back(local_address(host));
        co_return Result(std::move(addresses));
    }
    const std::string& name = host.hostaddr.empty() ? host.host : host.hostaddr;
    error_code not_numeric;
    const auto ip = asio::ip::make_address(name, not_numeric);
    if (!not_numeric) {
        addresses.push_back(tcp_address({ip, host.port}));
        co_return Result(std::move(addresses));
    }
    const auto [error, found] =
        co_await resolver.async_resolve(name, std::to_string(host.port), as_value);
    if (error)
        co_return Result("could not translate host name \"" + name +
                         "\" to address: " + error.message());
    for (const auto& entry : found)
        addresses.push_back(tcp_address(entry.endpoint()));
    co_return Result(std::move(addresses));
}

std::unique_ptr<io::Stream>
open_socket(asio::io_context& context, const Address& address, const config::Conninfo& conninfo) {
    const int family = address.endpoint.protocol().family();
    Descriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return nullptr;
    io::apply_tcp_settings(socket.get(),
                           {conninfo.keepalives,
                            conninfo.keepalives_idle,
                            conninfo.keepalives_interval,
                            conninfo.keepalives_count,
                            conninfo.tcp_user_timeout_ms});
    return std::make_unique<io::Stream>(context, std::move(socket), family);
}

} // namespace pgmoat::upstream

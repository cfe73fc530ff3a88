// From a configured host to connected sockets: name resolution and connect(), nothing of
// PostgreSQL. The resolver runs on a thread of Asio's, so a slow name server delays only who waits
// for it.
#pragma once

#include "proxy/config/conninfo.h"
#include "proxy/io/asio.h"
#include "proxy/io/stream.h"

#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace pgmoat::upstream {

struct Address {
    asio::generic::stream_protocol::endpoint endpoint;
    std::string text; // "10.0.0.5:5432", "/run/postgresql/.s.PGSQL.5432"
};

// The addresses of one host in the order to try them, or why there are none, in libpq's words.
[[nodiscard]] Awaitable<std::variant<std::vector<Address>, std::string>>
resolve(asio::ip::tcp::resolver& resolver, const config::UpstreamHost& host);

// An unconnected socket for the address with the conninfo's TCP settings; nullptr with errno set.
[[nodiscard]] std::unique_ptr<io::Stream>
open_socket(asio::io_context& context, const Address& address, const config::Conninfo& conninfo);

} // namespace pgmoat::upstream

// Opens the sockets that the HTTP endpoint listens on, from the value of `http_listen`.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::admin {

// The message names the address and the reason.
class ListenError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct HttpSockets {
    std::vector<boost::asio::ip::tcp::acceptor> acceptors; // at least one
    std::vector<std::string> warnings;                     // addresses that could not be bound
};

// "127.0.0.1:9632", "[::1]:9632", "localhost:9632", "*:9632". A name means all of its addresses,
// `*` both families, as with listen_addresses. Port 0 lets the system choose. Resolves names, so it
// may block: for the start only. Throws ListenError if no address can be bound. `claim` returns a
// listening socket that is already bound to an address, or -1; the caller of `claim` owns it.
using ClaimSocket = std::function<int(const boost::asio::ip::tcp::endpoint&)>;
[[nodiscard]] HttpSockets open_http_sockets(boost::asio::io_context& context,
                                            const std::string& address,
                                            const ClaimSocket& claim = nullptr);

// Whether other machines can reach it: without TLS and passwords that deserves a warning.
[[nodiscard]] bool is_exposed(const HttpSockets& sockets);
// The same by the text only, without opening anything: names other than localhost may be anywhere.
[[nodiscard]] bool sounds_exposed(std::string_view address);

} // namespace pgmoat::admin

// The endpoint between the control plane and the console, which do not know each other: the control
// plane recognises clients that ask for the virtual database, and the server gives it a ServeConsole
// that serves them. Everything runs on the control thread that has the connection.
#pragma once

#include "metrics/labels.h"
#include "proxy/admin/console/console_login.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace pgmoat::admin {

// The client's connection, in TLS or not. What ends it is kept by the connection itself.
class ConsoleClient {
  public:
    virtual ~ConsoleClient() = default;
    // At least one byte; 0: the connection is over, or nothing came for so long.
    [[nodiscard]] virtual boost::asio::awaitable<std::size_t>
    read(std::span<std::uint8_t> into, std::chrono::seconds at_most) = 0;
    // False: the connection is over, or the client does not read.
    [[nodiscard]] virtual boost::asio::awaitable<bool> write(std::span<const std::uint8_t> bytes,
                                                             std::chrono::seconds at_most) = 0;
    // The login is over: authentication_timeout ends here, and the session is the console's.
    virtual void logged_in() = 0;
    // The server wants the session to end: code that waits for something else than the client asks.
    [[nodiscard]] virtual bool interrupted() const = 0;
};

struct ConsoleEnd {
    metrics::CloseReason reason = metrics::CloseReason::internal;
    std::string detail;
};

// Serves the client until it leaves. Nothing: the connection ended by itself. What it refers to
// must outlive the call.
using ServeConsole = std::function<boost::asio::awaitable<std::optional<ConsoleEnd>>(
    ConsoleClient& client, const ConsoleLogin& login)>;

} // namespace pgmoat::admin

// The interface between the control plane and the console, which do not include each other: the
// control plane recognises clients of the virtual database, and the server gives it a ServeConsole
// for them. Everything runs on the control thread that has the connection.
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

// The client's connection, with or without TLS. The connection itself records why it ended.
class ConsoleClient {
  public:
    virtual ~ConsoleClient() = default;
    // Reads at least one byte; 0: the connection has ended, or nothing came in time.
    [[nodiscard]] virtual boost::asio::awaitable<std::size_t>
    read(std::span<std::uint8_t> into, std::chrono::seconds at_most) = 0;
    // False: the connection has ended, or the client does not read.
    [[nodiscard]] virtual boost::asio::awaitable<bool> write(std::span<const std::uint8_t> bytes,
                                                             std::chrono::seconds at_most) = 0;
    // The login is complete: authentication_timeout ends, and the session belongs to the console.
    virtual void logged_in() = 0;
    // The server wants the session to end: to be checked by code that waits for anything but the
    // client.
    [[nodiscard]] virtual bool interrupted() const = 0;
};

struct ConsoleEnd {
    metrics::CloseReason reason = metrics::CloseReason::internal;
    std::string detail;
};

// Serves the client until it disconnects. Nothing: the connection ended by itself. Arguments must
// outlive the call.
using ServeConsole = std::function<boost::asio::awaitable<std::optional<ConsoleEnd>>(
    ConsoleClient& client, const ConsoleLogin& login)>;

} // namespace pgmoat::admin

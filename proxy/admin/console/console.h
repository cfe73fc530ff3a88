// The console: serves a client of the virtual database (console_endpoint.h) from authentication to
// the end of its session. Coroutines on the control thread that has the connection, which only
// reads and writes. Statements run on a thread of their own, so that no login waits for a sort of
// 100,000 connections; their data and actions come from the server's first control thread.
#pragma once

#include "proxy/admin/console/backend.h"
#include "proxy/admin/console/console_endpoint.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>

namespace pgmoat::admin {

class Console {
  public:
    // `backend` is called on `main`, statements run on `worker`. All must outlive the sessions.
    Console(boost::asio::any_io_executor main,
            boost::asio::any_io_executor worker,
            Backend& backend)
        : main_(std::move(main)), worker_(std::move(worker)), backend_(backend) {}
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;

    // A ServeConsole. Any control thread.
    [[nodiscard]] boost::asio::awaitable<std::optional<ConsoleEnd>>
    serve(ConsoleClient& client, const ConsoleLogin& login);

    // Sessions that are logged in or logging in. Any thread.
    [[nodiscard]] std::size_t sessions() const noexcept {
        return sessions_.load(std::memory_order_relaxed);
    }

  private:
    boost::asio::any_io_executor main_;
    boost::asio::any_io_executor worker_;
    Backend& backend_;
    std::atomic<std::size_t> sessions_{0};
};

} // namespace pgmoat::admin

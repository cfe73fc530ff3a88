// The console: serves whoever came through the endpoint (console_endpoint.h), from the proof of who
// he is to the end of his session. Coroutines on the control thread that has the connection;
// statements are carried out on the server's first control thread, which owns what they look at.
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
    // `backend` is called on `main`, nowhere else. Both must outlive the sessions.
    Console(boost::asio::any_io_executor main, Backend& backend)
        : main_(std::move(main)), backend_(backend) {}
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;

    // A ServeConsole. Any control thread.
    [[nodiscard]] boost::asio::awaitable<std::optional<ConsoleEnd>>
    serve(ConsoleClient& client, const ConsoleLogin& login);

    // Sessions that are logged in or on their way. Any thread.
    [[nodiscard]] std::size_t sessions() const noexcept {
        return sessions_.load(std::memory_order_relaxed);
    }

  private:
    boost::asio::any_io_executor main_;
    Backend& backend_;
    std::atomic<std::size_t> sessions_{0};
};

} // namespace pgmoat::admin

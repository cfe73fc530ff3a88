// The client's connection as the console uses it: reads and writes have time limits, bytes are
// counted in the session's row, and the reason is kept if the connection ends.
#pragma once

#include "proxy/admin/console/console_endpoint.h"
#include "proxy/admin/console/console_login.h"
#include "proxy/hba/rule.h"
#include "proxy/io/deadline.h"
#include "proxy/io/stream.h"
#include "proxy/session/close_reason.h"
#include "proxy/telemetry/traffic.h"

#include <functional>

namespace pgmoat::session {

class ConsoleStream final : public admin::ConsoleClient {
  public:
    ConsoleStream(io::Stream& stream,
                  telemetry::Traffic& traffic,
                  io::DeadlineQueue& deadlines,
                  std::function<void()> logged_in,
                  std::function<bool()> interrupted)
        : stream_(stream), traffic_(traffic), deadlines_(deadlines),
          logged_in_(std::move(logged_in)), interrupted_(std::move(interrupted)) {}

    Awaitable<std::size_t> read(std::span<std::uint8_t> into,
                                std::chrono::seconds at_most) override;
    Awaitable<bool> write(std::span<const std::uint8_t> bytes,
                          std::chrono::seconds at_most) override;
    void logged_in() override { logged_in_(); }
    [[nodiscard]] bool interrupted() const override { return interrupted_(); }

    // How the connection ended; nothing: it is open.
    [[nodiscard]] const Stop& stop() const noexcept { return stop_; }

  private:
    io::Stream& stream_;
    telemetry::Traffic& traffic_;
    io::DeadlineQueue& deadlines_;
    std::function<void()> logged_in_;
    std::function<bool()> interrupted_;
    Stop stop_;
};

// How the access rule that let the client in says that it is to prove who it is.
void take_rule(admin::ConsoleLogin& login, const hba::Rule& rule);

} // namespace pgmoat::session

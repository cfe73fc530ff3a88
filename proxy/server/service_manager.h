// Notifications to systemd and sockets from it: the documented protocols of sd_notify(3) and
// sd_listen_fds(3), without libsystemd. Without a service manager nothing here has an effect. At an
// upgrade the old process acts as the new one's manager, with the same protocols, and passes it the
// address of the real one (successor.h).
#pragma once

#include "proxy/descriptor.h"
#include "proxy/server/handed_over_sockets.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::server {

class ServiceManager {
  public:
    // Reads the environment variables and removes them, so that child processes do not inherit
    // them: call it before starting threads.
    ServiceManager();

    // The listening sockets that were passed. Empty from the second call on.
    [[nodiscard]] HandedOverSockets take_sockets() {
        return HandedOverSockets(std::move(sockets_));
    }

    // An old process of pgmoat has started this one to replace it, and waits for ready().
    [[nodiscard]] bool has_predecessor() const noexcept { return static_cast<bool>(predecessor_); }
    // The socket over which its live sessions come; none: it passes none. Empty from the second
    // call on.
    [[nodiscard]] Descriptor take_sessions() noexcept { return std::move(sessions_); }
    // The old process uses the ids below this one.
    [[nodiscard]] std::uint64_t first_session() const noexcept { return first_session_; }
    // Variables that a successor needs to talk to the same manager.
    [[nodiscard]] const std::vector<std::string>& environment() const noexcept {
        return environment_;
    }
    // Another process has replaced this one, which sends no more messages from now on.
    void main_process_is(int pid);

    // The process cannot start.
    void failed(std::string_view why);
    void ready(std::string_view status);
    void reloading();
    // The manager kills a process that takes longer to stop than announced.
    void stopping(std::string_view status, std::chrono::seconds time_needed);

    // How often keep_alive() must be called; nothing: there is no watchdog.
    [[nodiscard]] std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }
    void keep_alive();

  private:
    void notify(const std::string& message);

    Descriptor channel_;
    Descriptor predecessor_;
    Descriptor sessions_;
    std::uint64_t first_session_ = 1;
    std::vector<std::string> environment_; // NAME=value
    std::optional<std::chrono::microseconds> watchdog_;
    std::vector<HandedOverSocket> sockets_;
};

} // namespace pgmoat::server

// What systemd is told about the process, and the sockets that it hands over: sd_notify(3) and
// sd_listen_fds(3) by their documented protocols, without libsystemd. Without a service manager
// everything here does nothing.
#pragma once

#include "proxy/descriptor.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::server {

class ServiceManager {
  public:
    // Reads the environment and clears it, so that no child process takes it for its own: call it
    // before there are threads.
    ServiceManager();

    // Listening sockets that were handed over. Empty from the second call on.
    [[nodiscard]] std::vector<Descriptor> take_sockets() noexcept { return std::move(sockets_); }

    void ready(std::string_view status);
    void reloading();
    // The manager kills a process that takes longer to stop than it was told.
    void stopping(std::string_view status, std::chrono::seconds time_needed);

    // How often keep_alive() must be called; nothing: the manager does not ask for it.
    [[nodiscard]] std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }
    void keep_alive();

  private:
    void notify(const std::string& message);

    Descriptor channel_;
    std::optional<std::chrono::microseconds> watchdog_;
    std::vector<Descriptor> sockets_;
};

} // namespace pgmoat::server

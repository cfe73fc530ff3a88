// What systemd is told about the process, and the sockets that it hands over: sd_notify(3) and
// sd_listen_fds(3) by their documented protocols, without libsystemd. Without a service manager
// everything here does nothing. At an upgrade the process before is the new one's manager, by the
// same protocols; the real one's address comes along (successor.h).
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
    // Reads the environment and clears it, so that no child process takes it for its own: call it
    // before there are threads.
    ServiceManager();

    // Listening sockets that were handed over. Empty from the second call on.
    [[nodiscard]] HandedOverSockets take_sockets() {
        return HandedOverSockets(std::move(sockets_));
    }

    // Another process of pgmoat started this one to take its place, and waits for ready().
    [[nodiscard]] bool has_predecessor() const noexcept { return static_cast<bool>(predecessor_); }
    // Where its live sessions come from; none: it hands none over. Empty from the second call on.
    [[nodiscard]] Descriptor take_sessions() noexcept { return std::move(sessions_); }
    // Its sessions have the ids below this one.
    [[nodiscard]] std::uint64_t first_session() const noexcept { return first_session_; }
    // What a successor needs to talk to the same manager.
    [[nodiscard]] const std::vector<std::string>& environment() const noexcept {
        return environment_;
    }
    // This process has been followed by another, and has nothing to say any more.
    void main_process_is(int pid);

    // The process cannot start.
    void failed(std::string_view why);
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
    Descriptor predecessor_;
    Descriptor sessions_;
    std::uint64_t first_session_ = 1;
    std::vector<std::string> environment_; // NAME=value
    std::optional<std::chrono::microseconds> watchdog_;
    std::vector<HandedOverSocket> sockets_;
};

} // namespace pgmoat::server

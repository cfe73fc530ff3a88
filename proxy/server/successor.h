// The new process at an upgrade: runs the program that is now at this program's path, with the same
// arguments, so it reads the current configuration. It gets the listening sockets as from systemd
// (sd_listen_fds(3)), and this process acts as its service manager (sd_notify(3)) until it is
// ready.
//
//   start()                               fork, exec
//   READY=1 from the new process          ready(pid): both may accept; the old one hands over what it
//                                         can of its sessions (sessions_out.h), and drains
//   it exits or takes too long            failed(why): nothing has changed
//
// On the first control thread.
#pragma once

#include "proxy/descriptor.h"
#include "proxy/server/attended_process.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace pgmoat::server {

// Names known to both processes: the one in LISTEN_FDNAMES that marks a socket whose file comes
// with it; and the variables with the pid of the old process and the address of the service
// manager.
inline constexpr const char* name_of_own_file = "pgmoat-with-file";
inline constexpr const char* predecessor_variable = "PGMOAT_PREDECESSOR";
inline constexpr const char* real_manager_variable = "PGMOAT_SERVICE_MANAGER";
// The descriptor over which live sessions come (session_channel.h), which an older version ignores;
// and the first id that the old process does not use.
inline constexpr const char* sessions_variable = "PGMOAT_SESSIONS";
inline constexpr const char* first_id_variable = "PGMOAT_FIRST_SESSION";

class Successor {
  public:
    struct Events {
        // `sessions`: the socket for moving live sessions; none: the new process takes none.
        std::function<void(pid_t, Descriptor sessions)> ready;
        std::function<void(const std::string& why)> failed;
    };
    struct Socket {
        int number = -1;
        bool with_file = false;
    };

    // Remembers this program's path and arguments.
    Successor(boost::asio::io_context& context, Events events);
    ~Successor(); // kills one that is not ready yet
    Successor(const Successor&) = delete;
    Successor& operator=(const Successor&) = delete;

    [[nodiscard]] bool is_under_way() const noexcept { return process_.pid() > 0; }
    // `environment`: NAME=value, in addition to this process's own.
    void start(const std::vector<Socket>& sockets, const std::vector<std::string>& environment);
    // Kills one that is not ready yet.
    void stop() noexcept;

  private:
    void look();
    void hear(pid_t pid);
    void fail(const std::string& why);

    boost::asio::steady_timer timer_;
    Events events_;
    std::string program_;
    std::vector<std::string> arguments_;
    Descriptor channel_;  // its notifications
    Descriptor sessions_; // for moving live sessions
    AttendedProcess process_;
    bool is_ready_ = false;
    std::string status_; // the last one it sent
    std::chrono::steady_clock::time_point give_up_at_;
};

} // namespace pgmoat::server

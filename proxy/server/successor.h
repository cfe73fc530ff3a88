// The process that takes this one's place at an upgrade: the program that lies at this one's path
// now, with the same arguments, so with the configuration of now. It gets the listening sockets as
// systemd hands them over (sd_listen_fds(3)), and this process is its manager (sd_notify(3)) until
// it is ready.
//
//   start()                               fork, exec
//   READY=1 from the new process          ready(pid): both may accept; the old one hands over what it
//                                         can of its sessions (sessions_out.h), and drains
//   it ends before, or is silent too long failed(why): nothing has changed
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

// The names that both processes know: of a socket whose file comes with it, among LISTEN_FDNAMES;
// of variables that tell the new process whom it follows, and who manages both.
inline constexpr const char* name_of_own_file = "pgmoat-with-file";
inline constexpr const char* predecessor_variable = "PGMOAT_PREDECESSOR";
inline constexpr const char* real_manager_variable = "PGMOAT_SERVICE_MANAGER";
// The number of the socket over which live sessions come (session_channel.h), which a program that
// knows nothing of it does not look at; and the first id that is not the old process's.
inline constexpr const char* sessions_variable = "PGMOAT_SESSIONS";
inline constexpr const char* first_id_variable = "PGMOAT_FIRST_SESSION";

class Successor {
  public:
    struct Events {
        // The socket that live sessions go over; none: the new process does not take any.
        std::function<void(pid_t, Descriptor sessions)> ready;
        std::function<void(const std::string& why)> failed;
    };
    struct Socket {
        int number = -1;
        bool with_file = false;
    };

    // Remembers this program's path and arguments.
    Successor(boost::asio::io_context& context, Events events);
    ~Successor(); // ends one that is not ready yet
    Successor(const Successor&) = delete;
    Successor& operator=(const Successor&) = delete;

    [[nodiscard]] bool is_under_way() const noexcept { return process_.pid() > 0; }
    // `environment`: NAME=value, besides this process's own.
    void start(const std::vector<Socket>& sockets, const std::vector<std::string>& environment);
    // Ends one that is not ready yet.
    void stop() noexcept;

  private:
    void look();
    void hear(pid_t pid);
    void fail(const std::string& why);

    boost::asio::steady_timer timer_;
    Events events_;
    std::string program_;
    std::vector<std::string> arguments_;
    Descriptor channel_;  // what the new process says
    Descriptor sessions_; // where it takes live sessions
    AttendedProcess process_;
    bool is_ready_ = false;
    std::string status_; // the last that it said
    std::chrono::steady_clock::time_point give_up_at_;
};

} // namespace pgmoat::server

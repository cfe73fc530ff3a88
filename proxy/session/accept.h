// Accepts connections: the first control thread accepts, and spreads the connections over all
// control threads.
#pragma once

#include "proxy/config/config.h"
#include "proxy/descriptor.h"
#include "proxy/runtime/services.h"
#include "proxy/session/session.h"
#include "proxy/session/unix_socket_file.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace pgmoat::session {

// A bound and listening socket of a configured listener.
struct ListeningSocket {
    Descriptor socket;
    int family = 0;
    std::size_t listener = 0; // index into Config::listeners
    std::string shown;        // as PostgreSQL's log names it: `IPv4 address "127.0.0.1", port 6432`
    UnixSocketFile file;      // of a Unix socket; removed with it
    std::string file_folder;  // directory of the file, while it still belongs to the old process
};

class Listener {
  public:
    // `threads[0]` is the calling thread's.
    Listener(std::vector<std::unique_ptr<runtime::ControlThread>>& threads,
             ListeningSocket socket,
             metrics::ListenerId id);
    ~Listener(); // stops accepting; removes the Unix socket
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    void start();
    // Uses the TCP settings of this configuration for future connections.
    void use(const config::Config& config);

    // The socket and its file, for the new process at an upgrade.
    [[nodiscard]] int socket() const noexcept { return socket_.socket.get(); }
    [[nodiscard]] bool owns_file() const noexcept { return !socket_.file.path().empty(); }
    // At an upgrade: the new process takes the file over; the old one leaves it in place.
    void take_over_file();
    void leave_file() noexcept { socket_.file.leave(); }

  private:
    void wait();
    void accept_ready();
    void pause(int error);
    void take(Descriptor socket, const sockaddr_storage& address) noexcept;
    [[nodiscard]] bool is_full() const;
    void turn_away(const Accepted& accepted);

    std::vector<std::unique_ptr<runtime::ControlThread>>& threads_;
    ListeningSocket socket_;
    metrics::ListenerId id_;
    asio::posix::stream_descriptor readiness_;
    asio::steady_timer timer_;
    std::chrono::milliseconds pause_{0};
    std::size_t next_thread_ = 0;
    // A handler that is already queued runs even after the listener is destroyed.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace pgmoat::session

#include "proxy/session/accept.h"

#include "proxy/io/sockets.h"
#include "proxy/session/limits.h"
#include "proxy/session/session.h"

#include <boost/asio/post.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace pgmoat::session {

Listener::Listener(std::vector<std::unique_ptr<runtime::ControlThread>>& threads,
                   ListeningSocket socket,
                   metrics::ListenerId id)
    : threads_(threads), socket_(std::move(socket)), id_(id),
      readiness_(threads[0]->context, socket_.socket.get()), timer_(threads[0]->context) {}

Listener::~Listener() {
    (void)readiness_.release(); // the descriptor is socket_'s
}

void Listener::start() {
    wait();
}

void Listener::take_over_file(std::uint16_t port) {
    if (!socket_.file_folder.empty())
        socket_.file = UnixSocketFile::take_over(socket_.file_folder, port);
    socket_.file_folder.clear();
}

void Listener::wait() {
    readiness_.async_wait(asio::posix::stream_descriptor::wait_read,
                          [this, alive = std::weak_ptr(alive_)](const error_code& error) {
                              if (!error && !alive.expired()) accept_ready();
                          });
}

// A few at a time, so that sessions get their turn during a storm.
void Listener::accept_ready() {
    for (int taken = 0; taken < accepts_per_turn; ++taken) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        const int socket = ::accept4(socket_.socket.get(),
                                     reinterpret_cast<sockaddr*>(&address),
                                     &size,
                                     SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0) {
            if (errno == EAGAIN || errno == EWOULDBLOCK) break;
            if (errno == EINTR || errno == ECONNABORTED) continue;
            pause(errno);
            return;
        }
        pause_ = std::chrono::milliseconds{0};
        take(socket, address);
    }
    wait();
}

// Out of descriptors or memory: trying again at once would only burn the processor.
void Listener::pause(int error) {
    runtime::Services& services = threads_[0]->services;
    services.counters.block_of_this_thread().accept_failed(error);
    if (pause_.count() == 0)
        services.log.error("could not accept new connection: " +
                           std::generic_category().message(error));
    pause_ = std::clamp(pause_ * 2, accept_pause_min, accept_pause_max);
    timer_.expires_after(pause_);
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](const error_code& cancelled) {
        if (!cancelled && !alive.expired()) accept_ready();
    });
}

// Without a word: its first packet has not come. Every accepted socket is reported (law 10).
void Listener::turn_away(const Accepted& accepted) {
    refuse_session(*threads_[0],
                   accepted,
                   {metrics::CloseReason::too_many_connections,
                    "too many connections that have not shown a startup packet"});
}

void Listener::take(int number, const sockaddr_storage& address) {
    Descriptor socket(number);
    runtime::ControlThread& thread = *threads_[next_thread_];
    next_thread_ = (next_thread_ + 1) % threads_.size();

    const auto& setup = threads_[0]->setup;
    const auto& config = setup->config;
    const auto limit = static_cast<std::size_t>(config.max_connections);
    if (thread.services.table.live() >= limit * unadmitted_factor + unadmitted_extra) {
        thread.services.counters.block_of_this_thread().rate_limited(
            metrics::Limit::max_connections);
        turn_away(Accepted{std::move(socket),
                           socket_.family,
                           io::peer_address(address),
                           setup,
                           socket_.listener,
                           id_});
        return;
    }
    io::apply_tcp_settings(number,
                           {true,
                            config.tcp_keepalives_idle,
                            config.tcp_keepalives_interval,
                            config.tcp_keepalives_count,
                            config.tcp_user_timeout_ms});
    Accepted accepted{
        std::move(socket), socket_.family, io::peer_address(address), setup, socket_.listener, id_};
    if (&thread == threads_[0].get()) {
        start_session(thread, std::move(accepted));
        return;
    }
    asio::post(thread.context, [&thread, accepted = std::move(accepted)]() mutable {
        start_session(thread, std::move(accepted));
    });
}

} // namespace pgmoat::session

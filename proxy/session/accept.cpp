#include "proxy/session/accept.h"

#include "proxy/io/sockets.h"
#include "proxy/session/limits.h"
#include "proxy/session/session.h"

#include <boost/asio/post.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

namespace pgmoat::session {

Listener::Listener(std::vector<std::unique_ptr<runtime::ControlThread>>& threads,
                   ListeningSocket socket,
                   metrics::ListenerId id)
    : threads_(threads), socket_(std::move(socket)), id_(id),
      readiness_(threads[0]->context, socket_.socket.get()), timer_(threads[0]->context) {
    use(threads[0]->setup->config);
}

Listener::~Listener() {
    (void)readiness_.release(); // the descriptor is socket_'s
}

void Listener::start() {
    wait();
}

void Listener::take_over_file() {
    if (socket_.file_folder.empty()) return;
    const auto& listener = threads_.front()->setup->config.listeners[socket_.listener];
    socket_.file = UnixSocketFile::take_over(socket_.file_folder, listener.port);
    socket_.file_folder.clear();
}

void Listener::use(const config::Config& config) {
    io::apply_to_listening_socket(socket_.socket.get(),
                                  socket_.family,
                                  {true,
                                   config.tcp_keepalives_idle,
                                   config.tcp_keepalives_interval,
                                   config.tcp_keepalives_count,
                                   config.tcp_user_timeout_ms});
}

void Listener::wait() {
    readiness_.async_wait(asio::posix::stream_descriptor::wait_read,
                          [this, alive = std::weak_ptr(alive_)](const error_code& error) {
                              if (!error && !alive.expired()) accept_ready();
                          });
}

// Accepts a few at a time, so that sessions get a turn while many clients connect.
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
        take(Descriptor(socket), address);
    }
    wait();
}

// Out of descriptors or memory: retrying at once would only burn CPU time.
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

// Whatever goes wrong with one connection, the next ones must be accepted: never throws.
void Listener::take(Descriptor socket, const sockaddr_storage& address) noexcept {
    runtime::ControlThread& first = *threads_[0];
    runtime::ControlThread& thread = *threads_[next_thread_];
    next_thread_ = (next_thread_ + 1) % threads_.size();
    Accepted accepted{std::move(socket), socket_.family, {}, first.setup, socket_.listener, id_};
    std::shared_ptr<Accepted> handed; // shared, so that it is still here if posting it fails
    try {
        accepted.peer = io::peer_address(address);
        if (is_full()) return turn_away(accepted);
        if (&thread == &first) return start_session(thread, std::move(accepted));
        handed = std::make_shared<Accepted>(std::move(accepted));
        asio::post(thread.context,
                   [&thread, handed] { start_session(thread, std::move(*handed)); });
    } catch (const std::bad_alloc&) {
        refuse_session(
            first, handed ? *handed : accepted, {metrics::CloseReason::internal, "out of memory"});
    }
}

bool Listener::is_full() const {
    const auto limit = static_cast<std::size_t>(threads_[0]->setup->config.max_connections);
    return threads_[0]->services.table.live() >= limit * unadmitted_factor + unadmitted_extra;
}

// Closes silently, since its first packet has not come. Every accepted socket is reported (law 10).
void Listener::turn_away(const Accepted& accepted) {
    runtime::ControlThread& thread = *threads_[0];
    thread.services.counters.block_of_this_thread().rate_limited(metrics::Limit::max_connections);
    refuse_session(thread,
                   accepted,
                   {metrics::CloseReason::too_many_connections,
                    "too many connections that have not shown a startup packet"});
}

} // namespace pgmoat::session

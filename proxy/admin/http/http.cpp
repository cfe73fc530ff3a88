#include "proxy/admin/http/http.h"

#include "proxy/admin/http/http_connection.h"
#include "proxy/admin/http/http_stream.h"
#include "proxy/admin/limits.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <functional>
#include <list>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace pgmoat::admin {

// Used on the context's thread only.
struct HttpEndpoint::State {
    State(asio::io_context& context_,
          asio::any_io_executor password_checks,
          HttpPages pages,
          HttpAccess access)
        : context(context_), site{std::move(pages),
                                  access,
                                  HttpAuthenticator(access.users),
                                  std::move(password_checks)} {}

    static asio::awaitable<void> accept_all(std::shared_ptr<State> state, std::size_t index);
    static asio::awaitable<void> serve(std::shared_ptr<State> state, tcp::socket socket);
    void welcome(const std::shared_ptr<State>& self, tcp::socket socket);
    void make_room();
    void stop();

    asio::io_context& context;
    HttpSite site;
    std::vector<tcp::acceptor> acceptors;   // none: not started, or stopped
    std::list<HttpConnection*> connections; // the least recently served first
};

// accept4() itself, for SOCK_CLOEXEC, which Asio does not set.
asio::awaitable<void> HttpEndpoint::State::accept_all(std::shared_ptr<State> state,
                                                      std::size_t index) {
    asio::steady_timer pause(state->context);
    while (index < state->acceptors.size()) {
        const auto [error] =
            co_await state->acceptors[index].async_wait(tcp::acceptor::wait_read, as_result);
        if (index >= state->acceptors.size()) co_return;
        tcp::acceptor& acceptor = state->acceptors[index];
        const int descriptor =
            error ? -1
                  : ::accept4(
                        acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (descriptor >= 0) {
            error_code assigned;
            tcp::socket socket(state->context);
            socket.assign(acceptor.local_endpoint(assigned).protocol(), descriptor, assigned);
            if (assigned)
                ::close(descriptor);
            else
                state->welcome(state, std::move(socket));
            continue;
        }
        if (!error && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)) continue;
        pause.expires_after(http_accept_pause);
        (void)co_await pause.async_wait(as_result);
    }
}

// If there is no memory for one more connection, only that is lost, not the endpoint.
void HttpEndpoint::State::welcome(const std::shared_ptr<State>& self, tcp::socket socket) {
    try {
        asio::co_spawn(context, serve(self, std::move(socket)), asio::detached);
    } catch (const std::exception&) {
        return;
    }
}

asio::awaitable<void> HttpEndpoint::State::serve(std::shared_ptr<State> state, tcp::socket socket) {
    HttpConnection connection(std::move(socket), state->site);
    state->make_room();
    auto& connections = state->connections;
    connections.push_back(&connection);

    // Also removes it from the list if the context destroys a coroutine that is waiting.
    const auto leave = [&connections](HttpConnection* leaving) { connections.remove(leaving); };
    const std::unique_ptr<HttpConnection, decltype(leave)> in_the_list(&connection, leave);

    std::function<void()> move_to_the_end = [&connections, &connection] {
        connections.remove(&connection);
        connections.push_back(&connection);
    };
    co_await connection.serve(std::move(move_to_the_end));
}

void HttpEndpoint::State::make_room() {
    if (connections.size() < http_connections_max) return;
    connections.front()->close();
    connections.pop_front();
}

void HttpEndpoint::State::stop() {
    acceptors.clear();
    for (HttpConnection* connection : connections)
        connection->close();
}

HttpEndpoint::HttpEndpoint(asio::io_context& context, HttpPages pages, HttpAccess access)
    : context_(context),
      state_(std::make_shared<State>(
          context, password_checks_.get_executor(), std::move(pages), std::move(access))) {}

HttpEndpoint::~HttpEndpoint() {
    stop();
    password_checks_.stop();
    password_checks_.join();
}

void HttpEndpoint::start(std::vector<tcp::acceptor> acceptors) {
    state_->acceptors = std::move(acceptors);
    for (std::size_t i = 0; i < state_->acceptors.size(); ++i)
        asio::co_spawn(context_, State::accept_all(state_, i), asio::detached);
}

void HttpEndpoint::use(HttpAccess access) {
    state_->site.authenticator = HttpAuthenticator(access.users);
    state_->site.access = std::move(access);
}

void HttpEndpoint::stop() {
    asio::dispatch(context_, [state = state_] { state->stop(); });
}

} // namespace pgmoat::admin

#include "proxy/admin/http/http.h"

#include "proxy/admin/http/http_connection.h"
#include "proxy/admin/limits.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <functional>
#include <list>
#include <optional>
#include <utility>

namespace asio = boost::asio;
using asio::ip::tcp;

namespace pgmoat::admin {

namespace {
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
}

// Touched on the context's thread only.
struct HttpEndpoint::State {
    State(asio::io_context& context_, HttpPages pages, HttpAccess access)
        : context(context_), site{std::move(pages), access, HttpAuthenticator(access.users)} {}

    static asio::awaitable<void> accept_all(std::shared_ptr<State> state);
    static asio::awaitable<void> serve(std::shared_ptr<State> state, tcp::socket socket);
    void welcome(const std::shared_ptr<State>& self, tcp::socket socket);
    void make_room();
    void stop();

    asio::io_context& context;
    HttpSite site;
    std::optional<tcp::acceptor> acceptor;  // none: not started, or stopped
    std::list<HttpConnection*> connections; // the least recently served first
};

asio::awaitable<void> HttpEndpoint::State::accept_all(std::shared_ptr<State> state) {
    asio::steady_timer pause(state->context);
    while (state->acceptor) {
        auto [error, socket] = co_await state->acceptor->async_accept(as_result);
        if (!state->acceptor) co_return;
        if (!error) {
            state->welcome(state, std::move(socket));
            continue;
        }
        pause.expires_after(http_accept_pause);
        (void)co_await pause.async_wait(as_result);
    }
}

// Without memory for one more connection this one is lost, not the endpoint.
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

    // Leaves the list also when the context destroys a coroutine that still waits.
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
    acceptor.reset();
    for (HttpConnection* connection : connections)
        connection->close();
}

HttpEndpoint::HttpEndpoint(asio::io_context& context, HttpPages pages, HttpAccess access)
    : context_(context),
      state_(std::make_shared<State>(context, std::move(pages), std::move(access))) {}

HttpEndpoint::~HttpEndpoint() {
    stop();
}

void HttpEndpoint::start(tcp::acceptor acceptor) {
    state_->acceptor.emplace(std::move(acceptor));
    asio::co_spawn(context_, State::accept_all(state_), asio::detached);
}

void HttpEndpoint::use(HttpAccess access) {
    state_->site.authenticator = HttpAuthenticator(access.users);
    state_->site.access = std::move(access);
}

void HttpEndpoint::stop() {
    asio::dispatch(context_, [state = state_] { state->stop(); });
}

} // namespace pgmoat::admin

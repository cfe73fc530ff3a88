// The HTTP endpoint: metrics, health, connections, the status page. A few coroutines on the
// caller's io_context, which one thread runs, and one more that checks passwords; no error leaves them. Slow clients wait by
// themselves: each connection has its own deadline, and at the limit the least recently used one is
// closed (limits.h).
#pragma once

#include "proxy/admin/http/http_access.h"
#include "proxy/admin/http/http_answer.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>

#include <memory>
#include <vector>

namespace pgmoat::admin {

class HttpEndpoint {
  public:
    // `context` must outlive the endpoint.
    HttpEndpoint(boost::asio::io_context& context, HttpPages pages, HttpAccess access = {});
    ~HttpEndpoint(); // stops
    HttpEndpoint(const HttpEndpoint&) = delete;
    HttpEndpoint& operator=(const HttpEndpoint&) = delete;

    // Begins to accept from listening sockets that belong to `context`; once.
    void start(std::vector<boost::asio::ip::tcp::acceptor> acceptors);

    // From the next connection and the next request on. On the context's thread.
    void use(HttpAccess access);

    // Closes the listening sockets and every connection, from any thread; the context's thread does
    // it as soon as it can. Pages are called until then: what they use must live on or the context
    // stop.
    void stop();

  private:
    struct State;

    boost::asio::io_context& context_;
    boost::asio::thread_pool password_checks_{1}; // each takes milliseconds
    // Shared with the coroutines only: the context may destroy them after the endpoint is gone.
    std::shared_ptr<State> state_;
};

} // namespace pgmoat::admin

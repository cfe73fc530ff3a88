// The HTTP endpoint: metrics, health, connections, the status page. A few coroutines on the
// caller's io_context, which one thread runs, and one more that checks passwords; no exception
// leaves them. Slow clients delay only themselves: each connection has its own deadline, and at the
// limit the least recently used one is closed (limits.h).
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

    // Starts accepting on listening sockets that belong to `context`; once.
    void start(std::vector<boost::asio::ip::tcp::acceptor> acceptors);

    // Applies to the next connections and requests. On the context's thread.
    void use(HttpAccess access);

    // Closes the listening sockets and all connections, from any thread; the context's thread does
    // it as soon as it can. Pages may be called until then, so what they use must live, or the
    // context must be stopped.
    void stop();

  private:
    struct State;

    boost::asio::io_context& context_;
    boost::asio::thread_pool password_checks_{1}; // each takes milliseconds
    // Shared with the coroutines only: the context may destroy them after the endpoint.
    std::shared_ptr<State> state_;
};

} // namespace pgmoat::admin

// One GET of HTTP or HTTPS, for health checks: resolves, connects, sends the request and reads the
// whole answer. Bounded in time and size. For one thread.
#pragma once

#include "proxy/config/health_check.h"
#include "proxy/io/stream.h"
#include "proxy/runtime/arrival.h"
#include "proxy/runtime/services.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pgmoat::upstream {

struct HttpReply {
    unsigned status = 0;
    std::string body;
    std::string error; // not empty: why there is no answer
};

class HttpGet {
  public:
    // `tls` for https addresses; may be null if there are none.
    HttpGet(runtime::ControlThread& thread, std::shared_ptr<const tls::ClientContext> tls);
    HttpGet(const HttpGet&) = delete;
    HttpGet& operator=(const HttpGet&) = delete;

    // Arguments must live until it is done. One request at a time.
    [[nodiscard]] Awaitable<HttpReply> get(const config::HttpAddress& address,
                                           const std::string& path,
                                           std::chrono::milliseconds timeout);

  private:
    Awaitable<std::string> connect(const config::HttpAddress& address);
    Awaitable<std::string> look_up(const config::HttpAddress& address,
                                   std::vector<lookups::SocketAddress>& found);
    Awaitable<std::string>
    exchange(const config::HttpAddress& address, const std::string& path, HttpReply& reply);
    [[nodiscard]] std::string told(const io::Result& result) const;

    runtime::ControlThread& thread_;
    std::shared_ptr<const tls::ClientContext> tls_;
    std::unique_ptr<io::Stream> stream_;
    runtime::Arrival arrival_; // of an answer to a look-up
    std::chrono::steady_clock::time_point until_;
    bool timed_out_ = false;
};

} // namespace pgmoat::upstream

// An HTTP endpoint on a free port of the loopback interface, run by a thread of its own.
#pragma once

#include "proxy/admin/http/http.h"
#include "proxy/admin/http/listen.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

class RunningEndpoint {
  public:
    RunningEndpoint() : RunningEndpoint([] { return std::string("pgmoat_up 1\n"); }) {}
    explicit RunningEndpoint(std::function<std::string()> metrics,
                             pgmoat::admin::HttpAccess access = {})
        : endpoint(context_, pages(std::move(metrics)), std::move(access)) {
        auto sockets = pgmoat::admin::open_http_sockets(context_, "127.0.0.1:0");
        port = sockets.acceptors.front().local_endpoint().port();
        endpoint.start(std::move(sockets.acceptors));
        thread_ = std::thread([this] { context_.run(); });
    }
    ~RunningEndpoint() {
        context_.stop();
        thread_.join();
    }
    RunningEndpoint(const RunningEndpoint&) = delete;
    RunningEndpoint& operator=(const RunningEndpoint&) = delete;

  private:
    pgmoat::admin::HttpPages pages(std::function<std::string()> metrics) {
        return {.metrics = std::move(metrics),
                .ready = [this] { return ready.load(); },
                .status = [] { return pgmoat::admin::Status{}; },
                .connections = [](std::size_t) { return pgmoat::admin::LiveConnections{}; },
                .connection_metrics_max =
                    [this] { return static_cast<std::size_t>(connection_metrics_max.load()); }};
    }

    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        context_.get_executor()};
    std::thread thread_;

  public:
    std::atomic<bool> ready{true};
    std::atomic<int> connection_metrics_max{0};
    std::uint16_t port = 0;
    pgmoat::admin::HttpEndpoint endpoint;
};

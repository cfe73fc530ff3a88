// A thread with an event loop of its own, for work that must not delay the control threads: console
// statements, pages of the HTTP endpoint.
#pragma once

#include "proxy/io/asio.h"
#include "proxy/telemetry/log.h"
#include "proxy/thread_signals.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <string>
#include <thread>

namespace pgmoat::server {

class WorkerThread {
  public:
    WorkerThread() = default;
    ~WorkerThread() { stop(); }
    WorkerThread(const WorkerThread&) = delete;
    WorkerThread& operator=(const WorkerThread&) = delete;

    [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }

    // An uncaught exception ends one handler, not the process.
    void start(telemetry::Log& log) {
        thread_ = start_thread<std::jthread>([this, &log] {
            const auto work = boost::asio::make_work_guard(context_);
            while (!context_.stopped())
                try {
                    context_.run();
                } catch (const std::exception& error) {
                    log.error(std::string("internal error: ") + error.what());
                }
        });
    }
    // Drops queued handlers; a running one is completed.
    void stop() {
        context_.stop();
        if (thread_.joinable()) thread_.join();
    }

  private:
    boost::asio::io_context context_{1};
    std::jthread thread_;
};

} // namespace pgmoat::server

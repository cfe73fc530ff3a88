// Posts to a control thread from threads that may outlive it. The owner of the context closes the
// executor before it destroys the context; what comes later is dropped.
#pragma once

#include "proxy/io/asio.h"

#include <boost/asio/post.hpp>

#include <mutex>
#include <utility>

namespace pgmoat::io {

class Executor {
  public:
    explicit Executor(asio::io_context& context) : context_(&context) {}

    template <typename Handler>
    void post(Handler handler) {
        const std::lock_guard lock(mutex_);
        if (context_) asio::post(*context_, std::move(handler));
    }
    void close() {
        const std::lock_guard lock(mutex_);
        context_ = nullptr;
    }

  private:
    std::mutex mutex_;
    asio::io_context* context_;
};

} // namespace pgmoat::io

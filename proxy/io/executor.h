// Lets threads post to a control thread that may end before them. The owner of the io_context
// closes the executor before it destroys the context; later posts are dropped.
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

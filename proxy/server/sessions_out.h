// The old process at an upgrade: moves the live sessions that pgmoat does not encrypt to the new
// one, a few at a time. On the first control thread; relay threads only use the inbox.
//
//   ask a relay thread for some  ->  send each  ->  wait for the answer of each  ->  ask the next one
//
// A session on its way is served by no thread: its bytes wait in the kernel. If anything goes
// wrong, it returns to the relay plane unchanged.
#pragma once

#include "proxy/descriptor.h"
#include "proxy/io/asio.h"
#include "proxy/relay/channel.h"
#include "proxy/runtime/services.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace pgmoat::server {

// "1 connection", "2 connections": for messages.
[[nodiscard]] std::string connections(std::size_t count);

class SessionsOut : public std::enable_shared_from_this<SessionsOut> {
  public:
    struct Events {
        // A session stays in this process.
        std::function<void(std::unique_ptr<relay::Channel>)> back;
        // No more sessions will be moved. Not called after stop().
        std::function<void()> over;
    };

    SessionsOut(runtime::ControlThread& thread, Descriptor channel, Events events);
    ~SessionsOut();
    SessionsOut(const SessionsOut&) = delete;
    SessionsOut& operator=(const SessionsOut&) = delete;

    void start();
    // Sessions that are on their way and were not accepted come back first.
    void stop();

  private:
    using Channels = std::vector<std::unique_ptr<relay::Channel>>;

    // Where relay threads put sessions that may move; it may outlive this object.
    struct Inbox {
        std::mutex mutex;
        Channels channels;
        bool closed = false;
        std::shared_ptr<io::Executor> executor;
        std::weak_ptr<SessionsOut> owner; // used by its own thread only

        void take(Channels& given);
        [[nodiscard]] Channels close();
    };

    void listen();
    void ask();
    void send_those_taken();
    void send(std::unique_ptr<relay::Channel> channel);
    void try_to_send(std::unique_ptr<relay::Channel>& channel);
    void none_here();
    void ask_later();
    void hear();
    void answered(std::uint32_t number, bool took);
    void limit_waiting();
    void give_up(const std::string& why);
    void back(std::unique_ptr<relay::Channel> channel);
    void tell();

    runtime::ControlThread& thread_;
    const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
    Descriptor channel_;
    boost::asio::posix::stream_descriptor readiness_; // of channel_
    boost::asio::steady_timer timer_;                 // until the next request, or for the answers
    Events events_;
    bool stopped_ = false;

    std::map<std::uint32_t, std::unique_ptr<relay::Channel>> moving_;
    std::uint32_t next_number_ = 1;
    std::size_t next_thread_ = 0;
    std::size_t threads_without_ = 0; // in a row
    std::chrono::steady_clock::time_point answers_until_;
    std::size_t handed_over_ = 0; // since the last report
    std::size_t refused_ = 0;     // likewise
};

} // namespace pgmoat::server

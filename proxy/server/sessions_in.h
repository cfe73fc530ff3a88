// The new process at an upgrade: takes live sessions over from the old one and puts them into its
// relay plane. They are checked as at a reload: their listener and upstream must exist, and the
// access rules must still permit them. On the first control thread.
#pragma once

#include "proxy/descriptor.h"
#include "proxy/io/asio.h"
#include "proxy/runtime/services.h"
#include "proxy/server/moved_session.h"
#include "proxy/server/session_channel.h"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace pgmoat::server {

class SessionsIn {
  public:
    using Threads = std::vector<std::unique_ptr<runtime::ControlThread>>;

    // `threads` must live until their contexts stop.
    SessionsIn(const Threads& threads, Descriptor channel);
    ~SessionsIn();
    SessionsIn(const SessionsIn&) = delete;
    SessionsIn& operator=(const SessionsIn&) = delete;

    // Announces the format that is read here. Call it before the process reports that it is ready.
    void start();

  private:
    void listen();
    void hear();
    // False: no more will come.
    [[nodiscard]] bool take(ArrivedSession arrived);
    [[nodiscard]] std::unique_ptr<relay::Channel> channel_of(ArrivedSession& arrived);
    [[nodiscard]] bool find_route(MovedSession& moved) const;
    void hold_place(telemetry::SessionRow& row);
    void close();

    const Threads& threads_;
    runtime::ControlThread& thread_;
    Descriptor channel_;
    boost::asio::posix::stream_descriptor readiness_; // of channel_
    std::vector<std::uint8_t> buffer_;
    std::size_t taken_ = 0;
    // A handler that is already queued runs even after this object is destroyed.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace pgmoat::server

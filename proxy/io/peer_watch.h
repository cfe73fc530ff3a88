// Notices that a peer has closed the connection while no one reads from it. It checks a few times a
// second without reading, because bytes that the peer sent before must stay in the socket.
#pragma once

#include "proxy/io/deadline.h"
#include "proxy/io/stream.h"

#include <functional>
#include <optional>

namespace pgmoat::io {

class PeerWatch {
  public:
    // `gone` is called at most once. Both must outlive the watch.
    PeerWatch(DeadlineQueue& deadlines, Stream& stream, std::function<void()> gone);
    PeerWatch(const PeerWatch&) = delete;
    PeerWatch& operator=(const PeerWatch&) = delete;

  private:
    void look();

    DeadlineQueue& deadlines_;
    Stream& stream_;
    std::function<void()> gone_;
    std::optional<Deadline> next_;
};

} // namespace pgmoat::io

#include "proxy/io/peer_watch.h"

#include "proxy/io/limits.h"

#include <poll.h>

#include <utility>

namespace pgmoat::io {

PeerWatch::PeerWatch(DeadlineQueue& deadlines, Stream& stream, std::function<void()> gone)
    : deadlines_(deadlines), stream_(stream), gone_(std::move(gone)) {
    next_.emplace(deadlines_, peer_watch_tick, [this] { look(); });
}

void PeerWatch::look() {
    pollfd seen{stream_.socket().native_handle(), POLLRDHUP, 0};
    const bool gone =
        ::poll(&seen, 1, 0) > 0 && (seen.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
    if (gone) return gone_();
    next_.emplace(deadlines_, peer_watch_tick, [this] { look(); });
}

} // namespace pgmoat::io

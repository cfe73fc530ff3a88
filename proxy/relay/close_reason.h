// How a channel ended: the first report counts, and what follows from it is ignored (law 10). The
// texts name the side; the log prints them unchanged.
#pragma once

#include "metrics/labels.h"
#include "proxy/relay/channel.h"

#include <memory>
#include <string>

namespace pgmoat::relay {

class ChannelEnd {
  public:
    // Whatever its connections come to from now on, however rudely, is the client's end. Not so what
    // is told with tell(): that comes from outside.
    void client_terminated() noexcept { client_terminated_ = true; }

    void closed(metrics::Side side);
    void truncated(metrics::Side side);
    void cannot_receive(metrics::Side side, int error);
    void cannot_send(metrics::Side side, int error);
    void tls_failed(metrics::Side side, const tls::Session& session);
    void flooded(metrics::Side side);
    // `lost` is gone while the other side accepts nothing.
    void gave_up(metrics::Side lost);
    void tell(metrics::CloseReason reason, std::string detail);

    [[nodiscard]] bool told() const noexcept { return first_ != nullptr; }
    // `internal` without a text when nothing was told.
    [[nodiscard]] Ended take() noexcept;

  private:
    void came_to(metrics::CloseReason reason, std::string detail);

    std::unique_ptr<Ended> first_; // apart: a live channel should not pay for it
    bool client_terminated_ = false;
};

} // namespace pgmoat::relay

// Counts what passes of one channel: bytes, and messages where the bytes are messages to us. Into
// the counters of the thread that is at work and into the channel's row, both with one writer at a
// time. The control plane makes it, the relay thread goes on with it.
#pragma once

#include "metrics/counters.h"
#include "metrics/labels.h"
#include "protocol/traffic_observer.h"
#include "proxy/telemetry/traffic.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace pgmoat::relay {

class TrafficMeter {
  public:
    enum class Content : std::uint8_t {
        messages,
        opaque, // an encryption passes through
    };

    // Of no channel yet.
    TrafficMeter() = default;
    // `row` must outlive the meter, which begins behind the first ReadyForQuery.
    TrafficMeter(telemetry::Traffic& row, metrics::ListenerId listener, Content content) noexcept
        : row_(&row), listener_(listener), content_(content) {}

    // What it knows of the messages; none: the bytes are opaque.
    [[nodiscard]] std::optional<protocol::TrafficObserver::State> state() const noexcept {
        if (content_ == Content::opaque) return std::nullopt;
        return observer_.state();
    }
    // Goes on where another meter was.
    void go_on_with(const protocol::TrafficObserver& observer) noexcept { observer_ = observer; }

    // Each byte of a direction is told once and in order, to one of these two.
    void
    saw(metrics::Side from, std::span<const std::uint8_t> bytes, metrics::Block& counters) noexcept;
    void missed(metrics::Side from, std::size_t bytes) noexcept;

    // Where the server's messages begin is known: not so in an encryption that passes through.
    [[nodiscard]] bool follows_server() const noexcept {
        return content_ == Content::messages && observer_.follows_server();
    }
    // As the observer's: after how many of the server's next bytes its message is complete.
    [[nodiscard]] std::optional<std::size_t>
    server_message_ends_in(std::span<const std::uint8_t> bytes) const noexcept {
        return observer_.server_message_ends_in(bytes);
    }
    // Nothing is under way between client and server, as far as that is known.
    [[nodiscard]] bool idle() const noexcept {
        return content_ == Content::messages && observer_.idle();
    }
    [[nodiscard]] bool client_terminated() const noexcept { return observer_.client_terminated(); }

    // Counts bytes alone, once for a whole turn.
    void moved(metrics::Side from, std::size_t bytes, metrics::Block& counters) noexcept;

  private:
    telemetry::Traffic* row_ = nullptr;
    metrics::ListenerId listener_{};
    Content content_ = Content::opaque;
    protocol::TrafficObserver observer_;
};

} // namespace pgmoat::relay

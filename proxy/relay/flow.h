// One direction of a channel at work: receive -> decrypt -> encrypt -> send, or splice. A Flow
// lives for one wake-up; what must last stands in Direction and in the two legs.
//
//   may read?            no while the target is owed bytes or the pipe holds some (backpressure)
//   bytes                forwarded in the same turn, one send; what is not taken is owed
//   end of the source    told to the target behind the bytes: close_notify when it was clean, FIN
//   source lost          its end as above, without close_notify
//   target lost          its bytes are dropped; the other direction is read up to its end
#pragma once

#include "proxy/relay/close_reason.h"
#include "proxy/relay/live_leg.h"
#include "proxy/relay/splice.h"
#include "proxy/relay/thread_buffers.h"
#include "proxy/relay/traffic_meter.h"
#include "proxy/relay/wake_pace.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace pgmoat::relay {

// What one direction remembers between wake-ups.
struct Direction {
    Splice splice;
    WakePace pace;
    bool bulk = false;             // splice instead of receiving
    bool after_large_read = false; // one more makes it bulk; no small message to be batched
    bool last_message = false;     // stops behind the message that is under way, ...
    bool stopped = false;          // ... and has
};

// Something can be done at once: bytes may be waiting and the target takes them.
[[nodiscard]] bool
can_flow(const Direction& direction, const LiveLeg& from, const LiveLeg& to) noexcept;

class Flow {
  public:
    Flow(Direction& direction,
         LiveLeg& from,
         LiveLeg& to,
         ThreadBuffers& buffers,
         TrafficMeter& meter,
         ChannelEnd& end)
        : direction_(direction), from_(from), to_(to), buffers_(buffers), meter_(meter), end_(end) {
    }

    // Works until nothing is left to do or the work limit is reached. Returns how many bytes of
    // plaintext it took from the source.
    std::size_t run();

  private:
    void work();
    void go_on_splicing();
    void turn();
    void relay_kept();
    void relay_received();
    void relay(std::span<const std::uint8_t> received, bool end_of_stream);
    void decrypt(std::span<const std::uint8_t> ciphertext, bool end_of_stream);
    [[nodiscard]] std::span<std::uint8_t> room_for_plaintext() noexcept;
    [[nodiscard]] std::span<std::uint8_t> room_for_received() noexcept;
    void forward(std::span<const std::uint8_t> plaintext);
    void send(std::span<const std::uint8_t> bytes);
    void send_answer();
    void splice();
    void discard();
    void settle(tls::Status status);
    void source_ended(bool clean);
    [[nodiscard]] bool channel_ended() const noexcept;
    void source_lost();
    void target_lost();
    [[nodiscard]] std::span<const std::uint8_t>
    up_to_the_stop(std::span<const std::uint8_t> plaintext) noexcept;
    void watch_for_bulk(std::size_t bytes) noexcept;

    Direction& direction_;
    LiveLeg& from_;
    LiveLeg& to_;
    ThreadBuffers& buffers_;
    TrafficMeter& meter_;
    ChannelEnd& end_;
    std::size_t moved_ = 0; // plaintext bytes taken from the source
    bool looked_ = false;   // at the source's socket
};

} // namespace pgmoat::relay

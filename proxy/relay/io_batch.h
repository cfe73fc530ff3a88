// The receives and sends of several channels in one turn, made with two system calls instead of two
// for each message. A small message costs little but its system calls, so this is where a busy
// thread's time goes.
//
//   want()      for each readable leg
//   receive()   makes the receives
//               the channels run: LiveLeg::receive() finds its bytes here, and what they send is
//               deferred when its memory is ours
//   send()      makes the sends
//
// Where io_uring is not to be had, or few channels are ready, nothing is deferred and the legs make
// their own calls. Nothing here survives a turn.
#pragma once

#include "proxy/relay/limits.h"
#include "proxy/relay/live_leg.h"
#include "proxy/relay/uring.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace pgmoat::relay {

class IoBatch {
  public:
    // On the relay thread itself, since a ring belongs to the thread that made it. Without io_uring
    // or memory the batch is not usable, and nothing else changes.
    void enable() noexcept;
    [[nodiscard]] bool usable() const noexcept { return uring_ && uring_->usable(); }

    // The leg's next receive. Nothing happens when there is no room left.
    void want(LiveLeg& leg) noexcept;
    // Makes the receives that were wanted; sends can be deferred from here on.
    void receive() noexcept;

    // Where to encrypt what goes to this leg, so that it can be deferred; none: make the send
    // yourself.
    [[nodiscard]] std::vector<std::uint8_t>* outgoing_for(const LiveLeg& leg) noexcept;
    // Where to decrypt what goes to this leg as it is, so that it can be deferred; empty: use other
    // memory.
    [[nodiscard]] std::span<std::uint8_t> plaintext_for(const LiveLeg& leg) noexcept;
    // Takes a send over if `bytes` stand in memory of the batch. The leg sends nothing else
    // meanwhile; if it must, it makes this send itself first.
    [[nodiscard]] bool defer(LiveLeg& leg, std::span<const std::uint8_t> bytes) noexcept;
    // The leg is about to go.
    void forget(const LiveLeg& leg) noexcept;
    // Makes the deferred sends and tells the legs what came of them.
    void send() noexcept;

  private:
    [[nodiscard]] bool received(std::span<const std::uint8_t> bytes) const noexcept;

    static constexpr std::size_t slots = limits::batch_operations;

    using Plaintext = std::array<std::uint8_t, limits::batch_plaintext_bytes>;

    std::optional<Uring> uring_;
    std::vector<std::array<std::uint8_t, limits::batch_receive_bytes>> received_;
    std::unique_ptr<Plaintext[]> plaintext_; // not initialised: mostly untouched pages
    std::vector<std::vector<std::uint8_t>> outgoing_;
    std::array<LiveLeg*, slots> readers_{};
    // A leg can be here more than once: it sends what was deferred itself when something else has
    // to follow, and its next bytes may be deferred again. Only the leg knows what is still to be
    // sent, so send() takes it from there, which it can do once.
    std::array<LiveLeg*, slots> writers_{};
    std::array<std::span<const std::uint8_t>, slots> sent_{};
    std::array<int, slots> results_{};
    std::size_t reading_ = 0;
    std::size_t writing_ = 0;
    std::size_t encrypted_ = 0; // of outgoing_, in use
    std::size_t decrypted_ = 0; // of plaintext_, in use
    bool deferring_ = false;
};

} // namespace pgmoat::relay

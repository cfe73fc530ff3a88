// One side of a live channel: the leg that was handed over and where its two halves stand. Only
// socket operations are here; what they mean for the channel is decided in flow and live_channel.
//
//   reading: open --EOF, close_notify, error--> ended
//   writing: open --finish_writing()--> closing --all owed bytes sent, FIN sent--> ended
//            any  --the peer accepts nothing more--> broken
#pragma once

#include "metrics/labels.h"
#include "proxy/relay/channel.h"
#include "proxy/relay/splice.h"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace pgmoat::relay {

enum class Writing : std::uint8_t { open, closing, ended, broken };

// What a socket operation came to. `error` is an errno; 0: none. Nothing received and no error: not
// now.
struct Received {
    std::span<const std::uint8_t> bytes = {};
    bool end_of_stream = false;
    int error = 0;
};

class LiveLeg {
  public:
    LiveLeg(Leg leg, metrics::Side side);

    // What epoll said of the socket.
    void note(std::uint32_t events) noexcept;

    // What came in the batch, or one recv into `into`. A short one drains the socket (`readable`
    // goes down) unless a FIN is known to stand behind the bytes: its edge has already been
    // reported and no other will come.
    [[nodiscard]] Received receive(std::span<std::uint8_t> into) noexcept;
    // The batch received into `room`: `result` bytes, a negative errno, or Ring::refused. Kept for
    // receive(), which makes the call itself when the ring did not.
    void came(std::span<const std::uint8_t> room, int result) noexcept;
    // An end or an error that came in a batch and was not told yet: nothing can follow it, and
    // another receive would hide it.
    [[nodiscard]] bool has_kept_end() const noexcept { return !room_.empty(); }
    // Bytes that came in the batch and could not be relayed in this turn must not go with it.
    void keep_what_came();

    // One send, behind what is owed; what the socket does not take now is owed. Returns an errno or
    // 0.
    [[nodiscard]] int send(std::span<const std::uint8_t> bytes);
    // The batch will make this send; any other send, and the FIN, come behind it: the leg then
    // makes the deferred one itself, first.
    void defer(std::span<const std::uint8_t> bytes) noexcept { deferred_ = bytes; }
    [[nodiscard]] bool has_deferred() const noexcept { return !deferred_.empty(); }
    // The sender of deferred bytes takes them first, so that they are not sent twice.
    [[nodiscard]] std::span<const std::uint8_t> take_deferred() noexcept {
        return std::exchange(deferred_, {});
    }
    // The batch sent these: `result` bytes, a negative errno, or Ring::refused.
    void deferred_sent(std::span<const std::uint8_t> bytes, int result) noexcept;
    // Makes the deferred send now, because something that is not send() comes next. Returns an
    // errno or 0.
    [[nodiscard]] int send_deferred();
    // Of a send whose result was not awaited; an errno, given once.
    [[nodiscard]] int take_send_error() noexcept { return std::exchange(send_error_, 0); }
    [[nodiscard]] bool has_send_error() const noexcept { return send_error_ != 0; }
    // Sends what is owed, then the FIN when writing is closing. Returns an errno or 0.
    [[nodiscard]] int flush();
    // No byte will follow: the FIN goes out behind what is owed. `closed_next`: if nothing is owed the
    // socket will be closed at once, which sends it as well.
    void finish_writing(bool closed_next = false) noexcept;

    // It can go on elsewhere: both halves are open, and what is held of it are plain bytes.
    [[nodiscard]] bool can_leave() const noexcept;
    // What is owed takes in what a pipe still holds for it. Returns an errno or 0.
    [[nodiscard]] int owe_rest_of(Splice& splice, PipePool& pool) {
        return splice.take_into(unsent_, pool);
    }
    // The leg as it came, for another owner.
    [[nodiscard]] Leg release() noexcept;

    // From how many bytes on epoll tells of them; ends and errors it tells at once. 1: of every byte, and
    // at once of what waits already. For TCP: a socket of another family tells of every byte anyway.
    void wake_at(int bytes) noexcept;

    // Something is held or owed that no event tells of.
    [[nodiscard]] bool has_work() const noexcept {
        return holds_bytes || !unread.empty() || owes();
    }
    // Bytes or an end wait in the socket, of which epoll may not have told yet.
    [[nodiscard]] bool has_news() const noexcept;
    [[nodiscard]] bool owes() const noexcept { return sent_ < unsent_.size(); }
    [[nodiscard]] std::size_t owed() const noexcept { return unsent_.size() - sent_; }
    [[nodiscard]] bool may_write() const noexcept { return writing == Writing::open; }

    // The peer is gone; what is owed to it can never be sent.
    void break_writing() noexcept;

    Descriptor socket;
    std::unique_ptr<tls::Session> tls;
    std::vector<std::uint8_t> unread; // received, not yet relayed; comes before the socket's bytes
    metrics::Side side;
    Writing writing = Writing::open;
    bool reading_ended = false;
    bool holds_bytes =
        false; // the TLS session may hold decrypted bytes: read from it before receiving
    // An edge came and its bytes were not read away yet. Epoll reports at once what waits already.
    bool readable = false;
    bool writable = true;        // no send was short since the last edge
    bool waits_for_room = false; // a send was short: epoll tells of room from then on
    bool hung_up = false;        // the peer's FIN or a reset was reported: read up to it
    bool lost = false;           // epoll: reset, or closed both ways

  private:
    [[nodiscard]] Received judge(std::span<const std::uint8_t> room, ssize_t result) noexcept;
    [[nodiscard]] int sent(std::span<const std::uint8_t> bytes, ssize_t result);
    void owe(std::span<const std::uint8_t> bytes);
    void forget_unsent() noexcept;

    std::vector<std::uint8_t> unsent_;
    std::size_t sent_ = 0;                   // of unsent_
    std::span<const std::uint8_t> room_;     // the batch's memory that `came_` is about
    std::span<const std::uint8_t> deferred_; // in the batch's memory
    int wakes_at_ = 1;
    int came_ = 0; // while room_ is set: bytes or a negative errno
    int send_error_ = 0;
};

} // namespace pgmoat::relay

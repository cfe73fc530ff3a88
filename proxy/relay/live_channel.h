// A channel on its relay thread: two legs, two directions, and the rule by which it ends.
//
// A direction is complete when everything of its source, its end included, was passed on, or when
// its target is lost. The channel is finished when both are complete and the client has ended too.
//
//   client ends first    the server gets the FIN and its answer still flows: a COPY or a long query
//                        may be under way. No time limit of ours: as without a proxy, the server
//                        decides when its session is over (client_connection_check_interval), and
//                        keepalive finds a client that is no longer there.
//   server ends first    the client gets what it is owed and the end, then has limits::linger to
//                        close.
//   told to leave        the client gets 57P01 when its session is idle: no query, no transaction
//   a side is lost       what it had sent is passed on, then the channel closes; a lost server
//                        counts as one that ended. If the other side accepts nothing:
//                        limits::stall_after_end.
#pragma once

#include "proxy/relay/channel.h"
#include "proxy/relay/close_reason.h"
#include "proxy/relay/farewell.h"
#include "proxy/relay/flow.h"
#include "proxy/relay/live_leg.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace pgmoat::relay {

class LiveChannel {
  public:
    enum class After {
        rest, // until the next event
        more, // the work limit was reached
        finished,
    };
    enum class Wait { none, linger, stall };

    explicit LiveChannel(std::unique_ptr<Channel> channel);

    void note(metrics::Side side, std::uint32_t events) noexcept;
    // Has the batch make the receives that run() would begin with.
    void want_receives(IoBatch& batch) noexcept;
    [[nodiscard]] After run(ThreadBuffers& buffers);
    // A send of the batch failed: run() must see to it.
    [[nodiscard]] bool send_failed() const noexcept {
        return client_.has_send_error() || server_.has_send_error();
    }

    // An end is in sight: the loop must ask for what the channel waits.
    [[nodiscard]] bool ending() const noexcept {
        return end_.told() || terminating_ || client_.lost || server_.lost;
    }
    [[nodiscard]] Wait wait() const noexcept;
    // The deadline has passed.
    void give_up();

    // Bytes may wait of which epoll does not tell, because their direction is woken late: tick() must
    // come a while after this run.
    [[nodiscard]] bool needs_tick() const noexcept;
    // Has run() look for them.
    void tick() noexcept;

    // Ended from outside. True: it can be closed now. Else it goes on to the end of the message that
    // the client is getting, and is finished then.
    [[nodiscard]] bool terminate(const Ended& ended);
    // Ended from outside as soon as nothing is under way: run() sees to it.
    void terminate_when_idle(const Ended& ended);
    // Nothing is under way: no query, no transaction, no byte that waits.
    [[nodiscard]] bool idle() const noexcept;
    // Another process could go on with it: no TLS of ours, and it was not refused there before.
    [[nodiscard]] bool is_portable() const noexcept {
        return !stays_ && !client_.tls && !server_.tls;
    }
    // It can be given away now. Between two turns only.
    [[nodiscard]] bool can_leave() const noexcept;
    // First takes everything that is held for its peers into memory. False: that failed, and the
    // channel has ended.
    [[nodiscard]] bool pack(ThreadBuffers& buffers);
    // Then gives up all that it has. The channel is not used after that.
    void move_into(Channel& channel, ThreadBuffers& buffers) noexcept;
    // Closed by us, not by a peer: the client and TLS peers are told, without waiting.
    void say_goodbye(ThreadBuffers& buffers);
    // Tells the thread's buffers what it holds for its peers now.
    void account(ThreadBuffers& buffers) noexcept;
    // The last thing that is done with a channel.
    void close_sockets(ThreadBuffers& buffers) noexcept;
    [[nodiscard]] ChannelEnd& end() noexcept { return end_; }
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] std::unique_ptr<telemetry::Traffic> take_row() noexcept {
        return std::move(row_);
    }
    [[nodiscard]] int socket(metrics::Side side) const noexcept;

    // There is something to do that no event tells of.
    [[nodiscard]] bool has_work() const noexcept {
        return client_.has_work() || server_.has_work();
    }
    // A send to this side was short for the first time: true, once.
    [[nodiscard]] bool begins_to_wait_for_room(metrics::Side side) noexcept;

    // The loop's bookkeeping.
    int watch_error = 0;                    // an errno: a socket could not be registered
    std::size_t position = unlisted;        // among the live channels
    std::size_t ending_position = unlisted; // among those with a deadline
    std::size_t late_position = unlisted;   // among those that wait for a tick
    std::chrono::steady_clock::time_point deadline;
    std::chrono::steady_clock::time_point next_tick;
    Wait waits_for = Wait::none;
    bool queued = false;
    static constexpr std::size_t unlisted = static_cast<std::size_t>(-1);

  private:
    void flow(ThreadBuffers& buffers);
    void flush(LiveLeg& leg);
    void send_deferred(LiveLeg& leg);
    void broken(LiveLeg& leg, int error);
    void look_for_loss(LiveLeg& leg);
    [[nodiscard]] bool finished() const noexcept;

    std::uint64_t id_;
    LiveLeg client_;
    LiveLeg server_;
    Direction to_server_;
    Direction to_client_;
    ChannelEnd end_;
    bool stays_ = false;                                // see Channel
    bool terminating_ = false;                          // at the end of a message
    std::unique_ptr<const Ended> when_idle_;            // how it ends then
    std::optional<metrics::CloseReason> farewell_ = {}; // the client is told of it
    std::size_t accounted_ = 0;                         // as buffered
    std::unique_ptr<telemetry::Traffic> row_;
    TrafficMeter meter_;
};

} // namespace pgmoat::relay

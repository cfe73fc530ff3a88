// One relay thread: an epoll loop over the channels that it owns.
//
//   wait -> take new channels -> note what epoll reported -> take the rest of the mail ->
//   run every queued channel once -> deadlines
//
// Events are only noted; all work is done when the queue runs, so that an event never names a
// channel that was closed earlier in the same batch, and a channel with both sockets ready runs
// once. A channel that stopped at its work limit queues again, and the next wait does not block.
#pragma once

#include "metrics/counters.h"
#include "proxy/descriptor.h"
#include "proxy/relay/channel.h"
#include "proxy/relay/live_channel.h"
#include "proxy/relay/load_meter.h"
#include "proxy/relay/thread_buffers.h"

#include <sys/epoll.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace pgmoat::relay {

class Loop {
  public:
    // Starts the thread. Throws std::system_error.
    Loop(Reporter& reporter,
         metrics::Counters& counters,
         std::chrono::microseconds spin,
         const std::string& thread_name);
    // Closes what is live (reason drain) and joins.
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Any thread. Without memory to take it, the channel is closed and reported at once.
    void adopt(std::unique_ptr<Channel> channel);
    void close_all();
    void close_all_when_idle(const Ended& ended, Whom whom);
    void give_away(std::size_t most, Taker taker);
    void close(std::span<const std::uint64_t> ids, const Ended& ended, When when);
    [[nodiscard]] double expected_share(LoadMeter::Time now) const noexcept {
        return meter_.expected_share(now);
    }
    [[nodiscard]] std::size_t channels() const noexcept {
        return channels_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] const LoadMeter& meter() const noexcept { return meter_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const ThreadBuffers& buffers() const noexcept { return *buffers_; }

  private:
    struct Closing {
        std::uint64_t id;
        Ended ended;
        When when;
    };
    struct Leaving {
        Ended ended;
        Whom whom;
        [[nodiscard]] bool concerns(const LiveChannel& channel) const noexcept {
            return whom == Whom::all || !channel.is_portable();
        }
    };
    struct Giving {
        std::size_t most;
        Taker taker;
    };
    struct Mail {
        std::vector<std::unique_ptr<LiveChannel>> channels;
        std::vector<Closing> closings;
        std::unique_ptr<const Leaving> all_when_idle;
        std::vector<Giving> givings;
        bool close_all = false;
        bool stop = false;
    };

    void wake() noexcept;
    void work() noexcept;
    void wait() noexcept;
    [[nodiscard]] std::chrono::nanoseconds time_to_sleep() const noexcept;
    [[nodiscard]] int wait_for_events(std::span<epoll_event> events,
                                      std::chrono::nanoseconds timeout) noexcept;
    [[nodiscard]] int look(std::span<epoll_event> events,
                           std::chrono::nanoseconds timeout) const noexcept;
    void set_tick(LiveChannel& channel) noexcept;
    void tick() noexcept;
    [[nodiscard]] bool take_mail();
    [[nodiscard]] std::vector<std::unique_ptr<LiveChannel>> take_newcomers();
    void take_over(std::unique_ptr<LiveChannel>& channel) noexcept;
    [[nodiscard]] int watch(LiveChannel& channel) noexcept;
    void watch_for_room(LiveChannel& channel) noexcept;
    void queue(LiveChannel& channel) noexcept;
    void run_queue();
    void run_together(std::span<LiveChannel*> channels);
    // False: the channel is no more.
    [[nodiscard]] bool run(LiveChannel& channel);
    void set_deadline(LiveChannel& channel) noexcept;
    static void unlist(std::vector<LiveChannel*>& list,
                       std::size_t LiveChannel::*position,
                       LiveChannel& channel) noexcept;
    void close_overdue();
    void close(LiveChannel& channel) noexcept;
    enum class Patience { none, to_end_of_message };
    void close_live(Patience patience);
    void close_some(std::vector<Closing> closings);
    void close_all_idle(std::unique_ptr<const Leaving> leaving);
    void give_away_some(const Giving& giving) noexcept;
    [[nodiscard]] std::unique_ptr<Channel> release(LiveChannel& channel);
    [[nodiscard]] std::unique_ptr<LiveChannel> take_off(LiveChannel& channel) noexcept;
    void close_when_idle(LiveChannel& channel, const Ended& ended) noexcept;
    void close_as(LiveChannel& channel, const Ended& ended, Patience patience) noexcept;
    void unwatch(LiveChannel& channel) noexcept;
    void report(LiveChannel& channel) noexcept;
    void report(std::unique_ptr<telemetry::Traffic> row, const Ended& ended) noexcept;

    Reporter& reporter_;
    metrics::Counters& counters_;
    const std::chrono::microseconds spin_;
    bool events_come_soon_ = false; // the last ones within spin_
    const std::string name_;
    Descriptor epoll_;
    Descriptor wake_;
    LoadMeter meter_;
    std::unique_ptr<ThreadBuffers> buffers_;
    std::atomic<std::size_t> channels_{0}; // in the mailbox too

    std::mutex mutex_;
    Mail mail_;                          // under mutex_
    bool leaving_when_idle_ = false;     // under mutex_: newcomers are to be looked at at once
    std::atomic<bool> newcomers_{false}; // there may be channels in it

    // The thread's own. Room in the lists is made when a channel is taken over, never later.
    std::vector<std::unique_ptr<LiveChannel>> live_;
    std::vector<LiveChannel*> queue_;
    std::vector<LiveChannel*> running_;
    std::vector<LiveChannel*> ending_;             // with a deadline
    std::vector<LiveChannel*> late_;               // that wait for a tick, or for much
    std::unique_ptr<const Leaving> all_when_idle_; // who leaves when it is idle, those to come too
    LoadMeter::Time now_;
    LoadMeter::Time next_look_at_deadlines_;
    bool mail_came_ = false;

    std::thread thread_; // last: everything above is there when it starts
};

} // namespace pgmoat::relay

#include "proxy/relay/loop.h"

#include "proxy/relay/limits.h"
#include "proxy/thread_signals.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

namespace pgmoat::relay {

using metrics::CloseReason;
using metrics::Side;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::nanoseconds forever = std::chrono::nanoseconds::max();

Descriptor checked(int number, const char* what) {
    if (number < 0) throw std::system_error(errno, std::generic_category(), what);
    return Descriptor(number);
}

// epoll gives back one pointer per socket: the channel's, with the side in its lowest bit.
void* tag(LiveChannel& channel, Side side) noexcept {
    return reinterpret_cast<char*>(&channel) + (side == Side::server ? 1 : 0);
}

LiveChannel& note(const epoll_event& event) noexcept {
    const auto tagged = reinterpret_cast<std::uintptr_t>(event.data.ptr);
    auto& channel = *reinterpret_cast<LiveChannel*>(tagged & ~std::uintptr_t{1});
    channel.note((tagged & 1) != 0 ? Side::server : Side::client, event.events);
    return channel;
}

template <typename List>
void make_room(List& list, std::size_t count) {
    if (list.capacity() < count) list.reserve(std::max<std::size_t>(64, 2 * count));
}

} // namespace

Loop::Loop(Reporter& reporter,
           metrics::Counters& counters,
           std::chrono::microseconds spin,
           const std::string& thread_name)
    : reporter_(reporter), counters_(counters), spin_(spin), name_(thread_name),
      epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_(checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")), meter_(Clock::now()),
      buffers_(std::make_unique<ThreadBuffers>()), now_(Clock::now()) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET; // an edge per wake(): the counter is never read
    event.data.ptr = nullptr;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0)
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    // Without signals, SIGPIPE too: splice() knows no MSG_NOSIGNAL.
    thread_ = start_thread<std::thread>([this] { work(); });
    pthread_setname_np(thread_.native_handle(), thread_name.c_str());
}

Loop::~Loop() {
    {
        const std::lock_guard lock(mutex_);
        mail_.stop = true;
    }
    wake();
    thread_.join();
}

// Its sockets are watched from here, so that a channel on which nothing is to be done costs the thread
// no wake-up.
void Loop::adopt(std::unique_ptr<Channel> channel) {
    std::unique_ptr<LiveChannel> live;
    bool has_work = false;
    try {
        live = std::make_unique<LiveChannel>(std::move(channel)); // takes it if there is memory
        has_work = live->has_work();
        const std::lock_guard lock(mutex_); // until it is watched: the thread may close it at once
        mail_.channels.push_back(std::move(live));
        LiveChannel& given = *mail_.channels.back();
        newcomers_.store(true, std::memory_order_relaxed);
        channels_.fetch_add(1, std::memory_order_relaxed);
        given.watch_error = watch(given);
        has_work = has_work || leaving_when_idle_ || given.watch_error != 0;
    } catch (const std::bad_alloc&) {
        std::unique_ptr<telemetry::Traffic> row = live ? live->take_row() : std::move(channel->row);
        live.reset();
        channel.reset();
        return report(std::move(row), {CloseReason::internal, "out of memory"});
    }
    meter_.expect_channel();
    if (has_work) wake();
}

void Loop::close_all() {
    {
        const std::lock_guard lock(mutex_);
        mail_.close_all = true;
    }
    wake();
}

void Loop::close_all_when_idle(const Ended& ended, Whom whom) {
    auto all = std::make_unique<const Leaving>(Leaving{ended, whom});
    {
        const std::lock_guard lock(mutex_);
        leaving_when_idle_ = true;
        mail_.all_when_idle = std::move(all);
    }
    wake();
}

void Loop::give_away(std::size_t most, Taker taker) {
    {
        const std::lock_guard lock(mutex_);
        mail_.givings.push_back({most, std::move(taker)});
    }
    wake();
}

void Loop::close(std::span<const std::uint64_t> ids, const Ended& ended, When when) {
    if (ids.empty()) return;
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        first = mail_.closings.empty();
        for (const std::uint64_t id : ids)
            mail_.closings.push_back({id, ended, when});
    }
    if (first) wake();
}

void Loop::wake() noexcept {
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
}

void Loop::work() noexcept {
    buffers_->counters = &counters_.block_of_this_thread();
    buffers_->batch.enable();
    bool stop = false;
    while (!stop) {
        wait();
        if (std::exchange(mail_came_, false)) stop = take_mail();
        tick();
        run_queue();
        if (!ending_.empty() && now_ >= next_look_at_deadlines_) close_overdue();
    }
    close_live(Patience::none);
}

void Loop::wait() noexcept {
    epoll_event events[limits::events];
    const auto began = now_;
    now_ = Clock::now();
    meter_.worked(began, now_);
    if (queue_.empty()) meter_.waits(now_);
    const int count = wait_for_events(events, time_to_sleep());
    now_ = Clock::now();
    meter_.wakes(now_);
    // Before their events are looked at; those that could not be taken live as long.
    const std::vector<std::unique_ptr<LiveChannel>> failed = take_newcomers();
    for (int i = 0; i < count; ++i) {
        if (events[i].data.ptr == nullptr) {
            mail_came_ = true;
            continue;
        }
        LiveChannel& channel = note(events[i]);
        if (channel.position != LiveChannel::unlisted) queue(channel);
    }
}

// Sleeping and being woken takes longer than the answer of a fast server. A thread that looks again
// instead is not busy: its meter counts this as waiting.
int Loop::wait_for_events(std::span<epoll_event> events,
                          std::chrono::nanoseconds timeout) noexcept {
    if (timeout.count() == 0 || spin_.count() == 0) return look(events, timeout);
    const auto began = now_;
    int count = 0;
    if (events_come_soon_) do {
            count = look(events, {});
        } while (count == 0 && Clock::now() - began < std::min<Clock::duration>(spin_, timeout));
    if (count == 0) count = look(events, timeout);
    events_come_soon_ = Clock::now() - began < spin_;
    return count;
}

// epoll_wait() knows whole milliseconds. What knows less came with Linux 5.11, and lists of allowed
// system calls may be older.
int Loop::look(std::span<epoll_event> events, std::chrono::nanoseconds timeout) const noexcept {
    const int most = static_cast<int>(events.size());
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(timeout);
    if (timeout != forever && timeout != whole) {
        const timespec time{.tv_sec = 0,
                            .tv_nsec = timeout.count()}; // a tick is far below a second
        const int count = ::epoll_pwait2(epoll_.get(), events.data(), most, &time, nullptr);
        if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    }
    const int wait_ms = timeout == forever ? -1 : static_cast<int>(whole.count());
    return ::epoll_wait(epoll_.get(), events.data(), most, wait_ms);
}

// Channels that are woken late are few, so the nearest tick is looked for each time.
std::chrono::nanoseconds Loop::time_to_sleep() const noexcept {
    if (!queue_.empty()) return {};
    std::chrono::nanoseconds time = ending_.empty() ? forever : limits::deadline_tick;
    for (const LiveChannel* channel : late_)
        time = std::min<std::chrono::nanoseconds>(time, channel->next_tick - now_);
    return std::max(time, std::chrono::nanoseconds{});
}

void Loop::set_tick(LiveChannel& channel) noexcept {
    if (!channel.needs_tick()) return;
    channel.next_tick = Clock::now() + limits::late_tick; // this turn may have been a long one
    if (channel.late_position != LiveChannel::unlisted) return;
    channel.late_position = late_.size();
    late_.push_back(&channel);
}

void Loop::tick() noexcept {
    for (std::size_t i = late_.size(); i-- > 0;) { // backwards: unlisting moves the last one here
        LiveChannel& channel = *late_[i];
        if (now_ < channel.next_tick) continue;
        unlist(late_, &LiveChannel::late_position, channel);
        if (!channel.needs_tick()) continue;
        channel.tick();
        queue(channel);
    }
}

std::vector<std::unique_ptr<LiveChannel>> Loop::take_newcomers() {
    std::vector<std::unique_ptr<LiveChannel>> channels;
    if (!newcomers_.exchange(false, std::memory_order_relaxed)) return channels;
    {
        const std::lock_guard lock(mutex_);
        std::swap(channels, mail_.channels);
    }
    for (auto& channel : channels)
        take_over(channel);
    return channels;
}

// True: the thread must stop.
bool Loop::take_mail() {
    Mail mail;
    {
        const std::lock_guard lock(mutex_);
        std::swap(mail, mail_);
    }
    for (auto& channel : mail.channels)
        take_over(channel);
    if (!mail.closings.empty()) close_some(std::move(mail.closings));
    if (mail.all_when_idle) close_all_idle(std::move(mail.all_when_idle));
    if (mail.close_all) close_live(Patience::to_end_of_message);
    if (mail.stop) return true;
    for (const Giving& giving : mail.givings)
        give_away_some(giving);
    return false;
}

// What stays behind in `channel` could not be taken, and has been reported.
void Loop::take_over(std::unique_ptr<LiveChannel>& channel) noexcept {
    LiveChannel& taken = *channel;
    try {
        if (taken.watch_error != 0)
            taken.end().tell(CloseReason::internal,
                             "could not watch a socket: " +
                                 std::generic_category().message(taken.watch_error));
        for (auto* list : {&queue_, &running_, &ending_, &late_})
            make_room(*list, live_.size() + 1);
        make_room(live_, live_.size() + 1);
    } catch (const std::bad_alloc&) {
        return report(taken);
    }
    if (taken.watch_error != 0) return report(taken);
    taken.position = live_.size();
    live_.push_back(std::move(channel));
    if (all_when_idle_ && all_when_idle_->concerns(taken))
        close_when_idle(taken, all_when_idle_->ended);
    if (taken.has_work()) queue(taken); // bytes that epoll does not know of
}

// For everything but room to send, which is there until a send is short. The client last: it may have
// spoken, and wakes the thread, which then finds the mail unlocked. Returns an errno or 0.
int Loop::watch(LiveChannel& channel) noexcept {
    for (const Side side : {Side::server, Side::client}) {
        epoll_event event{};
        event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
        event.data.ptr = tag(channel, side);
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, channel.socket(side), &event) != 0)
            return errno;
    }
    return 0;
}

// From the first short send on. If there is room again already, epoll says so at once; it cannot
// fail for a socket that it watches.
void Loop::watch_for_room(LiveChannel& channel) noexcept {
    for (const Side side : {Side::client, Side::server}) {
        if (!channel.begins_to_wait_for_room(side)) continue;
        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
        event.data.ptr = tag(channel, side);
        (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, channel.socket(side), &event);
    }
}

void Loop::queue(LiveChannel& channel) noexcept {
    if (std::exchange(channel.queued, true)) return;
    queue_.push_back(&channel);
}

void Loop::run_queue() {
    std::swap(queue_, running_);
    // Each channel can want two receives.
    constexpr std::size_t together = limits::batch_operations / 2;
    for (std::span<LiveChannel*> left(running_); !left.empty();) {
        const auto next = left.first(std::min(together, left.size()));
        run_together(next);
        left = left.subspan(next.size());
    }
    running_.clear();
}

void Loop::run_together(std::span<LiveChannel*> channels) {
    IoBatch& batch = buffers_->batch;
    const bool batched = channels.size() >= limits::batch_pays_from && batch.usable();
    if (batched) {
        for (LiveChannel* channel : channels)
            channel->want_receives(batch);
        batch.receive();
    }
    for (LiveChannel*& channel : channels) {
        channel->queued = false;
        if (!run(*channel)) channel = nullptr;
    }
    if (!batched) return;
    batch.send();
    for (LiveChannel* channel : channels) {
        if (!channel) continue;
        channel->account(*buffers_); // what the sockets did not take is owed
        watch_for_room(*channel);
        if (channel->send_failed()) queue(*channel);
    }
}

// Whatever goes wrong in one channel ends that channel, never the thread.
bool Loop::run(LiveChannel& channel) try {
    const LiveChannel::After after = channel.run(*buffers_);
    channel.account(*buffers_);
    if (after == LiveChannel::After::finished) {
        close(channel);
        return false;
    }
    watch_for_room(channel);
    if (after == LiveChannel::After::more) queue(channel);
    if (channel.ending()) set_deadline(channel);
    set_tick(channel);
    return true;
} catch (const std::exception& problem) {
    try {
        channel.end().tell(CloseReason::internal, problem.what());
    } catch (const std::bad_alloc&) { // a ChannelEnd without a text is `internal` as well
    }
    close(channel);
    return false;
}

void Loop::set_deadline(LiveChannel& channel) noexcept {
    using Wait = LiveChannel::Wait;
    const Wait before = std::exchange(channel.waits_for, channel.wait());
    if (channel.waits_for == Wait::none)
        return unlist(ending_, &LiveChannel::ending_position, channel);
    if (channel.waits_for == Wait::linger && before == Wait::linger) return; // no byte extends it

    channel.deadline =
        now_ + (channel.waits_for == Wait::linger ? limits::linger : limits::stall_after_end);
    if (channel.ending_position != LiveChannel::unlisted) return;
    channel.ending_position = ending_.size();
    ending_.push_back(&channel);
}

void Loop::unlist(std::vector<LiveChannel*>& list,
                  std::size_t LiveChannel::*position,
                  LiveChannel& channel) noexcept {
    const std::size_t at = channel.*position;
    if (at == LiveChannel::unlisted) return;
    list[at] = list.back();
    list[at]->*position = at;
    list.pop_back();
    channel.*position = LiveChannel::unlisted; // it may have been the last one itself
}

void Loop::close_overdue() {
    next_look_at_deadlines_ = now_ + limits::deadline_tick;
    for (std::size_t i = ending_.size(); i-- > 0;) { // backwards: closing moves the last one here
        LiveChannel& channel = *ending_[i];
        if (now_ < channel.deadline) continue;
        try {
            channel.give_up();
        } catch (const std::bad_alloc&) { // no text: `internal`
        }
        close(channel);
    }
}

void Loop::close(LiveChannel& channel) noexcept {
    const std::unique_ptr<LiveChannel> closed = take_off(channel);
    report(*closed);
}

std::unique_ptr<LiveChannel> Loop::take_off(LiveChannel& channel) noexcept {
    if (channel.queued) std::erase(queue_, &channel);
    unlist(ending_, &LiveChannel::ending_position, channel);
    unlist(late_, &LiveChannel::late_position, channel);
    const std::size_t position = channel.position;
    std::unique_ptr<LiveChannel> taken = std::move(live_[position]);
    if (position + 1 < live_.size()) {
        live_[position] = std::move(live_.back());
        live_[position]->position = position;
    }
    live_.pop_back();
    return taken;
}

// The taker hears of it even when there is none: it asks again later.
void Loop::give_away_some(const Giving& giving) noexcept {
    std::vector<std::unique_ptr<Channel>> given;
    try {
        given.reserve(giving.most);
        for (std::size_t i = live_.size(); i-- > 0 && given.size() < giving.most;) {
            if (!live_[i]->can_leave()) continue; // backwards: leaving moves the last one here
            if (auto channel = release(*live_[i])) given.push_back(std::move(channel));
        }
        giving.taker(given);
    } catch (const std::exception&) { // those that were not released are as they were
    }
    for (auto& channel : given)
        if (channel) adopt(std::move(channel));
}

// Its sockets are no longer watched, but open. Null: it has ended instead.
std::unique_ptr<Channel> Loop::release(LiveChannel& channel) {
    auto released = std::make_unique<Channel>();
    if (!channel.pack(*buffers_)) {
        close(channel);
        return nullptr;
    }
    unwatch(channel);
    const std::unique_ptr<LiveChannel> taken = take_off(channel);
    taken->move_into(*released, *buffers_);
    buffers_->count_spliced(0);
    channels_.fetch_sub(1, std::memory_order_relaxed);
    return released;
}

void Loop::close_live(Patience patience) {
    for (LiveChannel* channel : queue_)
        channel->queued = false;
    queue_.clear();
    for (std::size_t i = live_.size(); i-- > 0;) // backwards: closing moves the last one here
        close_as(*live_[i], {CloseReason::drain, "closed by pgmoat"}, patience);
}

// One pass however many there are: a reload of access rules may end thousands.
void Loop::close_some(std::vector<Closing> closings) {
    std::ranges::stable_sort(closings, {}, &Closing::id); // the first reason counts
    for (std::size_t i = live_.size(); i-- > 0;) { // backwards: closing moves the last one here
        const auto found = std::ranges::lower_bound(closings, live_[i]->id(), {}, &Closing::id);
        if (found == closings.end() || found->id != live_[i]->id()) continue;
        switch (found->when) {
        case When::at_once: close_as(*live_[i], found->ended, Patience::to_end_of_message); break;
        case When::idle: close_when_idle(*live_[i], found->ended); break;
        case When::if_idle:
            if (live_[i]->idle()) close_as(*live_[i], found->ended, Patience::none);
            break;
        }
    }
}

void Loop::close_all_idle(std::unique_ptr<const Leaving> leaving) {
    all_when_idle_ = std::move(leaving);
    for (const auto& channel : live_)
        if (all_when_idle_->concerns(*channel)) close_when_idle(*channel, all_when_idle_->ended);
}

// run() closes it: it first reads what the client may have sent by now.
void Loop::close_when_idle(LiveChannel& channel, const Ended& ended) noexcept {
    try {
        channel.terminate_when_idle(ended);
        queue(channel);
    } catch (const std::bad_alloc&) { // it leaves by the time limit
    }
}

// A client in the middle of a message gets the rest of it first, for a while.
void Loop::close_as(LiveChannel& channel, const Ended& ended, Patience patience) noexcept {
    try {
        if (!channel.terminate(ended) && patience == Patience::to_end_of_message) {
            queue(channel);
            return set_deadline(channel);
        }
        channel.say_goodbye(*buffers_);
    } catch (const std::bad_alloc&) { // then without good manners
    }
    close(channel);
}

// A socket that a child process has, in the moment before it executes another program, stays in the
// epoll set when we close ours, and its events would name a channel that is gone.
void Loop::unwatch(LiveChannel& channel) noexcept {
    for (const Side side : {Side::server, Side::client})
        (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, channel.socket(side), nullptr);
}

void Loop::report(LiveChannel& channel) noexcept {
    unwatch(channel);
    channel.close_sockets(*buffers_);
    buffers_->count_spliced(0);
    channels_.fetch_sub(1, std::memory_order_relaxed);
    report(channel.take_row(), channel.end().take());
}

// The sockets are closed before: who is told of the end may count on that.
void Loop::report(std::unique_ptr<telemetry::Traffic> row, const Ended& ended) noexcept {
    try {
        reporter_.report(std::move(row), ended);
    } catch (...) { // the reporter's trouble must not end the other channels
    }
}

} // namespace pgmoat::relay

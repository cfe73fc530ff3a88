#include "proxy/server/sessions_out.h"

#include "proxy/server/limits.h"
#include "proxy/server/moved_session.h"
#include "proxy/server/session_channel.h"
#include "proxy/telemetry/session_table.h"
#include "proxy/upstream/dial.h"

#include <array>
#include <new>
#include <utility>

namespace pgmoat::server {

namespace {

MovedSession moved(const relay::Channel& channel) {
    const auto& row = static_cast<const telemetry::SessionRow&>(*channel.row);
    MovedSession session;
    session.row = row.moved();
    if (const auto& route = session.row.route)
        session.route = MovedRoute{route->target->name,
                                   route->host.name,
                                   route->host.port,
                                   route->host.local,
                                   route->address};
    session.messages = channel.meter.state();
    session.client = {channel.client.unread, channel.client.unsent};
    session.server = {channel.server.unread, channel.server.unsent};
    return session;
}

} // namespace

std::string connections(std::size_t count) {
    return std::to_string(count) + (count == 1 ? " connection" : " connections");
}

SessionsOut::SessionsOut(runtime::ControlThread& thread, Descriptor channel, Events events)
    : thread_(thread), channel_(std::move(channel)), readiness_(thread.context, channel_.get()),
      timer_(thread.context), events_(std::move(events)) {
    inbox_->executor = thread.executor;
}

SessionsOut::~SessionsOut() {
    (void)readiness_.release(); // the descriptor is channel_'s
}

void SessionsOut::start() {
    inbox_->owner = weak_from_this();
    listen();
    ask();
}

void SessionsOut::listen() {
    readiness_.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = weak_from_this()](const error_code& error) {
                              if (const auto out = self.lock(); out && !error) out->hear();
                          });
}

// --- from the relay threads ---------------------------------------------------------------------

void SessionsOut::ask() {
    if (stopped_) return;
    thread_.services.plane.give_away(next_thread_++,
                                     moving_at_once_max,
                                     [inbox = inbox_](Channels& given) { inbox->take(given); });
}

// On a relay thread. Channels left in the list stay there.
void SessionsOut::Inbox::take(Channels& given) {
    const std::lock_guard lock(mutex);
    if (closed) return;
    executor->post([owner = owner] {
        if (const auto out = owner.lock()) out->send_those_taken();
    });
    channels = std::exchange(given, {});
}

SessionsOut::Channels SessionsOut::Inbox::close() {
    const std::lock_guard lock(mutex);
    closed = true;
    return std::exchange(channels, {});
}

// --- to the new process -------------------------------------------------------------------------

void SessionsOut::send_those_taken() {
    Channels channels;
    {
        const std::lock_guard lock(inbox_->mutex);
        channels = std::exchange(inbox_->channels, {});
    }
    const bool none = channels.empty();
    for (auto& channel : channels)
        send(std::move(channel));
    if (stopped_) return;
    if (none) return none_here();
    threads_without_ = 0;
    if (moving_.empty()) return ask_later(); // all of them stayed
    limit_waiting();
}

// If there is no memory to send it, it stays here.
void SessionsOut::send(std::unique_ptr<relay::Channel> channel) {
    if (stopped_) return back(std::move(channel));
    try {
        try_to_send(channel);
    } catch (const std::bad_alloc&) {
    }
    if (channel) back(std::move(channel));
}

// Leaves it in `channel` if it cannot move now.
void SessionsOut::try_to_send(std::unique_ptr<relay::Channel>& channel) {
    const auto session = encode_session(moved(*channel));
    if (!session) {
        channel->stays = true;
        return;
    }
    const std::uint32_t number = next_number_++;
    const std::array<int, 2> sockets{channel->client.socket.get(), channel->server.socket.get()};
    const auto at = moving_.emplace(number, nullptr).first; // allocated before it is sent
    switch (send_session(channel_, number, *session, sockets)) {
    case Transfer::done: at->second = std::move(channel); return;
    case Transfer::not_now: moving_.erase(at); return;
    case Transfer::garbage:
    case Transfer::failed:
        moving_.erase(at);
        return give_up("the new process no longer takes connections");
    }
}

// This thread has no session that can move now. Once that is true of all threads, ask again later:
// sessions that are still logging in, or have too many buffered bytes, may be able to move then.
void SessionsOut::none_here() {
    if (++threads_without_ < thread_.services.plane.thread_count()) return ask();
    threads_without_ = 0;
    tell();
    ask_later();
}

void SessionsOut::ask_later() {
    timer_.expires_after(moving_retry_pause);
    timer_.async_wait([self = weak_from_this()](const error_code& error) {
        if (const auto out = self.lock(); out && !error) out->ask();
    });
}

// --- the answers --------------------------------------------------------------------------------

void SessionsOut::hear() {
    const auto self = shared_from_this();
    const bool waited = !moving_.empty();
    for (;;) {
        if (stopped_) return;
        Answer answer;
        const Transfer got = receive_answer(channel_, answer);
        if (got == Transfer::not_now) break;
        if (got != Transfer::done || !moving_.contains(answer.number))
            return give_up("the new process has closed the way for connections");
        answered(answer.number, answer.taken);
    }
    listen();
    if (!waited || !moving_.empty()) return;
    timer_.cancel();
    ask();
}

void SessionsOut::answered(std::uint32_t number, bool took) {
    const auto found = moving_.find(number);
    if (found == moving_.end()) return;
    std::unique_ptr<relay::Channel> channel = std::move(found->second);
    moving_.erase(found);
    if (!took) {
        ++refused_;
        channel->stays = true;
        return back(std::move(channel));
    }
    ++handed_over_;
    const auto& facts = static_cast<const telemetry::SessionRow&>(*channel->row).facts();
    thread_.services.counters.block_of_this_thread().connection_closed(
        facts.listener_id, facts.mode, metrics::CloseReason::handed_over);
}

void SessionsOut::limit_waiting() {
    answers_until_ = std::chrono::steady_clock::now() + moving_patience;
    timer_.expires_at(answers_until_);
    timer_.async_wait([self = weak_from_this()](const error_code& error) {
        const auto out = self.lock();
        if (!out || error || out->moving_.empty()) return;
        if (std::chrono::steady_clock::now() >= out->answers_until_) // not for earlier answers
            out->give_up("the new process did not answer for connections in time");
    });
}

// --- the end ------------------------------------------------------------------------------------

void SessionsOut::give_up(const std::string& why) {
    if (stopped_) return;
    const auto self = shared_from_this();
    thread_.services.log.warning(why);
    stop();
    events_.over();
}

// Answers already sent count; after that none can be sent.
void SessionsOut::stop() {
    if (std::exchange(stopped_, true)) return;
    Channels not_sent = inbox_->close();
    timer_.cancel();
    readiness_.cancel();
    close_answers(channel_);
    for (Answer answer;;) {
        const Transfer got = receive_answer(channel_, answer);
        if (got == Transfer::done) answered(answer.number, answer.taken);
        if (got == Transfer::not_now || got == Transfer::failed) break;
    }
    for (auto& [number, channel] : moving_)
        if (channel) back(std::move(channel));
    moving_.clear();
    for (auto& channel : not_sent)
        back(std::move(channel));
    tell();
    (void)readiness_.release();
    channel_.reset();
}

void SessionsOut::back(std::unique_ptr<relay::Channel> channel) {
    events_.back(std::move(channel));
}

void SessionsOut::tell() {
    const std::size_t count = std::exchange(handed_over_, 0);
    const std::size_t refused = std::exchange(refused_, 0);
    if (count > 0) thread_.services.log.info("handed over " + connections(count));
    if (refused > 0)
        thread_.services.log.warning(
            "the new process does not take over " + connections(refused) +
            ": what stays here ends when it is idle, or when shutdown_timeout expires");
}

} // namespace pgmoat::server

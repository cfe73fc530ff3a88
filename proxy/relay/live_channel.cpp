#include "proxy/relay/live_channel.h"

#include "proxy/relay/limits.h"

#include <system_error>
#include <utility>

namespace pgmoat::relay {

using metrics::Side;

namespace {

bool complete(const LiveLeg& from, const LiveLeg& to) noexcept {
    return to.writing == Writing::broken || (from.reading_ended && to.writing == Writing::ended);
}

// Not while its target takes nothing: the room for it wakes the channel.
bool may_sleep_over_bytes(const Direction& direction,
                          const LiveLeg& from,
                          const LiveLeg& to) noexcept {
    return direction.pace.late() && !from.readable && !from.reading_ended && !to.owes() &&
           !direction.stopped && !direction.splice.stuck();
}

} // namespace

LiveChannel::LiveChannel(std::unique_ptr<Channel> channel)
    : id_(channel->id), client_(std::move(channel->client), Side::client),
      server_(std::move(channel->server), Side::server), stays_(channel->stays),
      row_(std::move(channel->row)), meter_(channel->meter) {}

void LiveChannel::want_receives(IoBatch& batch) noexcept {
    const auto want = [&batch](const Direction& direction, LiveLeg& from, const LiveLeg& to) {
        const bool plain_turn = from.readable && !from.holds_bytes && from.unread.empty() &&
                                !from.has_kept_end() && !direction.bulk &&
                                !direction.after_large_read && !direction.pace.late();
        if (plain_turn && to.may_write() && can_flow(direction, from, to)) batch.want(from);
    };
    want(to_server_, client_, server_);
    want(to_client_, server_, client_);
}

void LiveChannel::note(Side side, std::uint32_t events) noexcept {
    (side == Side::client ? client_ : server_).note(events);
}

LiveChannel::After LiveChannel::run(ThreadBuffers& buffers) {
    flush(client_);
    flush(server_);

    flow(buffers);
    client_.keep_what_came();
    server_.keep_what_came();
    if (terminating_ && to_client_.stopped) send_deferred(client_);
    if (terminating_ && to_client_.stopped && !client_.owes()) {
        say_goodbye(buffers);
        return After::finished;
    }

    if (when_idle_ && meter_.idle()) {
        if (client_.has_deferred() || server_.has_deferred())
            return After::more; // behind the batch
        if (idle() && terminate(*when_idle_)) {
            say_goodbye(buffers);
            return After::finished;
        }
    }

    if (ending()) {
        look_for_loss(client_);
        look_for_loss(server_);
        if (finished()) return After::finished;
    }
    const bool more =
        can_flow(to_server_, client_, server_) || can_flow(to_client_, server_, client_);
    return more ? After::more : After::rest;
}

void LiveChannel::flow(ThreadBuffers& buffers) {
    if (Flow(to_server_, client_, server_, buffers, meter_, end_).run() > 0)
        to_client_.pace.hurry();
    if (Flow(to_client_, server_, client_, buffers, meter_, end_).run() > 0)
        to_server_.pace.hurry();
    client_.wake_at(to_server_.pace.late() ? limits::late_wakes_at : 1);
    server_.wake_at(to_client_.pace.late() ? limits::late_wakes_at : 1);
}

bool LiveChannel::needs_tick() const noexcept {
    return may_sleep_over_bytes(to_server_, client_, server_) ||
           may_sleep_over_bytes(to_client_, server_, client_);
}

void LiveChannel::tick() noexcept {
    const auto look = [](Direction& direction, LiveLeg& from, const LiveLeg& to) {
        if (!may_sleep_over_bytes(direction, from, to)) return;
        direction.pace.tick();
        from.readable = true;
    };
    look(to_server_, client_, server_);
    look(to_client_, server_, client_);
}

void LiveChannel::flush(LiveLeg& leg) {
    if (leg.has_send_error()) return broken(leg, leg.take_send_error());
    if (!leg.owes() || !leg.writable) return;
    if (const int error = leg.flush(); error != 0) broken(leg, error);
}

// What the batch would send later goes now, since it is known only then whether all of it went.
void LiveChannel::send_deferred(LiveLeg& leg) {
    if (const int error = leg.send_deferred(); error != 0) broken(leg, error);
}

void LiveChannel::broken(LiveLeg& leg, int error) {
    end_.cannot_send(leg.side, error);
    leg.break_writing();
}

// Everything that it sent was read, and it is gone: nothing can be sent to it.
void LiveChannel::look_for_loss(LiveLeg& leg) {
    const bool writing = leg.writing == Writing::open || leg.writing == Writing::closing;
    if (leg.lost && leg.reading_ended && writing) leg.break_writing();
}

bool LiveChannel::finished() const noexcept {
    const bool client_ended = client_.reading_ended || client_.writing == Writing::broken;
    return client_ended && complete(client_, server_) && complete(server_, client_);
}

LiveChannel::Wait LiveChannel::wait() const noexcept {
    if (terminating_) return Wait::linger;
    if (server_.reading_ended && client_.writing == Writing::ended) return Wait::linger;
    const bool lost = client_.lost || server_.lost || client_.writing == Writing::broken ||
                      server_.writing == Writing::broken;
    return lost || server_.reading_ended ? Wait::stall : Wait::none;
}

void LiveChannel::give_up() {
    if (end_.told()) return;
    end_.gave_up(client_.lost ? Side::client : Side::server);
}

bool LiveChannel::terminate(const Ended& ended) {
    end_.tell(ended.reason, ended.detail);
    if (!farewell_of(ended.reason) || !client_.may_write() || !meter_.follows_server()) return true;
    farewell_ = ended.reason;
    to_client_.bulk = false;
    to_client_.last_message = true;
    to_client_.stopped = meter_.server_message_ends_in({}).has_value();
    terminating_ = !to_client_.stopped || client_.owes() || to_client_.splice.stuck();
    return !terminating_;
}

void LiveChannel::terminate_when_idle(const Ended& ended) {
    if (!when_idle_) when_idle_ = std::make_unique<const Ended>(ended);
    client_.readable = true; // a query may have come that epoll has not told of yet
}

bool LiveChannel::idle() const noexcept {
    const auto at_rest = [](const LiveLeg& leg) {
        return !leg.readable && !leg.owes() && !leg.has_deferred() && leg.unread.empty() &&
               !leg.reading_ended && !leg.lost && !leg.has_news();
    };
    return meter_.idle() && at_rest(client_) && at_rest(server_);
}

void LiveChannel::say_goodbye(ThreadBuffers& buffers) {
    for (LiveLeg* leg : {&client_, &server_}) {
        send_deferred(*leg);
        flush(*leg);
        const auto text = leg == &client_ && farewell_ && to_client_.stopped
                              ? farewell_of(*farewell_)
                              : std::nullopt;
        if ((!leg->tls && !text) || !leg->may_write() || leg->owes()) continue;
        buffers.outgoing.clear();
        const protocol::Bytes words = text ? protocol::encode_fatal(*text) : protocol::Bytes();
        if (!leg->tls) {
            (void)leg->send(words);
            continue;
        }
        tls::Wire wire{{}, false, buffers.outgoing};
        if (text) (void)leg->tls->write(words, wire);
        leg->tls->shut_down(wire);
        (void)leg->send(buffers.outgoing); // if it does not go, the close says as much
    }
}

bool LiveChannel::can_leave() const noexcept {
    const std::size_t held = client_.owed() + client_.unread.size() + server_.owed() +
                             server_.unread.size() + to_server_.splice.held() +
                             to_client_.splice.held();
    return is_portable() && client_.can_leave() && server_.can_leave() && !ending() &&
           !when_idle_ && held <= limits::leaving_bytes;
}

bool LiveChannel::pack(ThreadBuffers& buffers) {
    const int to_client = client_.owe_rest_of(to_client_.splice, buffers.pipes);
    const int to_server = server_.owe_rest_of(to_server_.splice, buffers.pipes);
    if (to_client == 0 && to_server == 0) return true;
    end_.tell(metrics::CloseReason::internal,
              "could not read a pipe: " +
                  std::generic_category().message(to_client != 0 ? to_client : to_server));
    return false;
}

void LiveChannel::move_into(Channel& channel, ThreadBuffers& buffers) noexcept {
    buffers.count_buffered(std::exchange(accounted_, 0), 0);
    channel.id = id_;
    channel.client = client_.release();
    channel.server = server_.release();
    channel.row = std::move(row_);
    channel.meter = meter_;
}

// Of the pipes that splice leases nothing is counted: they are the kernel's.
void LiveChannel::account(ThreadBuffers& buffers) noexcept {
    const std::size_t now =
        client_.owed() + client_.unread.size() + server_.owed() + server_.unread.size();
    buffers.count_buffered(std::exchange(accounted_, now), now);
}

void LiveChannel::close_sockets(ThreadBuffers& buffers) noexcept {
    to_server_.splice.drop(buffers.pipes);
    to_client_.splice.drop(buffers.pipes);
    buffers.count_buffered(std::exchange(accounted_, 0), 0);
    buffers.batch.forget(client_);
    buffers.batch.forget(server_);
    client_.socket.reset();
    server_.socket.reset();
}

bool LiveChannel::begins_to_wait_for_room(Side side) noexcept {
    LiveLeg& leg = side == Side::client ? client_ : server_;
    return !leg.writable && !std::exchange(leg.waits_for_room, true);
}

int LiveChannel::socket(Side side) const noexcept {
    return (side == Side::client ? client_ : server_).socket.get();
}

} // namespace pgmoat::relay

#include "proxy/relay/flow.h"

#include "proxy/relay/limits.h"

#include <utility>

namespace pgmoat::relay {

bool can_flow(const Direction& direction, const LiveLeg& from, const LiveLeg& to) noexcept {
    if (from.reading_ended || to.owes() || direction.stopped) return false;
    if (direction.splice.stuck() && to.writing != Writing::broken) return false;
    return from.readable || from.holds_bytes || !from.unread.empty();
}

std::size_t Flow::run() {
    work();
    meter_.moved(from_.side, moved_, *buffers_.counters);
    if (looked_) direction_.pace.looked(moved_);
    return moved_;
}

void Flow::work() {
    if (direction_.splice.stuck()) go_on_splicing();
    for (int turns = 0; turns < limits::work_turns && moved_ < limits::work_bytes; ++turns) {
        if (!can_flow(direction_, from_, to_)) return;
        turn();
    }
}

void Flow::turn() {
    if (from_.holds_bytes || !from_.unread.empty()) return relay_kept();
    if (to_.writing == Writing::broken) return discard();
    if (direction_.bulk) return splice();
    relay_received();
}

void Flow::relay_kept() {
    const std::vector<std::uint8_t> kept = std::exchange(from_.unread, {});
    from_.holds_bytes = false;
    relay(kept, false);
}

void Flow::relay_received() {
    looked_ = true;
    const Received got = from_.receive(room_for_received());
    if (got.error != 0) {
        end_.cannot_receive(from_.side, got.error);
        return source_lost();
    }
    if (got.bytes.empty() && !got.end_of_stream) return;
    watch_for_bulk(got.bytes.size());
    relay(got.bytes, got.end_of_stream);
}

// Without TLS of ours bulk is spliced, and what a session holds must fit into limits::leaving_bytes.
std::span<std::uint8_t> Flow::room_for_received() noexcept {
    const bool large = direction_.pace.late() && (from_.tls || to_.tls);
    const std::span<std::uint8_t> room(buffers_.received);
    return large ? room : room.first(limits::receive_bytes);
}

void Flow::relay(std::span<const std::uint8_t> received, bool end_of_stream) {
    if (from_.tls) return decrypt(received, end_of_stream);
    forward(received);
    if (end_of_stream) settle(tls::Status::closed);
}

void Flow::decrypt(std::span<const std::uint8_t> ciphertext, bool end_of_stream) {
    buffers_.answer.clear();
    tls::Wire wire{ciphertext, end_of_stream, buffers_.answer};
    tls::ReadResult got{};
    do {
        const std::span<std::uint8_t> room = room_for_plaintext();
        got = from_.tls->read(room, wire);
        forward(room.first(got.bytes));
    } while (got.status == tls::Status::ok && !to_.owes() && !direction_.stopped);

    if (got.status == tls::Status::ok) { // stopped half way: nothing else tells that bytes are left
        from_.unread.assign(wire.in.begin(), wire.in.end());
        from_.holds_bytes = true;
    }
    send_answer();
    // A session that wants more where nothing more can come would be asked forever.
    const bool stopped_short = end_of_stream && got.status == tls::Status::want_read;
    settle(stopped_short ? tls::Status::truncated : got.status);
}

// What is left of the message that is under way. Only asked of the server's bytes.
std::span<const std::uint8_t>
Flow::up_to_the_stop(std::span<const std::uint8_t> plaintext) noexcept {
    if (direction_.stopped) return {};
    const auto end = meter_.server_message_ends_in(plaintext);
    if (!end) return plaintext;
    direction_.stopped = true;
    return plaintext.first(*end);
}

// Memory of the batch where the plaintext is sent as it is, so that the send can be deferred.
std::span<std::uint8_t> Flow::room_for_plaintext() noexcept {
    if (to_.tls) return buffers_.plaintext;
    const std::span<std::uint8_t> deferrable = buffers_.batch.plaintext_for(to_);
    return deferrable.empty() ? std::span<std::uint8_t>(buffers_.plaintext) : deferrable;
}

void Flow::forward(std::span<const std::uint8_t> plaintext) {
    if (direction_.last_message) plaintext = up_to_the_stop(plaintext);
    if (plaintext.empty()) return;
    moved_ += plaintext.size();
    meter_.saw(from_.side, plaintext, *buffers_.counters);
    if (meter_.client_terminated()) end_.client_terminated();
    if (!to_.may_write()) return;
    if (!to_.tls) return send(plaintext);

    std::vector<std::uint8_t>* deferrable = buffers_.batch.outgoing_for(to_);
    std::vector<std::uint8_t>& outgoing = deferrable ? *deferrable : buffers_.outgoing;
    outgoing.clear();
    tls::Wire wire{{}, false, outgoing};
    const tls::Status status = to_.tls->write(plaintext, wire);
    send(outgoing);
    if (status == tls::Status::ok) return;
    end_.tls_failed(to_.side, *to_.tls);
    target_lost();
}

void Flow::send(std::span<const std::uint8_t> bytes) {
    if (bytes.empty() || buffers_.batch.defer(to_, bytes)) return;
    const int error = to_.send(bytes);
    if (error == 0) return;
    end_.cannot_send(to_.side, error);
    target_lost();
}

// Reading may write: the answer to a KeyUpdate, an alert.
void Flow::send_answer() {
    if (buffers_.answer.empty() || !from_.may_write()) return;
    if (const int error = from_.send(buffers_.answer); error != 0) {
        end_.cannot_send(from_.side, error);
        from_.break_writing();
    } else if (from_.owed() > limits::turn_bytes + limits::answer_bytes) {
        end_.flooded(from_.side);
        source_lost();
    }
}

void Flow::splice() {
    if (const int error = to_.send_deferred(); error != 0) {
        end_.cannot_send(to_.side, error);
        return target_lost();
    }
    if (to_.owes()) return;
    looked_ = true;
    const SpliceResult got =
        direction_.splice.turn(from_.socket.get(), to_.socket.get(), buffers_.pipes);
    moved_ += got.bytes;
    buffers_.count_spliced(got.bytes);
    meter_.missed(from_.side, got.bytes);
    switch (got.outcome) {
    case Spliced::moved:
        if (got.bytes < limits::bulk_leaves_below) direction_.bulk = false;
        return;
    case Spliced::stuck: to_.writable = false; return;
    case Spliced::nothing: from_.readable = false; return;
    case Spliced::end: return settle(tls::Status::closed);
    case Spliced::unavailable: direction_.bulk = false; return;
    case Spliced::read_error: end_.cannot_receive(from_.side, got.error); return source_lost();
    case Spliced::write_error: end_.cannot_send(to_.side, got.error); return target_lost();
    }
}

void Flow::go_on_splicing() {
    if (to_.writing == Writing::broken) return direction_.splice.drop(buffers_.pipes);
    if (!to_.writable) return;
    const SpliceResult got = direction_.splice.flush(to_.socket.get(), buffers_.pipes);
    if (got.outcome == Spliced::stuck) to_.writable = false;
    if (got.outcome != Spliced::write_error) return;
    end_.cannot_send(to_.side, got.error);
    target_lost();
}

// These bytes are no longer wanted, but the peer must not be stuck in sending them.
void Flow::discard() {
    const Received got = from_.receive(buffers_.received);
    if (got.error != 0 || got.end_of_stream) from_.reading_ended = true;
    if (got.error != 0) from_.break_writing();
}

void Flow::settle(tls::Status status) {
    if (status == tls::Status::ok || status == tls::Status::want_read) return;
    switch (status) {
    case tls::Status::ok:
    case tls::Status::want_read: return;
    case tls::Status::closed: end_.closed(from_.side); return source_ended(true);
    case tls::Status::truncated: end_.truncated(from_.side); return source_ended(false);
    case tls::Status::failed: end_.tls_failed(from_.side, *from_.tls); return source_lost();
    }
}

// A truncated stream is not passed on as a clean one: the target gets no close_notify.
void Flow::source_ended(bool clean) {
    from_.reading_ended = true;
    if (clean && to_.tls && to_.may_write()) {
        buffers_.outgoing.clear();
        tls::Wire wire{{}, false, buffers_.outgoing};
        to_.tls->shut_down(wire);
        send(buffers_.outgoing);
    }
    if (to_.may_write()) to_.finish_writing(channel_ended());
}

// This was the last of its four halves: the sockets are closed next.
bool Flow::channel_ended() const noexcept {
    const bool other_way = from_.writing == Writing::ended || from_.writing == Writing::broken;
    return other_way && to_.reading_ended;
}

void Flow::source_lost() {
    from_.break_writing();
    source_ended(false);
}

void Flow::target_lost() {
    to_.break_writing();
    direction_.splice.drop(buffers_.pipes);
}

void Flow::watch_for_bulk(std::size_t bytes) noexcept {
    const bool large = bytes >= limits::bulk_enters_at;
    if (!from_.tls && !to_.tls && !direction_.last_message)
        direction_.bulk = bytes == limits::receive_bytes || (large && direction_.after_large_read);
    direction_.after_large_read = large;
}

} // namespace pgmoat::relay

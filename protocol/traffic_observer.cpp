#include "protocol/traffic_observer.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace pgmoat::protocol {

namespace {

constexpr std::uint8_t copy_data = 'd';
constexpr std::uint8_t terminate = 'X';
constexpr std::uint8_t sync = 'S';
constexpr std::uint8_t data_row = 'D';
constexpr std::uint8_t ready_idle = 'I';
constexpr std::uint8_t in_block = 'T';
constexpr std::uint8_t in_failed_block = 'E';

// CommandComplete contains its length word and the tag with a NUL.
constexpr std::uint32_t rollback_length = frame_length_min + sizeof "ROLLBACK";

bool is_client_type(std::uint8_t type) noexcept {
    return std::string_view("BCDEFHPQSXcdf").find(static_cast<char>(type)) !=
           std::string_view::npos;
}

bool is_status(std::uint8_t byte) noexcept {
    return byte == ready_idle || byte == in_block || byte == in_failed_block;
}

} // namespace

// --- on the move --------------------------------------------------------------------------------

TrafficObserver::State TrafficObserver::state() const noexcept {
    return {client_.state(),
            server_.state(),
            client_lost_,
            client_guessed_,
            server_lost_,
            client_terminated_,
            status_,
            ready_owed_,
            last_request_,
            unsynced_,
            cycle_,
            peek_,
            peeked_bytes_,
            sqlstate_first_};
}

std::optional<TrafficObserver> TrafficObserver::from(const State& state) noexcept {
    TrafficObserver observer;
    if (!observer.client_.go_on_from(state.client) || !observer.server_.go_on_from(state.server) ||
        !is_status(state.status) || state.peek > Peek::sqlstate_second ||
        state.peeked_bytes > error_peek_bytes_max)
        return std::nullopt;
    observer.client_lost_ = state.client_lost;
    observer.client_guessed_ = state.client_guessed;
    observer.server_lost_ = state.server_lost;
    observer.client_terminated_ = state.client_terminated;
    observer.status_ = state.status;
    observer.ready_owed_ = state.ready_owed;
    observer.last_request_ = state.last_request;
    observer.unsynced_ = state.unsynced;
    observer.cycle_ = state.cycle;
    observer.peek_ = state.peek;
    observer.peeked_bytes_ = state.peeked_bytes;
    observer.sqlstate_first_ = state.sqlstate_first;
    return observer;
}

// --- the client's messages ----------------------------------------------------------------------

void TrafficObserver::from_client(ByteView bytes, TrafficSink& sink) noexcept {
    if (client_lost_) return;
    while (const auto header = client_.next(bytes)) {
        if (client_guessed_ && !is_client_type(header->type)) {
            client_lost_ = true;
            return;
        }
        if (header->type == copy_data)
            static_cast<void>(client_.skip_alike(bytes, copy_data));
        else
            sink.came_from_client(header->type, 1);
        note_request(header->type);
        client_terminated_ = header->type == terminate && !client_guessed_;
    }
}

void TrafficObserver::note_request(std::uint8_t type) noexcept {
    switch (type) {
    case 'Q':
    case 'F': // FunctionCall
    case sync:
        ++ready_owed_;
        last_request_ = type;
        unsynced_ = false;
        return;
    case copy_data:
    case 'c': // CopyDone
    case 'f': // CopyFail
    case terminate: return;
    default: unsynced_ = true;
    }
}

// In copy mode the server ignores the Sync that libpq sends with its Execute, and waits for
// another.
void TrafficObserver::note_copy_in() noexcept {
    if (last_request_ != sync || ready_owed_ == 0) return;
    --ready_owed_;
    unsynced_ = true;
}

bool TrafficObserver::idle() const noexcept {
    const bool between_messages = client_.between_frames() && server_.between_frames();
    return !client_lost_ && !server_lost_ && between_messages && status_ == ready_idle &&
           ready_owed_ == 0 && !unsynced_;
}

std::optional<std::size_t> TrafficObserver::server_message_ends_in(ByteView bytes) const noexcept {
    if (!follows_server()) return std::nullopt;
    FrameWalker walker = server_;
    for (ByteView rest = bytes;;) {
        if (walker.between_frames()) return bytes.size() - rest.size();
        if (rest.empty() || walker.broken()) return std::nullopt;
        if (walker.body_left() > 0)
            (void)walker.take_body(rest);
        else
            (void)walker.next(rest);
    }
}

void TrafficObserver::client_sent_unseen(std::size_t count) noexcept {
    if (!client_.skip_unseen(count)) client_lost_ = true;
}

// A client that pipelines may be in the middle of a message here. Then the next ReadyForQuery does
// not find it between two messages, and the search begins again.
void TrafficObserver::find_client() noexcept {
    const bool in_place = !client_lost_ && (!client_guessed_ || client_.between_frames());
    client_guessed_ = !in_place;
    if (in_place) return;
    client_ = FrameWalker{message_length_max};
    client_lost_ = false;
    ready_owed_ = 0;
    unsynced_ = false;
}

// --- the server's messages ----------------------------------------------------------------------

void TrafficObserver::from_server(ByteView bytes, TrafficSink& sink) noexcept {
    if (server_lost_) return look_for_ready(bytes, sink);
    while (peek(bytes, sink)) {
        const auto header = server_.next(bytes);
        if (!header) return;
        begin_server_message(*header, bytes, sink);
    }
}

void TrafficObserver::server_sent_unseen(std::size_t count) noexcept {
    if (count == 0) return;
    if (peek_ != Peek::nothing || !server_.skip_unseen(count)) server_lost_ = true;
}

void TrafficObserver::begin_server_message(const FrameHeader& header,
                                           ByteView& rest,
                                           TrafficSink& sink) noexcept {
    switch (header.type) {
    case copy_data: static_cast<void>(server_.skip_alike(rest, copy_data)); return;
    case data_row: return sink.came_from_server(data_row, 1 + server_.skip_alike(rest, data_row));
    case 'C':
        note_completion();
        if (header.length == rollback_length) peek_ = Peek::tag;
        break;
    case 'V': // FunctionCallResponse
    case 's': // PortalSuspended: the portal ends with the transaction
        note_completion();
        break;
    case 'E':
        cycle_.failed = true;
        peek_ = Peek::field_code;
        peeked_bytes_ = 0;
        break;
    case 'G': // CopyInResponse
    case 'W': // CopyBothResponse
        note_copy_in();
        break;
    case 'Z': peek_ = Peek::status; break;
    default: break;
    }
    sink.came_from_server(header.type, 1);
}

void TrafficObserver::note_completion() noexcept {
    cycle_.completed_several = std::exchange(cycle_.completed_one, true);
}

// Reads the part of a body that must be known. False: `rest` ended before that.
bool TrafficObserver::peek(ByteView& rest, TrafficSink& sink) noexcept {
    while (peek_ != Peek::nothing) {
        const ByteView byte = server_.take_body(rest, 1);
        const bool body_ended = byte.empty() && server_.body_left() == 0;
        if (byte.empty() && !body_ended) return false;
        if (peek_ == Peek::status) {
            ready(body_ended ? std::uint8_t{0} : byte[0], sink);
        } else if (peek_ == Peek::tag) {
            peek_ = Peek::nothing;
            if (!body_ended && byte[0] == 'R') cycle_.rolled_back = true; // no other tag does
        } else if (body_ended || peeked_bytes_ == error_peek_bytes_max) {
            tell_error({}, sink);
        } else {
            peek_at_error(byte[0], sink);
        }
    }
    return true;
}

// A field is a code and a C string; code zero ends the fields.
void TrafficObserver::peek_at_error(std::uint8_t byte, TrafficSink& sink) noexcept {
    ++peeked_bytes_;
    const char letter = static_cast<char>(byte);
    if (peek_ == Peek::sqlstate_second) return tell_error({sqlstate_first_, letter}, sink);
    if (peek_ == Peek::field) {
        if (byte == 0) peek_ = Peek::field_code;
        return;
    }
    if (byte == 0) return tell_error({}, sink);
    if (peek_ == Peek::field_code) {
        peek_ = letter == 'C' ? Peek::sqlstate : Peek::field;
        return;
    }
    sqlstate_first_ = letter;
    peek_ = Peek::sqlstate_second;
}

void TrafficObserver::tell_error(SqlstateClass sqlstate_class, TrafficSink& sink) noexcept {
    peek_ = Peek::nothing;
    sink.server_error(sqlstate_class);
}

// --- transactions -------------------------------------------------------------------------------

void TrafficObserver::ready(std::uint8_t status, TrafficSink& sink) noexcept {
    peek_ = Peek::nothing;
    const bool was_one = status_ != ready_idle || cycle_.completed_one || cycle_.failed;
    if (status == ready_idle && was_one) sink.transaction_ended(how_it_ended());
    status_ = is_status(status) ? status : ready_idle;
    if (ready_owed_ > 0) --ready_owed_;
    cycle_ = {};
    find_client();
}

TransactionEnd TrafficObserver::how_it_ended() const noexcept {
    if (cycle_.failed || status_ == in_failed_block) return TransactionEnd::failed;
    if (!cycle_.rolled_back) return TransactionEnd::committed;
    if (cycle_.completed_several) return TransactionEnd::unknown;
    return status_ == in_block ? TransactionEnd::rolled_back : TransactionEnd::committed;
}

// Row data could happen to end in the same six bytes at the end of a read. That is rare, and only
// makes counts wrong until the bytes that follow are no valid messages.
void TrafficObserver::look_for_ready(ByteView bytes, TrafficSink& sink) noexcept {
    constexpr std::array<std::uint8_t, frame_header_bytes> header{'Z', 0, 0, 0, 5};
    if (bytes.size() < header.size() + 1 || !is_status(bytes.back())) return;
    const ByteView last = bytes.last(header.size() + 1);
    if (!std::equal(header.begin(), header.end(), last.begin())) return;

    server_ = FrameWalker{message_length_max};
    server_lost_ = false;
    peek_ = Peek::nothing;
    status_ = bytes.back();
    ready_owed_ = 0; // pipelined requests are only guessed about anyway
    cycle_ = {};
    sink.came_from_server('Z', 1);
    // At least one transaction ended in the bytes that were not seen.
    if (status_ == ready_idle) sink.transaction_ended(TransactionEnd::unknown);
    find_client();
}

} // namespace pgmoat::protocol

#include "bench/stub_session.h"

#include "bench/stub_answers.h"
#include "bench/wire.h"

#include <array>
#include <charconv>

namespace pgmoat::bench {
namespace {

constexpr std::size_t startup_bytes_max = 10000; // PostgreSQL: MAX_STARTUP_PACKET_LENGTH
constexpr int rows_per_turn = 64;                // 512 KiB, then the others get a turn
constexpr std::uint32_t secret_key = 7;
constexpr std::size_t close_it = std::string::npos;

} // namespace

StubSession::Turn StubSession::advance(bool peer_closed) {
    if (const Turn turn = flush(); turn != Turn::waiting) {
        return turn;
    }
    if (!output_.empty() || rows_left_ > 0) {
        return peer_closed ? Turn::closed : Turn::waiting;
    }
    return read_and_answer(peer_closed);
}

StubSession::Turn StubSession::read_and_answer(bool peer_closed) {
    // One buffer for all sessions of a thread.
    thread_local std::array<char, 65536> buffer;
    for (;;) {
        if (state_ == State::handshaking) {
            const IoStatus status = transport_.handshake();
            if (status != IoStatus::done) {
                return status == IoStatus::would_block ? Turn::waiting : Turn::closed;
            }
            state_ = State::startup;
        }
        const IoResult got = transport_.read(buffer);
        if (got.status == IoStatus::would_block) {
            return Turn::waiting;
        }
        if (got.status != IoStatus::done || !consume({buffer.data(), got.bytes})) {
            return Turn::closed;
        }
        if (const Turn turn = flush(); turn != Turn::waiting) {
            return turn;
        }
        const bool blocked = !output_.empty() || rows_left_ > 0;
        const bool drained = state_ != State::handshaking && !transport_.is_tls() &&
                             got.bytes < buffer.size() && !peer_closed;
        if (blocked || drained) {
            return Turn::waiting;
        }
    }
}

bool StubSession::consume(std::string_view bytes) {
    const bool carried = !input_.empty();
    if (carried) {
        input_.append(bytes);
        bytes = input_;
    }
    std::size_t used = 0;
    while (used < bytes.size()) {
        const std::string_view rest = bytes.substr(used);
        const std::size_t taken =
            state_ == State::serving ? take_message(rest) : take_startup_packet(rest);
        if (taken == close_it) {
            return false;
        }
        if (taken == 0) {
            break;
        }
        used += taken;
    }
    if (carried) {
        input_.erase(0, used);
    } else {
        input_.assign(bytes.substr(used));
    }
    return true;
}

std::size_t StubSession::take_startup_packet(std::string_view bytes) {
    if (bytes.size() < 8) {
        return 0;
    }
    const std::size_t length = read_u32(bytes);
    if (length < 8 || length > startup_bytes_max) {
        return close_it;
    }
    if (bytes.size() < length) {
        return 0;
    }
    switch (read_u32(bytes.substr(4))) {
    case ssl_request_code: return answer_ssl_request(bytes);
    case gssenc_request_code: output_ += 'N'; return length;
    case protocol_3_0: log_in(); return length;
    default: return close_it;
    }
}

// Its process id differs from those of all other live sessions, as a server's do: who keeps cancel keys
// finds them by it.
void StubSession::log_in() {
    std::string key;
    append_u32(key, static_cast<std::uint32_t>(descriptor_));
    append_u32(key, secret_key);
    output_ += stub_answers().login;
    append_message(output_, 'K', key);
    output_ += stub_answers().ready;
    state_ = State::serving;
}

std::size_t StubSession::answer_ssl_request(std::string_view bytes) {
    constexpr std::size_t packet_bytes = 8;
    if (context_ == nullptr || transport_.is_tls()) {
        output_ += 'N';
        return packet_bytes;
    }
    // Bytes behind the request would be plaintext stuffed into the TLS stream.
    if (bytes.size() > packet_bytes || transport_.write("S").status != IoStatus::done) {
        return close_it;
    }
    transport_.start_tls(*context_, Transport::Role::server);
    state_ = State::handshaking;
    return packet_bytes;
}

std::size_t StubSession::take_message(std::string_view bytes) {
    if (bytes.size() < 5) {
        return 0;
    }
    const std::size_t length = read_u32(bytes.substr(1));
    if (length < 4 || length > message_bytes_max) {
        return close_it;
    }
    if (bytes.size() < length + 1) {
        return 0;
    }
    const StubAnswers& answers = stub_answers();
    switch (bytes[0]) {
    case 'Q': answer_query(bytes.substr(5, length - 4)); break;
    case 'P': append_message(output_, '1', {}); break;
    case 'B': append_message(output_, '2', {}); break;
    case 'C': append_message(output_, '3', {}); break;
    case 'D': output_ += answers.row_header; break;
    case 'E': output_ += answers.small_row + answers.command_complete; break;
    case 'H':
    case 'd': break;
    case 'c': output_ += answers.copy_complete; break;
    case 'S': output_ += answers.ready; break;
    default: return close_it;
    }
    return length + 1;
}

void StubSession::answer_query(std::string_view text) {
    const StubAnswers& answers = stub_answers();
    const std::size_t space = text.find(' ');
    const std::string_view kind = text.substr(0, space);
    if (kind != "bulk" && kind != "row") {
        output_ += text.starts_with("copy-in") ? answers.copy_in : answers.small_result;
        return;
    }
    std::uint64_t bytes = 0;
    std::from_chars(text.data() + space + 1, text.data() + text.size(), bytes);
    output_ += answers.row_header;
    rows_left_ = (bytes + bulk_row_bytes - 1) / bulk_row_bytes;
    if (kind == "row") {
        output_ += row_start(rows_left_ * bulk_row_bytes); // what the value holds, nobody looks at
    }
    if (rows_left_ == 0) {
        output_ += stub_answers().command_complete + stub_answers().ready;
    }
}

// closed: the connection is gone. waiting: all is sent, or the socket is full.
StubSession::Turn StubSession::flush() {
    if (!flush_output()) {
        return Turn::closed;
    }
    if (rows_left_ == 0 || !output_.empty()) {
        return Turn::waiting;
    }
    return flush_rows();
}

bool StubSession::flush_output() {
    if (output_.empty()) {
        return true;
    }
    const IoResult put = transport_.write(output_);
    if (put.status == IoStatus::done) {
        output_.erase(0, put.bytes);
        return true;
    }
    return put.status == IoStatus::would_block;
}

StubSession::Turn StubSession::flush_rows() {
    const StubAnswers& answers = stub_answers();
    for (int row = 0; row < rows_per_turn && rows_left_ > 0; ++row) {
        const IoResult put = transport_.write(std::string_view(answers.bulk_row).substr(row_sent_));
        if (put.status != IoStatus::done) {
            return put.status == IoStatus::would_block ? Turn::waiting : Turn::closed;
        }
        row_sent_ += put.bytes;
        if (row_sent_ == answers.bulk_row.size()) {
            row_sent_ = 0;
            --rows_left_;
        }
    }
    if (rows_left_ == 0) {
        output_ += answers.command_complete + answers.ready;
        return flush_output() ? Turn::waiting : Turn::closed;
    }
    return Turn::wants_another;
}

} // namespace pgmoat::bench

#include "bench/client.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace pgmoat::bench {
namespace {

// What libpq sends at a time.
const std::string& copy_data() {
    constexpr std::size_t bytes = 8192;
    static const std::string message = [] {
        std::string out;
        append_message(out, 'd', std::string(bytes - 5, 'x'));
        return out;
    }();
    return message;
}

// The message field of an ErrorResponse body: fields are a letter and a string that ends in NUL.
std::string error_text(std::string_view body) {
    while (body.size() > 1) {
        const std::size_t end = std::min(body.find('\0', 1), body.size());
        if (body.front() == 'M') {
            return std::string(body.substr(1, end - 1));
        }
        body.remove_prefix(std::min(end + 1, body.size()));
    }
    return "an error without text";
}

} // namespace

Client::Client(const Target& target,
               ssl_ctx_st* context,
               Goal goal,
               std::size_t number,
               const Account& account)
    : transport_(start_connect(target, number)), context_(context), goal_(goal), account_(account),
      scram_(account) {}

Client::Progress Client::advance(bool peer_closed) {
    switch (state_) {
    case State::connecting: return after_connect();
    case State::ssl_reply: return read_ssl_reply();
    case State::handshaking: return shake_hands();
    case State::answering: return read_answer(peer_closed);
    case State::copying: return send_copy_data();
    case State::idle: return peer_closed ? fail("closed while idle") : Progress::pending;
    case State::failed: break;
    }
    return Progress::failed;
}

Client::Progress Client::after_connect() {
    const int error = connect_outcome(transport_.descriptor());
    if (error == ENOTCONN) {
        return Progress::pending;
    }
    if (error != 0) {
        return fail(std::string("connect: ") + std::strerror(error));
    }
    return context_ != nullptr ? send(ssl_request(), State::ssl_reply)
                               : send(startup(), State::answering);
}

std::string Client::startup() const {
    return startup_message(account_.user, "bench");
}

Client::Progress Client::read_ssl_reply() {
    std::array<char, 1> reply{};
    const IoResult got = transport_.read(reply);
    if (got.status == IoStatus::would_block) {
        return Progress::pending;
    }
    if (got.status != IoStatus::done || reply[0] != 'S') {
        return fail("the server does not accept TLS");
    }
    transport_.start_tls(*context_, Transport::Role::client);
    state_ = State::handshaking;
    return shake_hands();
}

Client::Progress Client::shake_hands() {
    switch (transport_.handshake()) {
    case IoStatus::would_block: return Progress::pending;
    case IoStatus::done: break;
    default: return fail("TLS handshake failed");
    }
    if (goal_ == Goal::login) {
        return send(startup(), State::answering);
    }
    state_ = State::idle;
    return Progress::ready;
}

Client::Progress Client::read_answer(bool peer_closed) {
    // One thread, so one buffer for all clients.
    static std::array<char, 65536> buffer;
    bool ready = false;
    bool error = false;
    bool copy = false;
    bool refused = false;
    while (!ready && !copy) {
        const IoResult got = transport_.read(buffer);
        if (got.status == IoStatus::would_block) {
            return Progress::pending;
        }
        if (got.status != IoStatus::done) {
            return fail("the connection broke");
        }
        bytes_moved_ += got.bytes;
        const bool sound = scanner_.feed({buffer.data(), got.bytes}, [&](char type) {
            ready = ready || type == 'Z';
            error = error || type == 'E';
            copy = copy || type == 'G';
            refused = refused || (type == 'R' && !authenticate());
        });
        if (refused) {
            return fail(scram_.failure().empty() ? "could not send" : scram_.failure());
        }
        if (!sound || error) {
            return fail(sound ? error_text(scanner_.kept_body()) : "malformed message");
        }
        if (!ready && !copy && !transport_.is_tls() && got.bytes < buffer.size() && !peer_closed) {
            return Progress::pending;
        }
    }
    if (copy) {
        state_ = State::copying;
        return send_copy_data();
    }
    state_ = State::idle;
    return Progress::ready;
}

// Answers the Authentication message that has just been read whole.
bool Client::authenticate() {
    const std::string answer = scram_.answer(scanner_.kept_body());
    if (!scram_.failure().empty()) {
        return false;
    }
    if (answer.empty()) {
        return true;
    }
    return send(answer, State::answering) != Progress::failed;
}

// Nothing is read meanwhile: a server that answers before CopyDone has refused, and closes.
Client::Progress Client::send_copy_data() {
    const std::string& message = copy_data();
    while (copy_left_ > 0) {
        const IoResult put = transport_.write(std::string_view(message).substr(copy_at_));
        if (put.status == IoStatus::would_block) {
            return Progress::pending;
        }
        if (put.status != IoStatus::done) {
            return fail("the connection broke");
        }
        bytes_moved_ += put.bytes;
        copy_at_ += put.bytes;
        if (copy_at_ == message.size()) {
            copy_at_ = 0;
            copy_left_ -= std::min<std::uint64_t>(copy_left_, message.size());
        }
    }
    std::string done;
    append_message(done, 'c', {});
    const IoResult put = transport_.write(done);
    if (put.status == IoStatus::would_block) {
        return Progress::pending;
    }
    if (put.status != IoStatus::done || put.bytes != done.size()) {
        return fail("could not send");
    }
    state_ = State::answering;
    return read_answer(false); // its edge may have come while we were sending
}

Client::Progress Client::send_query(std::string_view message, std::uint64_t copy_in) {
    copy_left_ = copy_in;
    query_sent_at_ = Clock::now();
    return send(message, State::answering);
}

void Client::say_goodbye() {
    static const std::string terminate = terminate_message();
    // Whoever does not hear it hears the close.
    if (goal_ == Goal::login) {
        (void)transport_.write(terminate);
    }
    transport_.say_goodbye();
}

// Requests are tiny and one is in flight, so a full socket means that the other side is broken.
Client::Progress Client::send(std::string_view bytes, State next) {
    const IoResult put = transport_.write(bytes);
    if (put.status != IoStatus::done || put.bytes != bytes.size()) {
        return fail("could not send");
    }
    state_ = next;
    return Progress::pending;
}

Client::Progress Client::fail(std::string why) {
    state_ = State::failed;
    failure_ = std::move(why);
    return Progress::failed;
}

} // namespace pgmoat::bench

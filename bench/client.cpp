#include "bench/client.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace pgmoat::bench {
namespace {

const std::string& startup() {
    static const std::string packet = startup_message("bench", "bench");
    return packet;
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

Client::Client(const Target& target, ssl_ctx_st* context, Goal goal, std::size_t number)
    : transport_(start_connect(target, number)), context_(context), goal_(goal) {}

Client::Progress Client::advance(bool peer_closed) {
    switch (state_) {
    case State::connecting: return after_connect();
    case State::ssl_reply: return read_ssl_reply();
    case State::handshaking: return shake_hands();
    case State::answering: return read_answer(peer_closed);
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
    while (!ready) {
        const IoResult got = transport_.read(buffer);
        if (got.status == IoStatus::would_block) {
            return Progress::pending;
        }
        if (got.status != IoStatus::done) {
            return fail("the connection broke");
        }
        bytes_received_ += got.bytes;
        const bool sound = scanner_.feed({buffer.data(), got.bytes}, [&](char type) {
            ready = ready || type == 'Z';
            error = error || type == 'E';
        });
        if (!sound || error) {
            return fail(sound ? error_text(scanner_.error_body()) : "malformed message");
        }
        if (!ready && !transport_.is_tls() && got.bytes < buffer.size() && !peer_closed) {
            return Progress::pending;
        }
    }
    state_ = State::idle;
    return Progress::ready;
}

Client::Progress Client::send_query(std::string_view message) {
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

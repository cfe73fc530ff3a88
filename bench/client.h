// One PostgreSQL client of the load generator, on a non-blocking socket.
//
//   connecting  --connected-->          ssl_reply    (or straight to answering, without TLS)
//   ssl_reply   --'S'-->                handshaking
//   handshaking --TLS established-->    answering    (the startup packet is out)
//   answering   --Authentication-->     answering    (SCRAM, if the account has a password)
//   answering   --ReadyForQuery-->      idle
//   idle        --send_query()-->       answering
//   answering   --CopyInResponse-->     copying      (`copy_in` bytes of CopyData, CopyDone)
//   copying     --all is sent-->        answering
//   any         --error, close-->       failed       (failure() says why)
//
// With Goal::handshake it is idle as soon as TLS is established.
#pragma once

#include "bench/scram.h"
#include "bench/target.h"
#include "bench/transport.h"
#include "bench/wire.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace pgmoat::bench {

using Clock = std::chrono::steady_clock;

class Client {
  public:
    enum class Progress { pending, ready, failed };
    enum class Goal { login, handshake };

    // `context` is null for plaintext. `number` picks the source address.
    // Throws std::system_error if no connection can even be tried.
    // `account` must outlive the client.
    Client(const Target& target,
           ssl_ctx_st* context,
           Goal goal,
           std::size_t number,
           const Account& account);

    // Called on an edge. `ready`: the goal has just been reached, or a ReadyForQuery has arrived.
    [[nodiscard]] Progress advance(bool peer_closed);
    // `copy_in`: bytes to send when the server asks for COPY data.
    [[nodiscard]] Progress send_query(std::string_view message, std::uint64_t copy_in = 0);
    // Terminate and close_notify; the destructor closes the socket.
    void say_goodbye();

    [[nodiscard]] int descriptor() const noexcept { return transport_.descriptor(); }
    [[nodiscard]] bool is_idle() const noexcept { return state_ == State::idle; }
    [[nodiscard]] Clock::time_point query_sent_at() const noexcept { return query_sent_at_; }
    // In answers, and as COPY data.
    [[nodiscard]] std::uint64_t bytes_moved() const noexcept { return bytes_moved_; }
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
    [[nodiscard]] std::string tls_description() const { return transport_.description(); }

  private:
    enum class State { connecting, ssl_reply, handshaking, answering, copying, idle, failed };

    [[nodiscard]] std::string startup() const;
    [[nodiscard]] Progress after_connect();
    [[nodiscard]] Progress read_ssl_reply();
    [[nodiscard]] Progress shake_hands();
    [[nodiscard]] Progress read_answer(bool peer_closed);
    [[nodiscard]] bool authenticate();
    [[nodiscard]] Progress send_copy_data();
    [[nodiscard]] Progress send(std::string_view bytes, State next);
    [[nodiscard]] Progress fail(std::string why);

    Transport transport_;
    ssl_ctx_st* context_;
    Goal goal_;
    const Account& account_;
    ScramLogin scram_;
    State state_ = State::connecting;
    MessageScanner scanner_;
    Clock::time_point query_sent_at_;
    std::uint64_t bytes_moved_ = 0;
    std::uint64_t copy_left_ = 0; // bytes, whole messages
    std::size_t copy_at_ = 0;     // of the message that is being sent
    std::string failure_;
};

} // namespace pgmoat::bench

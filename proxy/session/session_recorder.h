// Records what a session finds out in its row and in the counters, so that session.cpp need not do
// it itself. No decision depends on what is recorded.
#pragma once

#include "metrics/counters.h"
#include "protocol/login_observer.h"
#include "protocol/tls_hello.h"
#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/session/greet.h"
#include "proxy/session/passthrough.h"
#include "proxy/telemetry/session_table.h"
#include "proxy/upstream/dial.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace pgmoat::session {

class SessionRecorder {
  public:
    // `first` has what the listener knows: its own name and id, the mode, the client's address. If
    // the constructor throws, nothing was counted.
    SessionRecorder(runtime::Services& services, telemetry::SessionFacts first);
    // A row that was not given away is reported here (law 10): there was no memory for anything
    // else.
    ~SessionRecorder();
    SessionRecorder(SessionRecorder&&) = default;
    SessionRecorder& operator=(SessionRecorder&&) = delete;

    // What the session knows about the client so far.
    void client_is(const telemetry::ClientFacts& client);
    void client_named_by_proxy(const telemetry::ClientFacts& client, std::uint16_t port);

    // For a listener that requires a PROXY protocol header.
    void proxy_header_missed(const Ended& ended);
    // For terminated connections.
    void greeting_ended(const Greeting& greeting);
    void client_in_tls(const telemetry::ClientFacts& client);
    // For passed-through connections.
    void packet_came(const FirstPacket& packet);
    void client_hello_refused();
    void client_hello_came(const protocol::ClientHelloFacts& hello);
    void server_hello_passed(const telemetry::ClientFacts& client);
    // For both.
    void server_reached(const upstream::Server& server);
    void login_ended(const protocol::LoginFacts& login,
                     const telemetry::ScramFacts& scram,
                     bool ready,
                     std::shared_ptr<const upstream::ServerRoute> route);

    // The facts with which the access rules were finally evaluated, if there are rules.
    void judged(const telemetry::ClientFacts& client);
    void decided(const hba::Rules& rules, const hba::Decision& decision);
    void keep(std::shared_ptr<void> until_the_end) { row_->keep(std::move(until_the_end)); }

    // Begins a step and ends the one before it; nullptr: ends the last one.
    using Step = telemetry::StepTimes::Duration telemetry::StepTimes::*;
    void begin(Step step);

    // The last step: the session goes to the relay plane or to the console.
    void handed_over();
    void console_began();

    // Counts the session towards max_connections; false: the limit is reached.
    [[nodiscard]] bool admit(std::size_t max_connections);

    [[nodiscard]] std::uint64_t id() const noexcept { return row_->id(); }
    // For the log.
    [[nodiscard]] const telemetry::SharedFacts& facts() const noexcept { return row_->facts(); }
    [[nodiscard]] telemetry::SessionFacts all_facts() const { return row_->all_facts(); }
    // Counts the session's bytes until the relay does.
    [[nodiscard]] telemetry::Traffic& traffic() noexcept { return *row_; }
    [[nodiscard]] bool has_row() const noexcept { return row_ != nullptr; }
    // Gives the row away, with the connection. Nothing else may be called afterwards.
    [[nodiscard]] std::unique_ptr<telemetry::SessionRow> give_row() noexcept;

  private:
    void count_handshake(metrics::Side side, const telemetry::TlsFacts& facts);

    relay::Reporter& reporter_;
    metrics::Block& counters_;
    std::unique_ptr<telemetry::SessionRow> row_;
    telemetry::StepTimes steps_;
    Step step_ = &telemetry::StepTimes::greet;
    std::chrono::steady_clock::time_point step_began_ = std::chrono::steady_clock::now();
};

} // namespace pgmoat::session

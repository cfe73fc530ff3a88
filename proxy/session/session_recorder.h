// Tells observers what a session learns on the way: the session's row and the counters, so that the
// story in session.cpp need not speak of either. Nothing is decided by what is kept here.
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
#include <memory>
#include <string>

namespace pgmoat::session {

class SessionRecorder {
  public:
    // `first` holds what the listener knows: its own name and id, the mode, the client's address.
    // Nothing has been counted if it throws.
    SessionRecorder(runtime::Services& services, telemetry::SessionFacts first);
    // A row that was not given away is reported all the same (law 10): there was no memory for more.
    ~SessionRecorder();
    SessionRecorder(SessionRecorder&&) = default;
    SessionRecorder& operator=(SessionRecorder&&) = delete;

    // What the session knows of the client by now.
    void client_is(const telemetry::ClientFacts& client);

    // On a listener that requires a PROXY protocol header.
    void proxy_header_missed(const Ended& ended);
    // Terminated connections.
    void greeting_ended(const Greeting& greeting);
    void client_in_tls(const telemetry::ClientFacts& client);
    // Passed-through connections.
    void packet_came(const FirstPacket& packet);
    void client_hello_refused();
    void client_hello_came(const protocol::ClientHelloFacts& hello);
    void server_hello_passed(const telemetry::ClientFacts& client);
    // Both.
    void server_reached(const upstream::Server& server);
    void login_ended(const protocol::LoginFacts& login,
                     const telemetry::ScramFacts& scram,
                     bool ready,
                     std::shared_ptr<const upstream::ServerRoute> route);

    // The access rules, if there are any, have said all they will say, asked with this.
    void judged(const telemetry::ClientFacts& client);
    void decided(const hba::Rules& rules, const hba::Decision& decision);
    void keep(std::shared_ptr<void> until_the_end) { row_->keep(std::move(until_the_end)); }

    // The step of the story that begins now; the one before it has ended. nullptr: the last has.
    using Step = telemetry::StepTimes::Duration telemetry::StepTimes::*;
    void begin(Step step);

    // The last step of the story: the session goes to the relay plane, or is the console's.
    void handed_over();
    void console_began();

    // Counts the session against max_connections; false: the limit is reached.
    [[nodiscard]] bool admit(std::size_t max_connections);

    [[nodiscard]] std::uint64_t id() const noexcept { return row_->id(); }
    // For the log.
    [[nodiscard]] const telemetry::SessionFacts& facts() const noexcept { return row_->facts(); }
    // What the session's own bytes are counted in while nobody relays them.
    [[nodiscard]] telemetry::Traffic& traffic() noexcept { return *row_; }
    [[nodiscard]] bool has_row() const noexcept { return row_ != nullptr; }
    // Gives the row away, with the connection. Nothing else may be called after that.
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

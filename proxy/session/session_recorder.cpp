#include "proxy/session/session_recorder.h"

#include "proxy/telemetry/handshake_failure.h"

#include <chrono>
#include <ctime>
#include <utility>

namespace pgmoat::session {

namespace {

using metrics::HandshakeFailure;
using metrics::StartupKind;

telemetry::TlsFacts facts_of(const tls::PeerFacts& peer) {
    return {peer.version, peer.cipher, peer.cipher_bits, peer.group, peer.server_name, peer.alpn};
}

} // namespace

SessionRecorder::SessionRecorder(runtime::Services& services, telemetry::SessionFacts first)
    : reporter_(services.reporter), counters_(services.counters.block_of_this_thread()),
      row_(services.table.open()) {
    row_->update([&](telemetry::SessionFacts& facts) { facts = std::move(first); });
    counters_.connection_opened(facts().listener_id, facts().mode);
}

SessionRecorder::~SessionRecorder() {
    if (!row_) return;
    try {
        reporter_.report(give_row(), {CloseReason::internal, "out of memory"});
    } catch (...) { // at least the counters have it
    }
}

void SessionRecorder::proxy_header_missed(const Ended& ended) {
    const metrics::ListenerId listener = facts().listener_id;
    const bool refused = ended.reason == CloseReason::proxy_header;
    if (refused) counters_.startup_error(listener, metrics::StartupError::proxy_header);
    if (ended.reason == CloseReason::timeout)
        counters_.startup_error(listener, metrics::StartupError::timeout);
    else
        counters_.startup_request(listener, refused ? StartupKind::invalid : StartupKind::eof);
}

void SessionRecorder::greeting_ended(const Greeting& greeting) {
    const metrics::ListenerId listener = facts().listener_id;
    if (greeting.facts.ssl_requested) counters_.startup_request(listener, StartupKind::ssl);
    if (greeting.facts.gssenc_requested) counters_.startup_request(listener, StartupKind::gssenc);
    if (greeting.facts.direct_tls) counters_.startup_request(listener, StartupKind::direct_tls);
    if (greeting.refused) counters_.startup_error(listener, *greeting.refused);

    if (const auto* opening = std::get_if<Opening>(&greeting.result)) {
        const bool cancel = std::holds_alternative<protocol::CancelRequest>(*opening);
        if (cancel)
            counters_.startup_request(listener, StartupKind::cancel);
        else if (!greeting.facts.tls)
            counters_.startup_request(listener, StartupKind::plain);
        return;
    }
    const Ended& ended = std::get<Ended>(greeting.result);
    if (ended.reason == CloseReason::rate_limited) return; // counted by the limit
    if (ended.reason == CloseReason::handshake)
        counters_.tls_handshake_failed(
            listener, metrics::Side::client, telemetry::to_metric(greeting.tls_failure));
    else if (ended.reason == CloseReason::timeout)
        counters_.startup_error(listener, metrics::StartupError::timeout);
    else
        counters_.startup_request(listener,
                                  greeting.refused ? StartupKind::invalid : StartupKind::eof);
}

void SessionRecorder::client_is(const telemetry::ClientFacts& client) {
    row_->update([&](telemetry::SessionFacts& facts) {
        static_cast<telemetry::ClientFacts&>(facts) = client;
    });
}

void SessionRecorder::client_named_by_proxy(const telemetry::ClientFacts& client,
                                            std::uint16_t port) {
    row_->update([&](telemetry::SessionFacts& facts) {
        static_cast<telemetry::ClientFacts&>(facts) = client;
        facts.client_port = port;
    });
}

void SessionRecorder::client_in_tls(const telemetry::ClientFacts& client) {
    client_is(client);
    count_handshake(metrics::Side::client, client.client_tls);
    if (client.client_certificate)
        counters_.client_certificate_remains(
            facts().listener_id,
            std::chrono::seconds(client.client_certificate->not_after - std::time(nullptr)));
}

void SessionRecorder::packet_came(const FirstPacket& packet) {
    struct Kind {
        StartupKind operator()(const DirectTls&) const { return StartupKind::direct_tls; }
        StartupKind operator()(const protocol::SslRequest&) const { return StartupKind::ssl; }
        StartupKind operator()(const protocol::GssEncRequest&) const { return StartupKind::gssenc; }
        StartupKind operator()(const protocol::CancelRequest&) const { return StartupKind::cancel; }
        StartupKind operator()(const protocol::StartupMessage&) const { return StartupKind::plain; }
        StartupKind operator()(const Ended& ended) const {
            return ended.detail.empty() ? StartupKind::eof : StartupKind::invalid;
        }
    };
    counters_.startup_request(facts().listener_id, std::visit(Kind{}, packet));
}

void SessionRecorder::client_hello_refused() {
    counters_.tls_handshake_failed(
        facts().listener_id, metrics::Side::client, HandshakeFailure::other);
}

void SessionRecorder::client_hello_came(const protocol::ClientHelloFacts& hello) {
    for (const std::uint16_t version : hello.versions)
        counters_.client_hello_offered(facts().listener_id, protocol::tls_version_name(version));
}

void SessionRecorder::server_hello_passed(const telemetry::ClientFacts& client) {
    client_is(client);
    count_handshake(metrics::Side::client, client.client_tls);
}

void SessionRecorder::server_reached(const upstream::Server& server) {
    const upstream::ServerRoute& route = *server.route;
    row_->update([&](telemetry::SessionFacts& facts) {
        facts.backend = {route.target->name, route.host.configured, route.host.port};
        facts.server_address = lookups::to_text(route.address);
        facts.server_tls = {}; // another server may have been reached before
        if (server.stream->in_tls()) facts.server_tls = facts_of(server.stream->peer());
    });
    if (server.stream->in_tls()) count_handshake(metrics::Side::server, facts().server_tls);
}

void SessionRecorder::login_ended(const protocol::LoginFacts& login,
                                  const telemetry::ScramFacts& scram,
                                  bool ready,
                                  std::shared_ptr<const upstream::ServerRoute> route) {
    row_->set_cancel_key(login.backend_process_id, login.cancel_key, std::move(route));
    row_->update([&](telemetry::SessionFacts& facts) {
        facts.sqlstate = ready ? "" : login.error_sqlstate;
        facts.scram = scram;
        facts.login_time = std::chrono::steady_clock::now() - row_->opened();
    });
    if (ready) counters_.login_took(facts().listener_id, row_->own_facts().login_time);
}

void SessionRecorder::judged(const telemetry::ClientFacts& client) {
    row_->update([&](telemetry::SessionFacts& facts) {
        static_cast<telemetry::ClientFacts&>(facts) = client;
        facts.judged = true;
    });
}

void SessionRecorder::decided(const hba::Rules& rules, const hba::Decision& decision) {
    hba::count(rules, decision, std::time(nullptr));
    if (decision.rule == nullptr) return;
    row_->update([&](telemetry::SessionFacts& facts) { facts.rule = decision.rule->location; });
}

void SessionRecorder::begin(Step step) {
    const auto now = std::chrono::steady_clock::now();
    if (step_ != nullptr) steps_.*step_ += now - step_began_;
    step_began_ = now;
    step_ = step;
}

std::unique_ptr<telemetry::SessionRow> SessionRecorder::give_row() noexcept {
    if (step_ != nullptr) {
        begin(nullptr);
        row_->update_own([this](telemetry::OwnFacts& own) { own.steps = steps_; });
    }
    return std::move(row_);
}

void SessionRecorder::console_began() {
    begin(nullptr);
    row_->update([&](telemetry::SessionFacts& facts) {
        facts.stage = telemetry::SessionStage::console;
        facts.steps = steps_;
        facts.login_time = std::chrono::steady_clock::now() - row_->opened();
    });
    counters_.login_took(facts().listener_id, row_->own_facts().login_time);
}

void SessionRecorder::handed_over() {
    begin(nullptr);
    row_->update([this](telemetry::SessionFacts& facts) {
        facts.stage = telemetry::SessionStage::live;
        facts.steps = steps_;
    });
}

bool SessionRecorder::admit(std::size_t max_connections) {
    if (row_->admit(max_connections)) return true;
    counters_.rate_limited(metrics::Limit::max_connections);
    return false;
}

void SessionRecorder::count_handshake(metrics::Side side, const telemetry::TlsFacts& facts) {
    metrics::TlsHandshake handshake{side, facts.version, facts.cipher, facts.group};
    if (side == metrics::Side::client)
        handshake.sni = facts.server_name.empty() ? metrics::Sni::absent : metrics::Sni::present;
    counters_.tls_handshake(this->facts().listener_id, handshake);
}

} // namespace pgmoat::session

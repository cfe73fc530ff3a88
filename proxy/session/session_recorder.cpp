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
    : counters_(services.counters.block_of_this_thread()), row_(services.table.open()) {
    counters_.connection_opened(first.listener_id, first.mode);
    row_->update([&](telemetry::SessionFacts& facts) { facts = std::move(first); });
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

void SessionRecorder::client_in_tls(const tls::PeerFacts& peer) {
    row_->update([&](telemetry::SessionFacts& facts) {
        facts.encryption = telemetry::Encryption::tls;
        facts.client_tls = facts_of(peer);
        facts.client_certificate_was_requested = peer.certificate_was_requested;
        if (peer.certificate)
            facts.client_certificate =
                std::make_shared<const tls::CertificateFacts>(*peer.certificate);
    });
    count_handshake(metrics::Side::client, facts().client_tls);
    if (peer.certificate)
        counters_.client_certificate_remains(
            facts().listener_id,
            std::chrono::seconds(peer.certificate->not_after - std::time(nullptr)));
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
    row_->update([&](telemetry::SessionFacts& facts) {
        facts.encryption = telemetry::Encryption::tls;
        facts.client_tls.server_name = hello.server_name;
    });
    for (const std::uint16_t version : hello.versions)
        counters_.client_hello_offered(facts().listener_id, protocol::tls_version_name(version));
}

// Version 0: the server answered with an alert.
void SessionRecorder::server_hello_passed(const protocol::ServerHelloFacts& hello) {
    if (hello.version == 0) return;
    row_->update([&](telemetry::SessionFacts& facts) {
        facts.client_tls.version = protocol::tls_version_name(hello.version);
        facts.client_tls.cipher = protocol::cipher_suite_name(hello.cipher_suite);
        facts.client_tls.bits = protocol::cipher_suite_bits(hello.cipher_suite);
        facts.client_tls.alpn = hello.alpn;
        if (hello.group != 0) facts.client_tls.group = protocol::group_name(hello.group);
    });
    count_handshake(metrics::Side::client, facts().client_tls);
}

void SessionRecorder::startup_came(const protocol::StartupMessage& startup) {
    row_->update([&](telemetry::SessionFacts& facts) {
        facts.user = startup.user;
        facts.database = startup.database;
        facts.replication = startup.replication;
        facts.application_name = startup.application_name;
    });
}

void SessionRecorder::server_reached(const upstream::Reached& reached,
                                     const std::string& upstream) {
    row_->update([&](telemetry::SessionFacts& facts) {
        facts.backend = {upstream, reached.host->host, reached.host->port};
        facts.server_address = reached.address;
        if (reached.stream->in_tls()) facts.server_tls = facts_of(reached.stream->peer());
    });
    if (reached.stream->in_tls()) count_handshake(metrics::Side::server, facts().server_tls);
}

void SessionRecorder::login_ended(const protocol::LoginFacts& login, bool ready) {
    row_->set_cancel_key(login.backend_process_id, login.cancel_key);
    row_->update([&](telemetry::SessionFacts& facts) {
        facts.sqlstate = ready ? "" : login.error_sqlstate;
        facts.login_time = std::chrono::steady_clock::now() - row_->opened();
    });
    if (ready) counters_.login_took(facts().listener_id, facts().login_time);
}

void SessionRecorder::in_gss() {
    row_->update(
        [](telemetry::SessionFacts& facts) { facts.encryption = telemetry::Encryption::gss; });
}

void SessionRecorder::judged(const std::string& system_user) {
    row_->update([&](telemetry::SessionFacts& facts) {
        facts.judged = true;
        facts.system_user = system_user;
    });
}

void SessionRecorder::decided(const hba::Rules& rules, const hba::Decision& decision) {
    hba::count(rules, decision, std::time(nullptr));
    if (decision.rule == nullptr) return;
    row_->update([&](telemetry::SessionFacts& facts) { facts.rule = decision.rule->location; });
}

void SessionRecorder::begin(Step step) {
    const auto now = std::chrono::steady_clock::now();
    steps_.*step_ += now - std::exchange(step_began_, now);
    step_ = step;
}

std::unique_ptr<telemetry::SessionRow> SessionRecorder::give_row() {
    begin(step_);
    row_->update([&](telemetry::SessionFacts& facts) { facts.steps = steps_; });
    return std::move(row_);
}

void SessionRecorder::console_began() {
    row_->update([&](telemetry::SessionFacts& facts) {
        facts.stage = telemetry::SessionStage::console;
        facts.login_time = std::chrono::steady_clock::now() - row_->opened();
    });
    counters_.login_took(facts().listener_id, facts().login_time);
}

void SessionRecorder::handed_over() {
    row_->update(
        [](telemetry::SessionFacts& facts) { facts.stage = telemetry::SessionStage::live; });
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

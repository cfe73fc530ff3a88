#include "proxy/report.h"

#include "proxy/session_table.h"

#include <chrono>

namespace pgmoat {

namespace {

using metrics::CloseReason;
using Level = Log::Level;

// What an operator must see: attacks and failures of ours or of the servers behind. What clients do
// by themselves is routine, and a probe that says nothing leaves no trace above debug.
Level level_of(const relay::Ended& ended, bool log_every_end) {
    switch (ended.reason) {
    case CloseReason::internal: return Level::error;
    case CloseReason::upstream_failed:
    case CloseReason::too_many_connections:
    case CloseReason::denied: return Level::warning;
    case CloseReason::startup:
        if (ended.detail.empty()) return Level::debug;
        return Level::log;
    case CloseReason::handshake: return Level::log;
    default: return log_every_end ? Level::log : Level::debug;
    }
}

void add_tls(LogFields& fields, const TlsFacts& tls) {
    fields.add("tls", tls.version.empty() ? "off" : tls.version);
    if (!tls.cipher.empty()) fields.add("cipher", tls.cipher);
    if (!tls.group.empty()) fields.add("group", tls.group);
    if (!tls.server_name.empty()) fields.add("sni", tls.server_name);
    if (!tls.alpn.empty()) fields.add("alpn", tls.alpn);
}

std::string client(const SessionFacts& facts) {
    if (facts.client_port == 0) return facts.client_address;
    const bool v6 = facts.client_address.find(':') != std::string::npos;
    const std::string address = v6 ? '[' + facts.client_address + ']' : facts.client_address;
    return address + ':' + std::to_string(facts.client_port);
}

double seconds(std::chrono::steady_clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

LogFields describe(const SessionRow& row, const relay::Ended& ended) {
    const SessionFacts& facts = row.facts();
    LogFields fields;
    fields.add("id", row.id())
        .add("listener", facts.listener)
        .add("mode", metrics::to_word(facts.mode))
        .add("client", client(facts));
    if (!facts.user.empty()) fields.add("user", facts.user);
    if (!facts.database.empty()) fields.add("database", facts.database);
    if (!facts.application_name.empty()) fields.add("application", facts.application_name);
    add_tls(fields, facts.client_tls);
    if (facts.client_certificate) fields.add("client_dn", facts.client_certificate->subject);
    if (!facts.rule.empty()) fields.add("rule", facts.rule);
    if (!facts.server_address.empty()) {
        fields.add("upstream", facts.backend.upstream).add("server", facts.server_address);
        if (facts.mode == metrics::Mode::terminate)
            fields.add("server_tls",
                       facts.server_tls.version.empty() ? "off" : facts.server_tls.version);
    }
    if (!facts.sqlstate.empty()) fields.add("sqlstate", facts.sqlstate);
    fields.add("received", row.bytes_from_client.load(std::memory_order_relaxed))
        .add("sent", row.bytes_from_server.load(std::memory_order_relaxed));
    if (facts.login_time.count() > 0)
        fields.add_seconds("login_seconds", seconds(facts.login_time));
    fields.add_seconds("seconds", seconds(std::chrono::steady_clock::now() - row.opened()))
        .add("reason", metrics::to_word(ended.reason));
    if (!ended.detail.empty()) fields.add("detail", ended.detail);
    return fields;
}

} // namespace

void ConnectionReporter::report(std::unique_ptr<Traffic> traffic, const relay::Ended& ended) {
    const auto& row = static_cast<const SessionRow&>(*traffic);
    const SessionFacts& facts = row.facts();
    metrics::Block& counters = counters_.block_of_this_thread();
    counters.connection_closed(facts.listener_id, facts.mode, ended.reason);
    counters.connection_lasted(facts.listener_id, std::chrono::steady_clock::now() - row.opened());
    counters.bytes(facts.listener_id,
                   metrics::Direction::from_client,
                   row.bytes_from_client.load(std::memory_order_relaxed));
    counters.bytes(facts.listener_id,
                   metrics::Direction::from_server,
                   row.bytes_from_server.load(std::memory_order_relaxed));

    const Level level = level_of(ended, log_every_end_.load(std::memory_order_relaxed));
    if (log_.shows(level)) log_.write(level, "connection closed", describe(row, ended));
}

} // namespace pgmoat

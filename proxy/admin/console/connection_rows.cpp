#include "proxy/admin/console/connection_rows.h"

#include "proxy/admin/console/limits.h"

#include <time.h>

#include <array>

namespace pgmoat::admin {

namespace {

Cell pid(const telemetry::SessionFacts& facts) {
    if (facts.backend_process_id == 0) return std::nullopt;
    return std::to_string(static_cast<std::int32_t>(facts.backend_process_id));
}

Cell port(const telemetry::SessionFacts& facts) {
    return facts.client_port == 0 ? Cell() : Cell(std::to_string(facts.client_port));
}

Cell bits(const telemetry::TlsFacts& tls) {
    return tls.bits == 0 ? Cell() : Cell(std::to_string(tls.bits));
}

Cell cut(std::string_view text) {
    return unless_empty(cut_text(text, limits::pg_stat_ssl_text_bytes));
}

// DN, serial and issuer of the client's certificate, each as `show` shows it.
void add_certificate(Row& row,
                     const telemetry::SessionFacts& facts,
                     Cell (*show)(std::string_view)) {
    const tls::CertificateFacts none;
    const auto& certificate = facts.client_certificate ? *facts.client_certificate : none;
    row.push_back(show(certificate.subject));
    row.push_back(show(certificate.serial));
    row.push_back(show(certificate.issuer));
}

Row pg_stat_ssl_row(const telemetry::SessionFacts& facts) {
    const telemetry::TlsFacts& tls = facts.client_tls;
    Row row{
        pid(facts), to_cell(!tls.version.empty()), cut(tls.version), cut(tls.cipher), bits(tls)};
    add_certificate(row, facts, cut);
    return row;
}

Row pg_stat_ssl_pgmoat_row(const Connection& connection) {
    const telemetry::SessionFacts& facts = connection.facts;
    const telemetry::TlsFacts& tls = facts.client_tls;
    Row row{to_cell(connection.id),
            pid(facts),
            unless_empty(facts.user),
            unless_empty(facts.database),
            unless_empty(facts.application_name),
            unless_empty(facts.client_address),
            port(facts),
            to_cell(facts.listener),
            to_cell(metrics::to_word(facts.mode)),
            to_cell(to_word(facts.stage)),
            to_cell(!tls.version.empty()),
            unless_empty(tls.version),
            unless_empty(tls.cipher),
            bits(tls),
            unless_empty(tls.group),
            unless_empty(tls.alpn),
            unless_empty(tls.server_name)};
    add_certificate(row, facts, unless_empty);
    row.push_back(facts.client_certificate ? time_text(facts.client_certificate->not_after)
                                           : Cell());
    for (const std::string* text : {&facts.rule,
                                    &facts.backend.upstream,
                                    &facts.server_address,
                                    &facts.server_tls.version,
                                    &facts.server_tls.cipher,
                                    &facts.server_tls.group})
        row.push_back(unless_empty(*text));
    row.push_back(to_cell(connection.bytes_from_client));
    row.push_back(to_cell(connection.bytes_from_server));
    row.push_back(to_cell(static_cast<std::uint64_t>(connection.age.count())));
    return row;
}

Row connection_row(const Connection& connection) {
    const telemetry::SessionFacts& facts = connection.facts;
    return {to_cell(connection.id),
            pid(facts),
            unless_empty(facts.user),
            unless_empty(facts.database),
            unless_empty(facts.application_name),
            unless_empty(facts.client_address),
            port(facts),
            time_text(connection.connected_at),
            to_cell(facts.listener),
            to_cell(metrics::to_word(facts.mode)),
            to_cell(to_word(facts.stage)),
            unless_empty(facts.client_tls.version),
            unless_empty(facts.client_tls.cipher),
            unless_empty(facts.client_tls.group),
            unless_empty(facts.rule),
            unless_empty(facts.backend.upstream),
            unless_empty(facts.server_address)};
}

Row pg_stat_activity_row(const Connection& connection) {
    const telemetry::SessionFacts& facts = connection.facts;
    Row row(pg_stat_activity_columns.size());
    row[1] = unless_empty(facts.database);
    row[2] = pid(facts);
    row[5] = unless_empty(facts.user);
    row[6] = to_cell(facts.application_name);
    // NULL for a unix socket, whose port is -1.
    const bool local = facts.client_port == 0;
    row[7] = local ? Cell() : unless_empty(facts.client_address);
    row[9] = local ? Cell("-1") : port(facts);
    row[10] = time_text(connection.connected_at);
    row[21] =
        to_cell(facts.replication == protocol::Replication::none ? "client backend" : "walsender");
    return row;
}

} // namespace

std::vector<Row> pg_stat_ssl_rows(const std::vector<Connection>& connections) {
    std::vector<Row> rows;
    for (const Connection& connection : connections)
        if (connection.facts.stage == telemetry::SessionStage::live)
            rows.push_back(pg_stat_ssl_row(connection.facts));
    return rows;
}

std::vector<Row> pg_stat_activity_rows(const std::vector<Connection>& connections) {
    std::vector<Row> rows;
    for (const Connection& connection : connections)
        if (connection.facts.stage == telemetry::SessionStage::live)
            rows.push_back(pg_stat_activity_row(connection));
    return rows;
}

std::vector<Row> pg_stat_ssl_pgmoat_rows(const std::vector<Connection>& connections) {
    std::vector<Row> rows;
    for (const Connection& connection : connections)
        rows.push_back(pg_stat_ssl_pgmoat_row(connection));
    return rows;
}

std::vector<Row> connection_rows(const std::vector<Connection>& connections) {
    std::vector<Row> rows;
    for (const Connection& connection : connections)
        rows.push_back(connection_row(connection));
    return rows;
}

// A byte 10xxxxxx continues a character.
std::string_view cut_text(std::string_view text, std::size_t bytes) noexcept {
    if (text.size() <= bytes) return text;
    while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80)
        --bytes;
    return text.substr(0, bytes);
}

Cell time_text(std::int64_t unix_seconds) {
    if (unix_seconds == 0) return std::nullopt;
    const time_t time = unix_seconds;
    tm parts{};
    std::array<char, 40> text{};
    if (::gmtime_r(&time, &parts) == nullptr) return std::nullopt;
    const std::size_t size = ::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S+00", &parts);
    return std::string(text.data(), size);
}

} // namespace pgmoat::admin

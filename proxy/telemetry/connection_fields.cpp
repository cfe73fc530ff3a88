#include "proxy/telemetry/connection_fields.h"

#include "metrics/labels.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <string_view>

namespace pgmoat::telemetry {

namespace {

// The empty name of a fact that the other form of the log does not have.
constexpr const char* only_text = "";
constexpr const char* only_json = "";

double seconds(std::chrono::steady_clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

// OpenTelemetry has separate fields for the protocol and its version.
std::string_view version_number(std::string_view version) {
    constexpr std::string_view name = "TLSv";
    return version.starts_with(name) ? version.substr(name.size()) : version;
}

std::string iso_time(std::int64_t unix_seconds) {
    const std::time_t when = unix_seconds;
    std::tm parts{};
    std::array<char, 32> text{};
    if (::gmtime_r(&when, &parts) == nullptr) return {};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string upper_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
        return static_cast<char>(std::toupper(c));
    });
    return text;
}

void add_text(Fields& fields, FieldName name, const std::string& value) {
    if (!value.empty()) fields.add(name, value);
}

void add_who(Fields& fields, const SessionFacts& facts) {
    fields.add("listener", facts.listener)
        .add("mode", metrics::to_word(facts.mode))
        .add({"client", only_text}, client_of(facts))
        .add({only_json, "client.address"}, facts.client_address);
    if (facts.client_port != 0)
        fields.add({only_json, "client.port"}, std::uint64_t{facts.client_port});
    add_text(fields, {"user", "user.name"}, facts.user);
    add_text(fields, {"database", "db.namespace"}, facts.database);
    add_text(fields, {"application", "application_name"}, facts.application_name);
    add_text(fields, "system_user", facts.system_user);
    if (facts.replication != protocol::Replication::none)
        fields.add("replication",
                   facts.replication == protocol::Replication::physical ? "physical" : "logical");
}

// What the proxy in front of us reported about itself and its client.
void add_proxy(Fields& fields, const SessionFacts& facts) {
    if (!facts.proxied) return;
    fields.add({"proxy", "proxy.address"}, facts.proxy_address);
    add_text(fields, "proxy_id", facts.proxied->unique_id);
    add_text(fields, "proxy_sni", facts.proxied->authority);
    if (!facts.proxied->tls || !facts.proxied->tls->tls) return;
    add_text(fields, "proxy_tls", facts.proxied->tls->version);
    add_text(fields, "proxy_cipher", facts.proxied->tls->cipher);
    if (facts.proxied->tls->verified) add_text(fields, "proxy_cn", facts.proxied->tls->common_name);
}

void add_client_tls(Fields& fields, const TlsFacts& tls) {
    const bool established = !tls.version.empty();
    fields.add({"tls", only_text}, established ? tls.version : "off")
        .add_flag({only_json, "tls.established"}, established);
    if (established)
        fields.add({only_json, "tls.protocol.name"}, "tls")
            .add({only_json, "tls.protocol.version"}, version_number(tls.version));
    add_text(fields, {"cipher", "tls.cipher"}, tls.cipher);
    if (tls.bits > 0)
        fields.add({only_json, "tls.cipher_bits"}, static_cast<std::uint64_t>(tls.bits));
    add_text(fields, {"group", "tls.curve"}, tls.group);
    add_text(fields, {"sni", "tls.client.server_name"}, tls.server_name);
    add_text(fields, {"alpn", "tls.next_protocol"}, tls.alpn);
}

void add_certificate(Fields& fields, const tls::CertificateFacts& certificate) {
    fields.add({"client_dn", "tls.client.subject"}, certificate.subject)
        .add({"client_issuer", "tls.client.issuer"}, certificate.issuer)
        .add({"client_serial", "tls.client.serial_number"}, certificate.serial)
        .add({only_json, "tls.client.not_after"}, iso_time(certificate.not_after))
        .add({only_json, "tls.client.hash.sha256"}, upper_case(certificate.leaf_sha256));
}

// Passed-through TLS to the server is the client's own.
void add_server(Fields& fields, const SessionFacts& facts) {
    if (facts.server_address.empty()) return;
    fields.add("upstream", facts.backend.upstream)
        .add({"server", "network.peer.address"}, facts.server_address)
        .add({only_json, "server.address"}, facts.backend.host)
        .add({only_json, "server.port"}, std::uint64_t{facts.backend.port});
    if (facts.backend_process_id != 0)
        fields.add("backend_pid", std::uint64_t{facts.backend_process_id});
    if (facts.mode == metrics::Mode::passthrough) return;
    const TlsFacts& tls = facts.server_tls;
    fields.add({"server_tls", only_text}, tls.version.empty() ? "off" : tls.version)
        .add_flag({only_json, "upstream.tls.established"}, !tls.version.empty());
    if (tls.version.empty()) return;
    fields.add({only_json, "upstream.tls.protocol.version"}, version_number(tls.version))
        .add({only_json, "upstream.tls.cipher"}, tls.cipher)
        .add({only_json, "upstream.tls.curve"}, tls.group);
}

void add_scram(Fields& fields, const ScramFacts& scram) {
    if (scram.way == ScramWay::none) return;
    fields.add("scram", to_word(scram.way));
    if (scram.way == ScramWay::bridged)
        fields.add_flag("scram_client_bound", scram.client_bound)
            .add_flag("scram_server_bound", scram.server_bound);
}

void add_step(Fields& fields, const char* name, std::chrono::steady_clock::duration took) {
    if (took.count() > 0) fields.add_seconds(name, seconds(took));
}

} // namespace

ConnectionState state_of(const SessionRow& row) {
    return {row.id(), std::chrono::steady_clock::now() - row.opened(), row.counts()};
}

Fields describe(std::uint64_t id, const SessionFacts& facts) {
    Fields fields;
    fields.add("id", id);
    fields.add({only_json, "stage"}, to_word(facts.stage));
    add_who(fields, facts);
    add_proxy(fields, facts);
    if (facts.encryption == Encryption::gss) fields.add("encryption", "gss");
    add_client_tls(fields, facts.client_tls);
    if (facts.client_certificate) add_certificate(fields, *facts.client_certificate);
    add_text(fields, "rule", facts.rule);
    add_server(fields, facts);
    add_scram(fields, facts.scram);
    add_text(fields, {"sqlstate", "db.response.status_code"}, facts.sqlstate);
    add_step(fields, "greet_seconds", facts.steps.greet);
    add_step(fields, "decide_seconds", facts.steps.decide);
    add_step(fields, "reach_seconds", facts.steps.reach);
    add_step(fields, "login_seconds", facts.steps.login);
    return fields;
}

Fields describe(const SessionFacts& facts, const ConnectionState& state) {
    Fields fields = describe(state.id, facts);
    const TrafficCounts& traffic = state.traffic;
    fields.add("received", traffic.bytes_from_client).add("sent", traffic.bytes_from_server);
    fields.add({only_json, "messages_received"}, traffic.messages_from_client)
        .add({only_json, "messages_sent"}, traffic.messages_from_server)
        .add("queries", traffic.queries)
        .add("transactions", traffic.transactions);
    fields.add_seconds("seconds", seconds(state.age));
    return fields;
}

std::string client_of(const std::string& address, std::uint16_t port) {
    if (port == 0) return address;
    const bool v6 = address.find(':') != std::string::npos;
    return (v6 ? '[' + address + ']' : address) + ':' + std::to_string(port);
}

std::string client_of(const SessionFacts& facts) {
    return client_of(facts.client_address, facts.client_port);
}

} // namespace pgmoat::telemetry

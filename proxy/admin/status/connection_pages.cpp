#include "proxy/admin/status/connection_pages.h"

#include "metrics/label_value.h"
#include "metrics/labels.h"

#include <cstdint>
#include <string_view>

namespace pgmoat::admin {

namespace {

// The text format escapes three characters and no others.
void append_label(std::string& line, std::string_view name, std::string_view value) {
    line += line.ends_with('{') ? "" : ",";
    line += name;
    line += "=\"";
    for (const char c : metrics::clean_label_value(value)) {
        if (c == '\n') {
            line += "\\n";
            continue;
        }
        if (c == '"' || c == '\\') line += '\\';
        line += c;
    }
    line += '"';
}

std::string info_of(const LiveConnection& connection) {
    const telemetry::SessionFacts& facts = connection.facts;
    const telemetry::TlsFacts& tls = facts.client_tls;
    std::string line = "pgmoat_connection_info{";
    append_label(line, "id", std::to_string(connection.state.id));
    append_label(line, "listener", facts.listener);
    append_label(line, "mode", metrics::to_word(facts.mode));
    append_label(line, "client", telemetry::client_of(facts));
    append_label(line, "user", facts.user);
    append_label(line, "database", facts.database);
    append_label(line, "application", facts.application_name);
    append_label(line, "version", tls.version);
    append_label(line, "cipher", tls.cipher);
    append_label(line, "group", tls.group);
    append_label(line, "server_name", tls.server_name);
    append_label(
        line, "subject", facts.client_certificate ? facts.client_certificate->subject : "");
    append_label(line, "rule", facts.rule);
    append_label(line, "upstream", facts.backend.upstream);
    append_label(line, "server", facts.server_address);
    return line + "} 1\n";
}

std::string by_direction(const std::string& name,
                         const LiveConnection& connection,
                         std::uint64_t from_client,
                         std::uint64_t from_server) {
    const std::string series =
        name + "{id=\"" + std::to_string(connection.state.id) + "\",direction=\"";
    return series + "from_client\"} " + std::to_string(from_client) + '\n' + series +
           "from_server\"} " + std::to_string(from_server) + '\n';
}

std::string bytes_of(const LiveConnection& connection) {
    const telemetry::TrafficCounts& traffic = connection.state.traffic;
    return by_direction("pgmoat_connection_bytes_total",
                        connection,
                        traffic.bytes_from_client,
                        traffic.bytes_from_server);
}

std::string messages_of(const LiveConnection& connection) {
    const telemetry::TrafficCounts& traffic = connection.state.traffic;
    return by_direction("pgmoat_connection_messages_total",
                        connection,
                        traffic.messages_from_client,
                        traffic.messages_from_server);
}

void append_family(std::string& page,
                   std::string_view name,
                   std::string_view type,
                   std::string_view help,
                   const LiveConnections& connections,
                   std::string (*lines)(const LiveConnection&)) {
    page.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
    page.append(name).append(" ").append(type).append("\n");
    for (const LiveConnection& connection : connections.newest)
        page += lines(connection);
}

} // namespace

std::string connections_json(const LiveConnections& connections) {
    std::string json = "{\"live\":" + std::to_string(connections.live) +
                       ",\"shown\":" + std::to_string(connections.newest.size()) +
                       ",\"connections\":[";
    for (const LiveConnection& connection : connections.newest) {
        if (json.back() != '[') json += ",\n";
        json += '{' + describe(connection.facts, connection.state).as_json() + '}';
    }
    return json + "]}\n";
}

std::string connection_metrics(const LiveConnections& connections) {
    std::string page;
    append_family(page,
                  "pgmoat_connection_info",
                  "gauge",
                  "An open connection, in its labels; always 1.",
                  connections,
                  info_of);
    append_family(page,
                  "pgmoat_connection_bytes_total",
                  "counter",
                  "Bytes relayed for an open connection.",
                  connections,
                  bytes_of);
    append_family(page,
                  "pgmoat_connection_messages_total",
                  "counter",
                  "Messages of an open connection after its login, without rows of COPY.",
                  connections,
                  messages_of);
    page += "# HELP pgmoat_connections_not_shown Open connections beyond connection_metrics_max.\n"
            "# TYPE pgmoat_connections_not_shown gauge\npgmoat_connections_not_shown " +
            std::to_string(connections.live - connections.newest.size()) + '\n';
    return page;
}

} // namespace pgmoat::admin

#include "proxy/admin/console/help.h"

#include "proxy/admin/console/statement.h"

#include <string>

namespace pgmoat::admin {

namespace {

// The second half are PgBouncer's words for these.
constexpr std::array views{
    View{"connections", "connections", "client connections and their servers"},
    View{"listeners", "listeners", "listening addresses"},
    View{"upstreams", "upstreams", "upstream servers: state, failures, last error"},
    View{"rules", "rules", "access rules, with their hits"},
    View{"limits", "limits", "limits on clients: setting, use, refusals"},
    View{"addresses", "addresses", "client addresses: connections, refusals, failed logins"},
    View{"certificates", "certificates", "server certificates and their expiry"},
    View{"config", "config", "settings in force, with file and line"},
    View{"stats", "stats", "counters since the start, by listener"},
    View{"version", "version", "versions of pgmoat and OpenSSL"},
    View{"help", "help", "this list"},
    View{"clients", "connections", {}},
    View{"servers", "upstreams", {}},
    View{"databases", "upstreams", {}},
};

struct Example {
    std::string_view statement;
    std::string_view help;
};
constexpr std::array examples{
    Example{"SHOW ALL", "every setting and parameter; SHOW name shows one, such as SHOW ssl"},
    Example{"SELECT * FROM pg_stat_ssl", "TLS of the clients, as PostgreSQL shows it"},
    Example{"SELECT * FROM pg_stat_ssl_pgmoat", "TLS of both legs, with group, SNI, rule, bytes"},
    Example{"SELECT version, count(*) FROM connections GROUP BY version",
            "any query; \\d lists the tables"},
};

} // namespace

std::span<const View> all_views() noexcept {
    return views;
}

std::vector<Row> help_rows() {
    std::vector<Row> rows;
    for (const View& view : views) {
        if (view.help.empty()) continue;
        std::string statement = "SHOW ";
        for (const char c : view.word)
            statement += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        rows.push_back({to_cell(statement), to_cell(view.help)});
    }
    for (const Example& example : examples)
        rows.push_back({to_cell(example.statement), to_cell(example.help)});
    for (const VerbRow& verb : all_verbs())
        if (!verb.help.empty()) rows.push_back({to_cell(verb.statement), to_cell(verb.help)});
    return rows;
}

} // namespace pgmoat::admin

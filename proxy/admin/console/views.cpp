#include "proxy/admin/console/views.h"

#include "proxy/admin/console/config_rows.h"
#include "proxy/admin/console/connection_rows.h"
#include "proxy/admin/console/functions.h"
#include "proxy/admin/console/parameters.h"
#include "proxy/admin/console/status_rows.h"

#include <span>

namespace pgmoat::admin {

namespace {

std::vector<Column> copy(std::span<const Column> columns) {
    return {columns.begin(), columns.end()};
}

std::vector<Row> help_rows() {
    std::vector<Row> rows;
    for (const ViewRow& view : all_views())
        rows.push_back({to_cell(view.statement), to_cell(view.help)});
    for (const VerbRow& verb : all_verbs())
        if (!verb.help.empty()) rows.push_back({to_cell(verb.statement), to_cell(verb.help)});
    return rows;
}

} // namespace

std::vector<Column> columns_of(const Statement& statement) {
    if (statement.verb != Verb::show && statement.verb != Verb::select) return {};
    switch (statement.view) {
    case View::connections: return copy(connection_columns);
    case View::listeners: return copy(listener_columns);
    case View::upstreams: return copy(upstream_columns);
    case View::rules: return copy(rule_columns);
    case View::certificates: return copy(certificate_columns);
    case View::config: return copy(config_columns);
    case View::stats: return copy(stats_columns);
    case View::version: return copy(version_columns);
    case View::help: return {{"statement"}, {"description"}};
    case View::pg_stat_ssl: return copy(pg_stat_ssl_columns);
    case View::pg_stat_ssl_pgmoat: return copy(pg_stat_ssl_pgmoat_columns);
    case View::parameter: return {{find_parameter(statement.argument)->name}};
    case View::integer: return {{"?column?", Type::int4}};
    case View::literal: return {{"?column?"}};
    case View::function: return {{find_function(statement.argument)->name}};
    }
    return {};
}

std::vector<Row>
rows_of(const Statement& statement, const std::string& user, const Backend& backend) {
    switch (statement.view) {
    case View::connections: return connection_rows(backend.connections());
    case View::listeners: return listener_rows(backend.config(), backend.connections());
    case View::upstreams: return upstream_rows(backend.config(), backend.connections());
    case View::rules: return rule_rows(backend.rules());
    case View::certificates: return certificate_rows(backend.certificates());
    case View::config: return config_rows(backend.config());
    case View::stats: return stats_rows(backend.totals());
    case View::version: return version_rows();
    case View::help: return help_rows();
    case View::pg_stat_ssl: return pg_stat_ssl_rows(backend.connections());
    case View::pg_stat_ssl_pgmoat: return pg_stat_ssl_pgmoat_rows(backend.connections());
    case View::parameter: return {{to_cell(find_parameter(statement.argument)->value)}};
    case View::integer:
    case View::literal: return {{to_cell(statement.argument)}};
    case View::function: return {{value_of(*find_function(statement.argument), user)}};
    }
    return {};
}

} // namespace pgmoat::admin

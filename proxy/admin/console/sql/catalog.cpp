#include "proxy/admin/console/sql/catalog.h"

#include "proxy/admin/console/config_rows.h"
#include "proxy/admin/console/connection_rows.h"
#include "proxy/admin/console/help.h"
#include "proxy/admin/console/sql/system_catalog.h"
#include "proxy/admin/console/status_rows.h"

#include <algorithm>
#include <map>

namespace pgmoat::admin::sql {

namespace {

std::vector<Row> stat_ssl(const Scope& scope) {
    return pg_stat_ssl_rows(scope.snapshot.connections());
}
std::vector<Row> stat_ssl_pgmoat(const Scope& scope) {
    return pg_stat_ssl_pgmoat_rows(scope.snapshot.connections());
}
std::vector<Row> stat_activity(const Scope& scope) {
    return pg_stat_activity_rows(scope.snapshot.connections());
}
std::vector<Row> connections(const Scope& scope) {
    return connection_rows(scope.snapshot.connections());
}
std::vector<Row> listeners(const Scope& scope) {
    return listener_rows(scope.snapshot.config(), scope.snapshot.connections());
}
std::vector<Row> upstreams(const Scope& scope) {
    return upstream_rows(scope.snapshot);
}
std::vector<Row> rules(const Scope& scope) {
    return rule_rows(scope.snapshot.rules());
}
std::vector<Row> hba_file_rules(const Scope& scope) {
    return pg_hba_file_rules_rows(scope.snapshot.rules());
}
std::vector<Row> certificates(const Scope& scope) {
    return certificate_rows(scope.snapshot.certificates());
}
std::vector<Row> config(const Scope& scope) {
    return config_rows(scope.snapshot.config());
}
std::vector<Row> settings(const Scope& scope) {
    return pg_settings_rows(scope.snapshot.config(), scope.parameters);
}
std::vector<Row> stats(const Scope& scope) {
    return stats_rows(scope.snapshot.totals());
}
std::vector<Row> limits(const Scope& scope) {
    return limit_rows(scope.snapshot.limits());
}
std::vector<Row> addresses(const Scope& scope) {
    return address_rows(scope.snapshot.limits());
}
std::vector<Row> version(const Scope&) {
    return version_rows();
}
std::vector<Row> help(const Scope&) {
    return help_rows();
}

constexpr Relation ours[] = {
    {"pg_catalog", "pg_stat_ssl", 'v', pg_stat_ssl_columns, stat_ssl},
    {"pg_catalog", "pg_stat_activity", 'v', pg_stat_activity_columns, stat_activity},
    {"pg_catalog", "pg_settings", 'v', pg_settings_columns, settings},
    {"pg_catalog", "pg_hba_file_rules", 'v', pg_hba_file_rules_columns, hba_file_rules},
    {"public",
     "pg_stat_ssl_pgmoat",
     'r',
     pg_stat_ssl_pgmoat_columns,
     stat_ssl_pgmoat,
     "TLS of both legs, with group, server name, rule, bytes"},
    {"public", "connections", 'r', connection_columns, connections, "clients, and their servers"},
    {"public", "listeners", 'r', listener_columns, listeners, "listening addresses"},
    {"public", "upstreams", 'r', upstream_columns, upstreams, "upstream servers"},
    {"public", "rules", 'r', rule_columns, rules, "access rules, with their hits"},
    {"public",
     "limits",
     'r',
     limit_columns,
     limits,
     "limits on clients, and how far they are used"},
    {"public", "addresses", 'r', address_columns, addresses, "client addresses that meet limits"},
    {"public", "certificates", 'r', certificate_columns, certificates, "server certificates"},
    {"public", "config", 'r', config_columns, config, "settings in force, with file and line"},
    {"public", "stats", 'r', stats_columns, stats, "counters since the start, by listener"},
    {"public", "version", 'r', version_columns, version, "versions of pgmoat and OpenSSL"},
    {"public", "help", 'r', help_columns, help, "statements of the console"},
};

std::vector<Relation> collect() {
    std::vector<Relation> all(std::begin(ours), std::end(ours));
    const auto system = system_relations();
    all.insert(all.end(), system.begin(), system.end());
    return all;
}

const std::map<std::string_view, Type>& types_of_columns() {
    static const auto types = [] {
        std::map<std::string_view, Type> found;
        for (const Relation& relation : all_relations())
            for (const Column& column : relation.columns)
                found.emplace(column.name, column.type);
        return found;
    }();
    return types;
}

} // namespace

std::span<const Relation> all_relations() noexcept {
    static const std::vector<Relation> relations = collect();
    return relations;
}

const Relation* find_relation(std::string_view schema, std::string_view name) noexcept {
    for (const std::string_view place : {"pg_catalog", "public", "information_schema"}) {
        const bool searched = schema.empty() ? place != "information_schema" : schema == place;
        if (!searched) continue;
        for (const Relation& relation : all_relations())
            if (relation.schema == place && relation.name == name) return &relation;
    }
    return nullptr;
}

std::uint32_t oid_of(const Relation& relation) noexcept {
    // Below PostgreSQL's FirstNormalObjectId; above all of its own.
    constexpr std::uint32_t first = 15'000;
    return first + static_cast<std::uint32_t>(&relation - all_relations().data());
}

Type type_of_column(std::string_view name) noexcept {
    const auto found = types_of_columns().find(name);
    return found == types_of_columns().end() ? Type::unknown : found->second;
}

std::string table_name(const Relation& relation) {
    return std::string(relation.schema) + '.' + std::string(relation.name);
}

} // namespace pgmoat::admin::sql

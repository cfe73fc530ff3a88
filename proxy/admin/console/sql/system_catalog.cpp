#include "proxy/admin/console/sql/system_catalog.h"

#include "proxy/admin/console/console_login.h"
#include "proxy/admin/console/sql/system_columns.h"
#include "proxy/admin/console/text_values.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace pgmoat::admin::sql {

namespace {

struct Schema {
    std::string_view name;
    std::uint32_t oid;
};
constexpr std::array schemas{
    Schema{"pg_catalog", 11}, Schema{"public", 2200}, Schema{"information_schema", 13000}};

constexpr std::uint32_t database_oid = 5;
constexpr std::uint32_t first_role_oid = 16'384;
constexpr std::uint32_t utf8 = 6; // pg_char_to_encoding('UTF8')
constexpr std::uint32_t default_collation = 100;

Cell number(std::uint64_t value) {
    return std::to_string(value);
}

// A row by the names of its columns; what is not named is NULL.
class RowMaker {
  public:
    explicit RowMaker(std::span<const Column> columns) : columns_(columns), row_(columns.size()) {}
    RowMaker& set(std::string_view name, Cell cell) {
        const auto found = std::ranges::find(columns_, name, &Column::name);
        row_[static_cast<std::size_t>(found - columns_.begin())] = std::move(cell);
        return *this;
    }
    // Everything that has no value yet.
    RowMaker& fill(Type type, std::string_view text) {
        for (std::size_t i = 0; i < columns_.size(); ++i)
            if (!row_[i] && columns_[i].type == type) row_[i] = std::string(text);
        return *this;
    }
    [[nodiscard]] Row take() { return std::move(row_); }

  private:
    std::span<const Column> columns_;
    Row row_;
};

std::vector<Row> nothing(const Scope&) {
    return {};
}

std::vector<Row> namespaces(const Scope&) {
    std::vector<Row> rows;
    for (const Schema& schema : schemas)
        rows.push_back({number(schema.oid), to_cell(schema.name), number(owner_oid), Cell()});
    return rows;
}

std::vector<Row> classes(const Scope&) {
    std::vector<Row> rows;
    for (const Relation& relation : all_relations())
        rows.push_back(RowMaker(pg_class_columns)
                           .set("oid", number(oid_of(relation)))
                           .set("relname", to_cell(relation.name))
                           .set("relnamespace", number(oid_of_schema(relation.schema)))
                           .set("relowner", number(owner_oid))
                           .set("relpersistence", to_cell("p"))
                           .set("relkind", std::string(1, relation.kind))
                           .set("relnatts", number(relation.columns.size()))
                           .set("relreplident", to_cell("n"))
                           .set("relispopulated", to_cell(true))
                           .set("reltuples", to_cell("-1"))
                           .fill(Type::oid, "0")
                           .fill(Type::int4, "0")
                           .fill(Type::int2, "0")
                           .fill(Type::boolean, "f")
                           .take());
    return rows;
}

std::vector<Row> attributes(const Scope&) {
    std::vector<Row> rows;
    for (const Relation& relation : all_relations()) {
        std::uint64_t place = 0;
        for (const Column& column : relation.columns) {
            const TypeRow& type = row_of(column.type);
            const bool is_text = type.category == 'S' && column.type == Type::text;
            rows.push_back(RowMaker(pg_attribute_columns)
                               .set("attrelid", number(oid_of(relation)))
                               .set("attname", to_cell(column.name))
                               .set("atttypid", number(type.oid))
                               .set("attlen", std::to_string(type.size))
                               .set("attnum", number(++place))
                               .set("atttypmod", to_cell("-1"))
                               .set("attcacheoff", to_cell("-1"))
                               .set("attstorage", to_cell(type.size < 0 ? "x" : "p"))
                               .set("attalign", to_cell("i"))
                               .set("attislocal", to_cell(true))
                               .set("attcollation", number(is_text ? default_collation : 0))
                               .fill(Type::character, "")
                               .fill(Type::int2, "0")
                               .fill(Type::boolean, "f")
                               .take());
        }
    }
    return rows;
}

Row type_row(const TypeRow& type, bool is_array) {
    const std::string name = (is_array ? "_" : "") + std::string(type.name);
    const bool array = is_array || type.category == 'A';
    const std::uint32_t element = is_array               ? type.oid
                                  : type.category == 'A' ? row_of(Type::text).oid
                                                         : 0;
    const bool is_text = type.type == Type::text;
    return RowMaker(pg_type_columns)
        .set("oid", number(is_array ? type.array_oid : type.oid))
        .set("typname", name)
        .set("typnamespace", number(oid_of_schema("pg_catalog")))
        .set("typowner", number(owner_oid))
        .set("typlen", std::to_string(is_array ? -1 : type.size))
        .set("typbyval", to_cell(!is_array && type.size > 0 && type.size <= 8))
        .set("typtype", to_cell(type.type == Type::void_type ? "p" : "b"))
        .set("typcategory", array ? to_cell("A") : Cell(std::string(1, type.category)))
        .set("typisdefined", to_cell(true))
        .set("typdelim", to_cell(","))
        .set("typelem", number(element))
        .set("typarray",
             number(is_array  ? 0
                    : is_text ? row_of(Type::text_array).oid
                              : type.array_oid))
        .set("typtypmod", to_cell("-1"))
        .set("typcollation", number(is_text && !is_array ? default_collation : 0))
        .fill(Type::oid, "0")
        .fill(Type::int4, "0")
        .fill(Type::boolean, "f")
        .take();
}

std::vector<Row> types(const Scope&) {
    std::vector<Row> rows;
    for (const TypeRow& type : all_types()) {
        if (type.type == Type::unknown) continue;
        rows.push_back(type_row(type, false));
        const bool has_array = type.array_oid != 0 && type.type != Type::text;
        if (has_array) rows.push_back(type_row(type, true));
    }
    return rows;
}

std::vector<Row> databases(const Scope&) {
    return {RowMaker(pg_database_columns)
                .set("oid", number(database_oid))
                .set("datname", to_cell(console_database))
                .set("datdba", number(owner_oid))
                .set("encoding", number(utf8))
                .set("datlocprovider", to_cell("c"))
                .set("datallowconn", to_cell(true))
                .set("datconnlimit", to_cell("-1"))
                .set("datcollate", to_cell("C"))
                .set("datctype", to_cell("C"))
                .fill(Type::oid, "0")
                .fill(Type::boolean, "f")
                .take()};
}

struct Role {
    std::uint32_t oid;
    std::string name;
    bool super;
};

// Who may use the console, and the owner of its relations.
std::vector<Role> all_roles(const Scope& scope) {
    const config::Config& config = scope.snapshot.config();
    std::vector<Role> roles;
    const auto add = [&](const std::string& name, bool super) {
        if (std::ranges::find(roles, name, &Role::name) == roles.end())
            roles.push_back(
                {first_role_oid + static_cast<std::uint32_t>(roles.size()), name, super});
    };
    for (const std::string& name : config.console_users)
        add(name, true);
    for (const std::string& name : config.console_stats_users)
        add(name, false);
    return roles;
}

std::vector<Row> roles(const Scope& scope) {
    std::vector<Row> rows;
    for (const Role& role : all_roles(scope))
        rows.push_back(RowMaker(pg_roles_columns)
                           .set("oid", number(role.oid))
                           .set("rolname", role.name)
                           .set("rolsuper", to_cell(role.super))
                           .set("rolinherit", to_cell(true))
                           .set("rolcanlogin", to_cell(true))
                           .set("rolconnlimit", to_cell("-1"))
                           .set("rolpassword", to_cell("********"))
                           .fill(Type::boolean, "f")
                           .take());
    return rows;
}

std::vector<Row> users(const Scope& scope) {
    std::vector<Row> rows;
    for (const Role& role : all_roles(scope))
        rows.push_back(RowMaker(pg_user_columns)
                           .set("usename", role.name)
                           .set("usesysid", number(role.oid))
                           .set("usesuper", to_cell(role.super))
                           .set("passwd", to_cell("********"))
                           .fill(Type::boolean, "f")
                           .take());
    return rows;
}

std::vector<Row> descriptions(const Scope&) {
    std::vector<Row> rows;
    for (const Relation& relation : all_relations()) {
        if (relation.description.empty()) continue;
        rows.push_back({number(oid_of(relation)),
                        number(oid_of(*find_relation("pg_catalog", "pg_class"))),
                        to_cell("0"),
                        to_cell(relation.description)});
    }
    return rows;
}

std::vector<Row> tables(const Scope&) {
    std::vector<Row> rows;
    for (const Relation& relation : all_relations())
        if (relation.kind == 'r')
            rows.push_back(RowMaker(pg_tables_columns)
                               .set("schemaname", to_cell(relation.schema))
                               .set("tablename", to_cell(relation.name))
                               .set("tableowner", to_cell(owner_name))
                               .fill(Type::boolean, "f")
                               .take());
    return rows;
}

std::vector<Row> views(const Scope&) {
    std::vector<Row> rows;
    for (const Relation& relation : all_relations())
        if (relation.kind == 'v')
            rows.push_back(
                {to_cell(relation.schema), to_cell(relation.name), to_cell(owner_name), Cell()});
    return rows;
}

std::vector<Row> schemata(const Scope&) {
    std::vector<Row> rows;
    for (const Schema& schema : schemas)
        rows.push_back({to_cell(console_database), to_cell(schema.name), to_cell(owner_name)});
    return rows;
}

std::vector<Row> information_tables(const Scope&) {
    std::vector<Row> rows;
    for (const Relation& relation : all_relations())
        rows.push_back({to_cell(console_database),
                        to_cell(relation.schema),
                        to_cell(relation.name),
                        to_cell(relation.kind == 'v' ? "VIEW" : "BASE TABLE")});
    return rows;
}

std::vector<Row> information_columns(const Scope&) {
    std::vector<Row> rows;
    for (const Relation& relation : all_relations()) {
        std::uint64_t place = 0;
        for (const Column& column : relation.columns)
            rows.push_back({to_cell(console_database),
                            to_cell(relation.schema),
                            to_cell(relation.name),
                            to_cell(column.name),
                            number(++place),
                            Cell(),
                            to_cell("YES"),
                            to_cell(row_of(column.type).display)});
    }
    return rows;
}

// clang-format off: one line a table.
constexpr Relation relations[] = {
    {"pg_catalog", "pg_namespace", 'r', pg_namespace_columns, namespaces},
    {"pg_catalog", "pg_class", 'r', pg_class_columns, classes},
    {"pg_catalog", "pg_attribute", 'r', pg_attribute_columns, attributes},
    {"pg_catalog", "pg_type", 'r', pg_type_columns, types},
    {"pg_catalog", "pg_database", 'r', pg_database_columns, databases},
    {"pg_catalog", "pg_roles", 'v', pg_roles_columns, roles},
    {"pg_catalog", "pg_user", 'v', pg_user_columns, users},
    {"pg_catalog", "pg_description", 'r', pg_description_columns, descriptions},
    {"pg_catalog", "pg_tables", 'v', pg_tables_columns, tables},
    {"pg_catalog", "pg_views", 'v', pg_views_columns, views},
    {"information_schema", "schemata", 'v', information_schemata_columns, schemata},
    {"information_schema", "tables", 'v', information_tables_columns, information_tables},
    {"information_schema", "columns", 'v', information_columns_columns, information_columns},
    {"pg_catalog", "pg_am", 'r', pg_am_columns, nothing},
    {"pg_catalog", "pg_attrdef", 'r', pg_attrdef_columns, nothing},
    {"pg_catalog", "pg_auth_members", 'r', pg_auth_members_columns, nothing},
    {"pg_catalog", "pg_collation", 'r', pg_collation_columns, nothing},
    {"pg_catalog", "pg_constraint", 'r', pg_constraint_columns, nothing},
    {"pg_catalog", "pg_db_role_setting", 'r', pg_db_role_setting_columns, nothing},
    {"pg_catalog", "pg_default_acl", 'r', pg_default_acl_columns, nothing},
    {"pg_catalog", "pg_depend", 'r', pg_depend_columns, nothing},
    {"pg_catalog", "pg_enum", 'r', pg_enum_columns, nothing},
    {"pg_catalog", "pg_event_trigger", 'r', pg_event_trigger_columns, nothing},
    {"pg_catalog", "pg_extension", 'r', pg_extension_columns, nothing},
    {"pg_catalog", "pg_foreign_data_wrapper", 'r', pg_foreign_data_wrapper_columns, nothing},
    {"pg_catalog", "pg_foreign_server", 'r', pg_foreign_server_columns, nothing},
    {"pg_catalog", "pg_foreign_table", 'r', pg_foreign_table_columns, nothing},
    {"pg_catalog", "pg_index", 'r', pg_index_columns, nothing},
    {"pg_catalog", "pg_inherits", 'r', pg_inherits_columns, nothing},
    {"pg_catalog", "pg_language", 'r', pg_language_columns, nothing},
    {"pg_catalog", "pg_matviews", 'v', pg_matviews_columns, nothing},
    {"pg_catalog", "pg_partitioned_table", 'r', pg_partitioned_table_columns, nothing},
    {"pg_catalog", "pg_policy", 'r', pg_policy_columns, nothing},
    {"pg_catalog", "pg_prepared_statements", 'v', pg_prepared_statements_columns, nothing},
    {"pg_catalog", "pg_proc", 'r', pg_proc_columns, nothing},
    {"pg_catalog", "pg_publication", 'r', pg_publication_columns, nothing},
    {"pg_catalog", "pg_publication_namespace", 'r', pg_publication_namespace_columns, nothing},
    {"pg_catalog", "pg_publication_rel", 'r', pg_publication_rel_columns, nothing},
    {"pg_catalog", "pg_range", 'r', pg_range_columns, nothing},
    {"pg_catalog", "pg_rewrite", 'r', pg_rewrite_columns, nothing},
    {"pg_catalog", "pg_sequence", 'r', pg_sequence_columns, nothing},
    {"pg_catalog", "pg_shdescription", 'r', pg_shdescription_columns, nothing},
    {"pg_catalog", "pg_statistic_ext", 'r', pg_statistic_ext_columns, nothing},
    {"pg_catalog", "pg_subscription", 'r', pg_subscription_columns, nothing},
    {"pg_catalog", "pg_tablespace", 'r', pg_tablespace_columns, nothing},
    {"pg_catalog", "pg_trigger", 'r', pg_trigger_columns, nothing},
};
// clang-format on

} // namespace

std::span<const Relation> system_relations() noexcept {
    return relations;
}

std::uint32_t oid_of_schema(std::string_view schema) noexcept {
    const auto* const found = std::ranges::find(schemas, schema, &Schema::name);
    return found == schemas.end() ? 0 : found->oid;
}

std::string name_of_role(std::uint32_t oid, const Scope& scope) {
    if (oid == owner_oid) return std::string(owner_name);
    for (const Role& role : all_roles(scope))
        if (role.oid == oid) return role.name;
    return "unknown (OID=" + std::to_string(oid) + ')';
}

} // namespace pgmoat::admin::sql

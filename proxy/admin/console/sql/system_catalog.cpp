#include "proxy/admin/console/sql/system_catalog.h"

#include "proxy/admin/console/console_login.h"
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

// clang-format off: one line a table.
constexpr Column pg_namespace_columns[] = {{"oid", Type::oid},
                                           {"nspname", Type::name},
                                           {"nspowner", Type::oid},
                                           {"nspacl", Type::text_array}};
constexpr Column pg_class_columns[] = {{"oid", Type::oid},
                                       {"relname", Type::name},
                                       {"relnamespace", Type::oid},
                                       {"reltype", Type::oid},
                                       {"reloftype", Type::oid},
                                       {"relowner", Type::oid},
                                       {"relam", Type::oid},
                                       {"relfilenode", Type::oid},
                                       {"reltablespace", Type::oid},
                                       {"relpages", Type::int4},
                                       {"reltuples", Type::float8},
                                       {"relallvisible", Type::int4},
                                       {"reltoastrelid", Type::oid},
                                       {"relhasindex", Type::boolean},
                                       {"relisshared", Type::boolean},
                                       {"relpersistence", Type::character},
                                       {"relkind", Type::character},
                                       {"relnatts", Type::int2},
                                       {"relchecks", Type::int2},
                                       {"relhasrules", Type::boolean},
                                       {"relhastriggers", Type::boolean},
                                       {"relhassubclass", Type::boolean},
                                       {"relrowsecurity", Type::boolean},
                                       {"relforcerowsecurity", Type::boolean},
                                       {"relispopulated", Type::boolean},
                                       {"relreplident", Type::character},
                                       {"relispartition", Type::boolean},
                                       {"relrewrite", Type::oid},
                                       {"relfrozenxid", Type::text},
                                       {"relminmxid", Type::text},
                                       {"relacl", Type::text_array},
                                       {"reloptions", Type::text_array},
                                       {"relpartbound", Type::text}};
constexpr Column pg_attribute_columns[] = {{"attrelid", Type::oid},
                                           {"attname", Type::name},
                                           {"atttypid", Type::oid},
                                           {"attlen", Type::int2},
                                           {"attnum", Type::int2},
                                           {"attcacheoff", Type::int4},
                                           {"atttypmod", Type::int4},
                                           {"attndims", Type::int2},
                                           {"attbyval", Type::boolean},
                                           {"attalign", Type::character},
                                           {"attstorage", Type::character},
                                           {"attcompression", Type::character},
                                           {"attnotnull", Type::boolean},
                                           {"atthasdef", Type::boolean},
                                           {"atthasmissing", Type::boolean},
                                           {"attidentity", Type::character},
                                           {"attgenerated", Type::character},
                                           {"attisdropped", Type::boolean},
                                           {"attislocal", Type::boolean},
                                           {"attinhcount", Type::int2},
                                           {"attstattarget", Type::int2},
                                           {"attcollation", Type::oid},
                                           {"attacl", Type::text_array},
                                           {"attoptions", Type::text_array},
                                           {"attfdwoptions", Type::text_array}};
constexpr Column pg_type_columns[] = {{"oid", Type::oid},
                                      {"typname", Type::name},
                                      {"typnamespace", Type::oid},
                                      {"typowner", Type::oid},
                                      {"typlen", Type::int2},
                                      {"typbyval", Type::boolean},
                                      {"typtype", Type::character},
                                      {"typcategory", Type::character},
                                      {"typispreferred", Type::boolean},
                                      {"typisdefined", Type::boolean},
                                      {"typdelim", Type::character},
                                      {"typrelid", Type::oid},
                                      {"typelem", Type::oid},
                                      {"typarray", Type::oid},
                                      {"typinput", Type::oid},
                                      {"typoutput", Type::oid},
                                      {"typnotnull", Type::boolean},
                                      {"typbasetype", Type::oid},
                                      {"typtypmod", Type::int4},
                                      {"typndims", Type::int4},
                                      {"typcollation", Type::oid},
                                      {"typdefault", Type::text},
                                      {"typacl", Type::text_array}};
constexpr Column pg_database_columns[] = {{"oid", Type::oid},
                                          {"datname", Type::name},
                                          {"datdba", Type::oid},
                                          {"encoding", Type::int4},
                                          {"datlocprovider", Type::character},
                                          {"datistemplate", Type::boolean},
                                          {"datallowconn", Type::boolean},
                                          {"dathasloginevt", Type::boolean},
                                          {"datconnlimit", Type::int4},
                                          {"dattablespace", Type::oid},
                                          {"datcollate", Type::text},
                                          {"datctype", Type::text},
                                          {"datlocale", Type::text},
                                          {"daticulocale", Type::text},
                                          {"daticurules", Type::text},
                                          {"datcollversion", Type::text},
                                          {"datacl", Type::text_array}};
constexpr Column pg_roles_columns[] = {{"oid", Type::oid},
                                       {"rolname", Type::name},
                                       {"rolsuper", Type::boolean},
                                       {"rolinherit", Type::boolean},
                                       {"rolcreaterole", Type::boolean},
                                       {"rolcreatedb", Type::boolean},
                                       {"rolcanlogin", Type::boolean},
                                       {"rolreplication", Type::boolean},
                                       {"rolconnlimit", Type::int4},
                                       {"rolpassword", Type::text},
                                       {"rolvaliduntil", Type::timestamptz},
                                       {"rolbypassrls", Type::boolean},
                                       {"rolconfig", Type::text_array}};
constexpr Column pg_user_columns[] = {{"usename", Type::name},
                                      {"usesysid", Type::oid},
                                      {"usecreatedb", Type::boolean},
                                      {"usesuper", Type::boolean},
                                      {"userepl", Type::boolean},
                                      {"usebypassrls", Type::boolean},
                                      {"passwd", Type::text},
                                      {"valuntil", Type::timestamptz},
                                      {"useconfig", Type::text_array}};
constexpr Column pg_description_columns[] = {{"objoid", Type::oid},
                                             {"classoid", Type::oid},
                                             {"objsubid", Type::int4},
                                             {"description", Type::text}};
constexpr Column pg_tables_columns[] = {{"schemaname", Type::name},
                                        {"tablename", Type::name},
                                        {"tableowner", Type::name},
                                        {"tablespace", Type::name},
                                        {"hasindexes", Type::boolean},
                                        {"hasrules", Type::boolean},
                                        {"hastriggers", Type::boolean},
                                        {"rowsecurity", Type::boolean}};
constexpr Column pg_views_columns[] = {{"schemaname", Type::name},
                                       {"viewname", Type::name},
                                       {"viewowner", Type::name},
                                       {"definition", Type::text}};
constexpr Column information_schemata_columns[] = {
    {"catalog_name", Type::name}, {"schema_name", Type::name}, {"schema_owner", Type::name}};
constexpr Column information_tables_columns[] = {{"table_catalog", Type::name},
                                                 {"table_schema", Type::name},
                                                 {"table_name", Type::name},
                                                 {"table_type", Type::text}};
constexpr Column information_columns_columns[] = {{"table_catalog", Type::name},
                                                  {"table_schema", Type::name},
                                                  {"table_name", Type::name},
                                                  {"column_name", Type::name},
                                                  {"ordinal_position", Type::int4},
                                                  {"column_default", Type::text},
                                                  {"is_nullable", Type::text},
                                                  {"data_type", Type::text}};
constexpr Column pg_am_columns[] = {{"oid", Type::oid},
                                    {"amname", Type::name},
                                    {"amhandler", Type::oid},
                                    {"amtype", Type::character}};
constexpr Column pg_attrdef_columns[] = {
    {"oid", Type::oid}, {"adrelid", Type::oid}, {"adnum", Type::int2}, {"adbin", Type::text}};
constexpr Column pg_auth_members_columns[] = {{"oid", Type::oid},
                                              {"roleid", Type::oid},
                                              {"member", Type::oid},
                                              {"grantor", Type::oid},
                                              {"admin_option", Type::boolean},
                                              {"inherit_option", Type::boolean},
                                              {"set_option", Type::boolean}};
constexpr Column pg_collation_columns[] = {{"oid", Type::oid},
                                           {"collname", Type::name},
                                           {"collnamespace", Type::oid},
                                           {"collowner", Type::oid},
                                           {"collprovider", Type::character},
                                           {"collisdeterministic", Type::boolean},
                                           {"collencoding", Type::int4},
                                           {"collcollate", Type::text},
                                           {"collctype", Type::text}};
constexpr Column pg_constraint_columns[] = {{"oid", Type::oid},
                                            {"conname", Type::name},
                                            {"connamespace", Type::oid},
                                            {"contype", Type::character},
                                            {"condeferrable", Type::boolean},
                                            {"condeferred", Type::boolean},
                                            {"convalidated", Type::boolean},
                                            {"conrelid", Type::oid},
                                            {"contypid", Type::oid},
                                            {"conindid", Type::oid},
                                            {"conparentid", Type::oid},
                                            {"confrelid", Type::oid},
                                            {"confupdtype", Type::character},
                                            {"confdeltype", Type::character},
                                            {"confmatchtype", Type::character},
                                            {"conislocal", Type::boolean},
                                            {"coninhcount", Type::int2},
                                            {"connoinherit", Type::boolean},
                                            {"conperiod", Type::boolean},
                                            {"conkey", Type::text_array},
                                            {"confkey", Type::text_array},
                                            {"conbin", Type::text}};
constexpr Column pg_db_role_setting_columns[] = {
    {"setdatabase", Type::oid}, {"setrole", Type::oid}, {"setconfig", Type::text_array}};
constexpr Column pg_default_acl_columns[] = {{"oid", Type::oid},
                                             {"defaclrole", Type::oid},
                                             {"defaclnamespace", Type::oid},
                                             {"defaclobjtype", Type::character},
                                             {"defaclacl", Type::text_array}};
constexpr Column pg_depend_columns[] = {{"classid", Type::oid},
                                        {"objid", Type::oid},
                                        {"objsubid", Type::int4},
                                        {"refclassid", Type::oid},
                                        {"refobjid", Type::oid},
                                        {"refobjsubid", Type::int4},
                                        {"deptype", Type::character}};
constexpr Column pg_enum_columns[] = {{"oid", Type::oid},
                                      {"enumtypid", Type::oid},
                                      {"enumsortorder", Type::float8},
                                      {"enumlabel", Type::name}};
constexpr Column pg_event_trigger_columns[] = {{"oid", Type::oid},
                                               {"evtname", Type::name},
                                               {"evtevent", Type::name},
                                               {"evtowner", Type::oid},
                                               {"evtfoid", Type::oid},
                                               {"evtenabled", Type::character},
                                               {"evttags", Type::text_array}};
constexpr Column pg_extension_columns[] = {{"oid", Type::oid},
                                           {"extname", Type::name},
                                           {"extowner", Type::oid},
                                           {"extnamespace", Type::oid},
                                           {"extrelocatable", Type::boolean},
                                           {"extversion", Type::text}};
constexpr Column pg_foreign_data_wrapper_columns[] = {{"oid", Type::oid},
                                                      {"fdwname", Type::name},
                                                      {"fdwowner", Type::oid},
                                                      {"fdwhandler", Type::oid},
                                                      {"fdwvalidator", Type::oid},
                                                      {"fdwacl", Type::text_array},
                                                      {"fdwoptions", Type::text_array}};
constexpr Column pg_foreign_server_columns[] = {{"oid", Type::oid},
                                                {"srvname", Type::name},
                                                {"srvowner", Type::oid},
                                                {"srvfdw", Type::oid},
                                                {"srvtype", Type::text},
                                                {"srvversion", Type::text},
                                                {"srvacl", Type::text_array},
                                                {"srvoptions", Type::text_array}};
constexpr Column pg_foreign_table_columns[] = {
    {"ftrelid", Type::oid}, {"ftserver", Type::oid}, {"ftoptions", Type::text_array}};
constexpr Column pg_index_columns[] = {{"indexrelid", Type::oid},
                                       {"indrelid", Type::oid},
                                       {"indnatts", Type::int2},
                                       {"indnkeyatts", Type::int2},
                                       {"indisunique", Type::boolean},
                                       {"indnullsnotdistinct", Type::boolean},
                                       {"indisprimary", Type::boolean},
                                       {"indisexclusion", Type::boolean},
                                       {"indimmediate", Type::boolean},
                                       {"indisclustered", Type::boolean},
                                       {"indisvalid", Type::boolean},
                                       {"indcheckxmin", Type::boolean},
                                       {"indisready", Type::boolean},
                                       {"indislive", Type::boolean},
                                       {"indisreplident", Type::boolean},
                                       {"indkey", Type::text_array},
                                       {"indcollation", Type::text_array},
                                       {"indclass", Type::text_array},
                                       {"indoption", Type::text_array},
                                       {"indexprs", Type::text},
                                       {"indpred", Type::text}};
constexpr Column pg_inherits_columns[] = {{"inhrelid", Type::oid},
                                          {"inhparent", Type::oid},
                                          {"inhseqno", Type::int4},
                                          {"inhdetachpending", Type::boolean}};
constexpr Column pg_language_columns[] = {{"oid", Type::oid},
                                          {"lanname", Type::name},
                                          {"lanowner", Type::oid},
                                          {"lanispl", Type::boolean},
                                          {"lanpltrusted", Type::boolean}};
constexpr Column pg_matviews_columns[] = {{"schemaname", Type::name},
                                          {"matviewname", Type::name},
                                          {"matviewowner", Type::name},
                                          {"definition", Type::text}};
constexpr Column pg_partitioned_table_columns[] = {{"partrelid", Type::oid},
                                                   {"partstrat", Type::character},
                                                   {"partnatts", Type::int2},
                                                   {"partdefid", Type::oid},
                                                   {"partattrs", Type::text_array},
                                                   {"partexprs", Type::text}};
constexpr Column pg_policy_columns[] = {{"oid", Type::oid},
                                        {"polname", Type::name},
                                        {"polrelid", Type::oid},
                                        {"polcmd", Type::character},
                                        {"polpermissive", Type::boolean},
                                        {"polroles", Type::text_array},
                                        {"polqual", Type::text},
                                        {"polwithcheck", Type::text}};
constexpr Column pg_prepared_statements_columns[] = {{"name", Type::text},
                                                     {"statement", Type::text},
                                                     {"prepare_time", Type::timestamptz},
                                                     {"from_sql", Type::boolean}};
constexpr Column pg_proc_columns[] = {{"oid", Type::oid},
                                      {"proname", Type::name},
                                      {"pronamespace", Type::oid},
                                      {"proowner", Type::oid},
                                      {"prolang", Type::oid},
                                      {"provariadic", Type::oid},
                                      {"prokind", Type::character},
                                      {"proretset", Type::boolean},
                                      {"pronargs", Type::int2},
                                      {"pronargdefaults", Type::int2},
                                      {"prorettype", Type::oid},
                                      {"proargtypes", Type::text_array},
                                      {"proallargtypes", Type::text_array},
                                      {"proargmodes", Type::text_array},
                                      {"proargnames", Type::text_array},
                                      {"proargdefaults", Type::text},
                                      {"prosrc", Type::text},
                                      {"prosecdef", Type::boolean},
                                      {"provolatile", Type::character},
                                      {"proparallel", Type::character},
                                      {"proacl", Type::text_array}};
constexpr Column pg_publication_columns[] = {{"oid", Type::oid},
                                             {"pubname", Type::name},
                                             {"pubowner", Type::oid},
                                             {"puballtables", Type::boolean},
                                             {"pubinsert", Type::boolean},
                                             {"pubupdate", Type::boolean},
                                             {"pubdelete", Type::boolean},
                                             {"pubtruncate", Type::boolean},
                                             {"pubviaroot", Type::boolean},
                                             {"pubgencols", Type::character}};
constexpr Column pg_publication_namespace_columns[] = {
    {"oid", Type::oid}, {"pnpubid", Type::oid}, {"pnnspid", Type::oid}};
constexpr Column pg_publication_rel_columns[] = {{"oid", Type::oid},
                                                 {"prpubid", Type::oid},
                                                 {"prrelid", Type::oid},
                                                 {"prqual", Type::text},
                                                 {"prattrs", Type::text_array}};
constexpr Column pg_range_columns[] = {{"rngtypid", Type::oid},
                                       {"rngsubtype", Type::oid},
                                       {"rngmultitypid", Type::oid},
                                       {"rngcollation", Type::oid},
                                       {"rngsubopc", Type::oid},
                                       {"rngcanonical", Type::oid},
                                       {"rngsubdiff", Type::oid}};
constexpr Column pg_rewrite_columns[] = {{"oid", Type::oid},
                                         {"rulename", Type::name},
                                         {"ev_class", Type::oid},
                                         {"ev_type", Type::character},
                                         {"ev_enabled", Type::character},
                                         {"is_instead", Type::boolean}};
constexpr Column pg_sequence_columns[] = {{"seqrelid", Type::oid},
                                          {"seqtypid", Type::oid},
                                          {"seqstart", Type::int8},
                                          {"seqincrement", Type::int8},
                                          {"seqmax", Type::int8},
                                          {"seqmin", Type::int8},
                                          {"seqcache", Type::int8},
                                          {"seqcycle", Type::boolean}};
constexpr Column pg_shdescription_columns[] = {
    {"objoid", Type::oid}, {"classoid", Type::oid}, {"description", Type::text}};
constexpr Column pg_statistic_ext_columns[] = {{"oid", Type::oid},
                                               {"stxrelid", Type::oid},
                                               {"stxname", Type::name},
                                               {"stxnamespace", Type::oid},
                                               {"stxowner", Type::oid},
                                               {"stxstattarget", Type::int2},
                                               {"stxkeys", Type::text_array},
                                               {"stxkind", Type::text_array}};
constexpr Column pg_subscription_columns[] = {{"oid", Type::oid},
                                              {"subdbid", Type::oid},
                                              {"subname", Type::name},
                                              {"subowner", Type::oid},
                                              {"subenabled", Type::boolean}};
constexpr Column pg_tablespace_columns[] = {{"oid", Type::oid},
                                            {"spcname", Type::name},
                                            {"spcowner", Type::oid},
                                            {"spcacl", Type::text_array},
                                            {"spcoptions", Type::text_array}};
constexpr Column pg_trigger_columns[] = {{"oid", Type::oid},
                                         {"tgrelid", Type::oid},
                                         {"tgparentid", Type::oid},
                                         {"tgname", Type::name},
                                         {"tgfoid", Type::oid},
                                         {"tgtype", Type::int2},
                                         {"tgenabled", Type::character},
                                         {"tgisinternal", Type::boolean},
                                         {"tgconstraint", Type::oid}};
// clang-format on

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

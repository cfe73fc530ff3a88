#include "proxy/admin/console/sql/function_table.h"

#include <algorithm>
#include <array>

namespace pgmoat::admin::sql {

namespace {

using enum Type;
using enum FunctionRow::Kind;
constexpr int any = 64;
constexpr Type first = unknown;

// `null` and `yes` are for what a console with a catalog of its own has nothing to say about.
constexpr std::array table{
    FunctionRow{"count", "count", int8, 0, 1, aggregate},
    FunctionRow{"sum", "sum", numeric, 1, 1, aggregate},
    FunctionRow{"avg", "avg", numeric, 1, 1, aggregate},
    FunctionRow{"min", "min", first, 1, 1, aggregate},
    FunctionRow{"max", "max", first, 1, 1, aggregate},
    FunctionRow{"bool_and", "min", boolean, 1, 1, aggregate},
    FunctionRow{"every", "min", boolean, 1, 1, aggregate},
    FunctionRow{"bool_or", "max", boolean, 1, 1, aggregate},
    FunctionRow{"array_agg", "array_agg", text_array, 1, 1, aggregate},
    FunctionRow{"string_agg", "group_concat", text, 2, 2, aggregate},
    FunctionRow{"row_number", "row_number", int8, 0, 0, window},
    FunctionRow{"rank", "rank", int8, 0, 0, window},
    FunctionRow{"dense_rank", "dense_rank", int8, 0, 0, window},
    FunctionRow{"lag", "lag", first, 1, 3, window},
    FunctionRow{"lead", "lead", first, 1, 3, window},

    FunctionRow{"lower", "lower", text, 1, 1},
    FunctionRow{"upper", "upper", text, 1, 1},
    FunctionRow{"length", "length", int4, 1, 1},
    FunctionRow{"char_length", "length", int4, 1, 1},
    FunctionRow{"abs", "abs", first, 1, 1},
    FunctionRow{"round", "round", numeric, 1, 2},
    FunctionRow{"coalesce", "coalesce", first, 2, any},
    FunctionRow{"nullif", "nullif", first, 2, 2},
    FunctionRow{"greatest", "greatest", first, 1, any},
    FunctionRow{"least", "least", first, 1, any},
    FunctionRow{"replace", "replace", text, 3, 3},
    FunctionRow{"repeat", "repeat", text, 2, 2},
    FunctionRow{"substr", "substr", text, 2, 3},
    FunctionRow{"substring", "substr", text, 2, 3},
    FunctionRow{"strpos", "instr", int4, 2, 2},
    FunctionRow{"btrim", "trim", text, 1, 2},
    FunctionRow{"ltrim", "ltrim", text, 1, 2},
    FunctionRow{"rtrim", "rtrim", text, 1, 2},
    FunctionRow{"left", "left_of", text, 2, 2},
    FunctionRow{"right", "right_of", text, 2, 2},
    FunctionRow{"concat", "concat_all", text, 1, any},
    FunctionRow{"concat_ws", "concat_ws", text, 2, any},
    FunctionRow{"split_part", "split_part", text, 3, 3},
    FunctionRow{"starts_with", "starts_with", boolean, 2, 2},
    FunctionRow{"quote_ident", "quote_ident", text, 1, 1},
    FunctionRow{"quote_literal", "quote", text, 1, 1},
    FunctionRow{"pg_size_pretty", "pg_size_pretty", text, 1, 1},

    FunctionRow{"now", "now", timestamptz, 0, 0},
    FunctionRow{"current_timestamp", "now", timestamptz, 0, 0},
    FunctionRow{"transaction_timestamp", "now", timestamptz, 0, 0},
    FunctionRow{"statement_timestamp", "now", timestamptz, 0, 0},
    FunctionRow{"clock_timestamp", "now", timestamptz, 0, 0},
    FunctionRow{"date_trunc", "date_trunc", timestamptz, 2, 2},
    FunctionRow{"to_timestamp", "to_timestamp", timestamptz, 1, 1},

    FunctionRow{"array_to_string", "array_to_string", text, 2, 3},
    FunctionRow{"array_length", "array_length", int4, 2, 2},
    FunctionRow{"array_upper", "array_length", int4, 2, 2},
    FunctionRow{"cardinality", "cardinality", int4, 1, 1},
    FunctionRow{"unnest", "set_returning", text, 1, 1},
    FunctionRow{"generate_subscripts", "set_returning", int4, 2, 3},
    FunctionRow{"generate_series", "set_returning", int4, 2, 3},

    FunctionRow{"version", "version", text, 0, 0},
    FunctionRow{"current_database", "current_database", name, 0, 0},
    FunctionRow{"current_catalog", "current_database", name, 0, 0},
    FunctionRow{"current_schema", "current_schema", name, 0, 0},
    FunctionRow{"current_schemas", "current_schemas", text_array, 1, 1},
    FunctionRow{"current_user", "session_user", name, 0, 0},
    FunctionRow{"current_role", "session_user", name, 0, 0},
    FunctionRow{"session_user", "session_user", name, 0, 0},
    FunctionRow{"user", "session_user", name, 0, 0},
    FunctionRow{"current_setting", "current_setting", text, 1, 2},
    FunctionRow{"set_config", "set_config", text, 3, 3},
    FunctionRow{"pg_backend_pid", "pg_backend_pid", int4, 0, 0},
    FunctionRow{"pg_is_in_recovery", "no", boolean, 0, 0},
    FunctionRow{"pg_postmaster_start_time", "pg_postmaster_start_time", timestamptz, 0, 0},
    FunctionRow{"pg_reload_conf", "pg_reload_conf", boolean, 0, 0},
    FunctionRow{"pg_terminate_backend", "pg_terminate_backend", boolean, 1, 2},
    FunctionRow{"pg_advisory_unlock_all", "nothing", void_type, 0, 0},
    FunctionRow{"inet_server_addr", "nothing", text, 0, 0},
    FunctionRow{"inet_server_port", "nothing", int4, 0, 0},
    FunctionRow{"inet_client_addr", "nothing", text, 0, 0},

    FunctionRow{"format_type", "format_type", text, 2, 2},
    FunctionRow{"to_regclass", "to_regclass", oid, 1, 1},
    FunctionRow{"to_regtype", "to_regtype", oid, 1, 1},
    FunctionRow{"pg_get_userbyid", "pg_get_userbyid", name, 1, 1},
    FunctionRow{"pg_encoding_to_char", "pg_encoding_to_char", name, 1, 1},
    FunctionRow{"pg_table_is_visible", "pg_table_is_visible", boolean, 1, 1},
    FunctionRow{"pg_type_is_visible", "yes", boolean, 1, 1},
    FunctionRow{"pg_function_is_visible", "yes", boolean, 1, 1},
    FunctionRow{"pg_relation_is_publishable", "no", boolean, 1, 1},
    FunctionRow{"has_database_privilege", "yes", boolean, 2, 3},
    FunctionRow{"has_schema_privilege", "yes", boolean, 2, 3},
    FunctionRow{"has_table_privilege", "yes", boolean, 2, 3},
    FunctionRow{"has_any_column_privilege", "yes", boolean, 2, 3},
    FunctionRow{"has_column_privilege", "yes", boolean, 3, 4},
    FunctionRow{"has_function_privilege", "yes", boolean, 2, 3},
    FunctionRow{"pg_has_role", "yes", boolean, 2, 3},
    FunctionRow{"obj_description", "obj_description", text, 1, 2},
    FunctionRow{"col_description", "nothing", text, 2, 2},
    FunctionRow{"shobj_description", "nothing", text, 2, 2},
    FunctionRow{"pg_get_expr", "nothing", text, 2, 3},
    FunctionRow{"pg_get_viewdef", "nothing", text, 1, 2},
    FunctionRow{"pg_get_ruledef", "nothing", text, 1, 2},
    FunctionRow{"pg_get_indexdef", "nothing", text, 1, 3},
    FunctionRow{"pg_get_constraintdef", "nothing", text, 1, 2},
    FunctionRow{"pg_get_triggerdef", "nothing", text, 1, 2},
    FunctionRow{"pg_get_partkeydef", "nothing", text, 1, 1},
    FunctionRow{"pg_get_serial_sequence", "nothing", text, 2, 2},
    FunctionRow{"pg_get_statisticsobjdef_columns", "nothing", text, 1, 1},
    FunctionRow{"pg_get_functiondef", "nothing", text, 1, 1},
    FunctionRow{"pg_get_function_result", "nothing", text, 1, 1},
    FunctionRow{"pg_get_function_arguments", "nothing", text, 1, 1},
    FunctionRow{"pg_get_function_identity_arguments", "nothing", text, 1, 1},
    FunctionRow{"pg_tablespace_location", "nothing", text, 1, 1},
    FunctionRow{"pg_table_size", "nothing", int8, 1, 1},
    FunctionRow{"pg_total_relation_size", "nothing", int8, 1, 1},
    FunctionRow{"pg_relation_size", "nothing", int8, 1, 2},
    FunctionRow{"pg_database_size", "nothing", int8, 1, 1},
    FunctionRow{"pg_listening_channels", "nothing", text, 0, 0},
    FunctionRow{"json_build_object", "json_object", text, 0, any},
};

} // namespace

const FunctionRow* find_function(std::string_view name) noexcept {
    const auto* const found = std::ranges::find(table, name, &FunctionRow::name);
    return found == table.end() ? nullptr : found;
}

} // namespace pgmoat::admin::sql

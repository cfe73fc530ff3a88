// add_functions_of_objects(): tables, types, schemas and roles, by name and by number.
#include "proxy/admin/console/sql/built_in.h"
#include "proxy/admin/console/sql/system_catalog.h"
#include "proxy/admin/console/text_values.h"
#include "proxy/config/text.h"

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

namespace pgmoat::admin::sql {

namespace {

using config::in_quotes;

// --- objects by name and by number -------------------------------------------------------------

struct QualifiedName {
    std::string schema;
    std::string name;
};

// "public"."Some", pg_class.
QualifiedName qualified(const std::string& text) {
    QualifiedName result;
    std::string part;
    bool quoted = false;
    for (const char c : text) {
        if (c == '"') {
            quoted = !quoted;
        } else if (c == '.' && !quoted) {
            result.schema = std::exchange(part, {});
        } else {
            part += quoted ? c : config::lower_case(std::string_view(&c, 1))[0];
        }
    }
    result.name = std::move(part);
    return result;
}

// Nothing: there is none.
std::optional<std::int64_t> number_in(const std::string& text) {
    if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos)
        return std::nullopt;
    return std::strtoll(text.c_str(), nullptr, 10);
}

std::optional<std::int64_t> class_number(const std::string& text) {
    if (const auto number = number_in(text)) return number;
    const QualifiedName name = qualified(text);
    const Relation* const relation = find_relation(name.schema, name.name);
    return relation ? std::optional<std::int64_t>(oid_of(*relation)) : std::nullopt;
}

std::optional<std::int64_t> type_number(const std::string& text) {
    if (const auto number = number_in(text)) return number;
    const bool array = text.ends_with("[]");
    const Type type = type_of_name(qualified(array ? text.substr(0, text.size() - 2) : text).name);
    if (type == Type::unknown) return std::nullopt;
    if (!array) return row_of(type).oid;
    return type == Type::text ? row_of(Type::text_array).oid : row_of(type).array_oid;
}

std::optional<std::int64_t> schema_number(const std::string& text) {
    if (const auto number = number_in(text)) return number;
    const std::uint32_t oid = oid_of_schema(qualified(text).name);
    return oid == 0 ? std::nullopt : std::optional<std::int64_t>(oid);
}

using FindNumber = std::optional<std::int64_t> (*)(const std::string&);

template <FindNumber find>
void to_number_or_null(Call& call) {
    if (call.is_null(0)) return call.give();
    const auto number = find(call.text(0));
    if (number)
        call.give(*number);
    else
        call.give();
}

// A cast: what does not exist is an error.
template <FindNumber find, const auto& sqlstate, const auto& what>
void to_number(Call& call) {
    if (call.is_null(0)) return call.give();
    if (call.is_integer(0)) return call.give_argument(0);
    const auto number = find(call.text(0));
    if (number) return call.give(*number);
    call.fail({sqlstate, std::string(what) + ' ' + in_quotes(call.text(0)) + " does not exist"});
}
constexpr std::string_view undefined_table = "42P01";
constexpr std::string_view undefined_object = "42704";
constexpr std::string_view undefined_schema = "3F000";
constexpr std::string_view undefined_function = "42883";
constexpr std::string_view word_relation = "relation";
constexpr std::string_view word_type = "type";
constexpr std::string_view word_schema = "schema";
constexpr std::string_view word_function = "function";
constexpr std::string_view word_role = "role";

std::optional<std::int64_t> only_number(const std::string& text) {
    return number_in(text);
}

std::string type_display(std::int64_t oid) {
    if (oid == 0) return "-";
    for (const TypeRow& type : all_types()) {
        if (type.oid == oid) return std::string(type.display);
        if (type.array_oid == oid && oid != 0) return std::string(type.display) + "[]";
    }
    return "???";
}

void format_type(Call& call) {
    if (call.is_null(0)) return call.give();
    call.give(type_display(call.integer(0)));
}

void class_as_text(Call& call) {
    if (call.is_null(0)) return call.give();
    for (const Relation& relation : all_relations()) {
        if (oid_of(relation) != call.integer(0)) continue;
        const bool visible = relation.schema != "information_schema";
        return call.give(visible ? std::string(relation.name) : table_name(relation));
    }
    call.give(call.integer(0) == 0 ? std::string("-") : std::to_string(call.integer(0)));
}

void schema_as_text(Call& call) {
    if (call.is_null(0)) return call.give();
    for (const std::string_view schema : {"pg_catalog", "public", "information_schema"})
        if (oid_of_schema(schema) == call.integer(0)) return call.give(std::string(schema));
    call.give(std::to_string(call.integer(0)));
}

void number_as_text(Call& call) {
    if (call.is_null(0)) return call.give();
    call.give(std::to_string(call.integer(0)));
}

void user_by_id(Call& call) {
    if (call.is_null(0)) return call.give();
    call.give(name_of_role(static_cast<std::uint32_t>(call.integer(0)), call.scope()));
}

void encoding_name(Call& call) {
    constexpr int utf8 = 6;
    call.give(std::string(!call.is_null(0) && call.integer(0) == utf8 ? "UTF8" : ""));
}

void table_is_visible(Call& call) {
    if (call.is_null(0)) return call.give();
    for (const Relation& relation : all_relations())
        if (oid_of(relation) == call.integer(0))
            return call.give_truth(relation.schema != "information_schema");
    call.give();
}

void object_description(Call& call) {
    if (call.is_null(0)) return call.give();
    for (const Relation& relation : all_relations())
        if (oid_of(relation) == call.integer(0) && !relation.description.empty())
            return call.give(std::string(relation.description));
    call.give();
}

constexpr BuiltIn object_functions[] = {
    {"to_regclass", to_number_or_null<class_number>, true},
    {"to_regtype", to_number_or_null<type_number>, true},
    {"cast_regclass", to_number<class_number, undefined_table, word_relation>, true},
    {"cast_regtype", to_number<type_number, undefined_object, word_type>, true},
    {"cast_regnamespace", to_number<schema_number, undefined_schema, word_schema>, true},
    {"cast_regproc", to_number<only_number, undefined_function, word_function>, true},
    {"cast_regrole", to_number<only_number, undefined_object, word_role>, true},
    {"regclass_text", class_as_text, true},
    {"regtype_text", format_type, true},
    {"regnamespace_text", schema_as_text, true},
    {"regproc_text", number_as_text, true},
    {"regrole_text", user_by_id},
    {"format_type", format_type, true},
    {"pg_get_userbyid", user_by_id},
    {"pg_encoding_to_char", encoding_name, true},
    {"pg_table_is_visible", table_is_visible, true},
    {"obj_description", object_description, true},
};

} // namespace

bool add_functions_of_objects(sqlite3* database, Running*& running) {
    return add_functions<object_functions>(database, running);
}

} // namespace pgmoat::admin::sql

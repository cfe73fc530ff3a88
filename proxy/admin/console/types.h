// The types of the console's columns: PostgreSQL's numbers, names and sizes, and its two wire
// formats. Values are stored in PostgreSQL's text format, and converted to binary if a driver
// requests that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pgmoat::admin {

enum class Type : std::uint8_t {
    unknown, // of a literal or parameter until its context decides
    boolean,
    int2,
    int4,
    int8,
    float8,
    numeric,
    text,
    name,
    character, // "char"
    oid,
    timestamptz,
    interval,
    text_array,
    void_type,
};

struct TypeRow {
    Type type;
    std::string_view name;     // pg_type.typname
    std::string_view display;  // format_type()'s
    std::uint32_t oid;         // pg_type.oid
    std::int16_t size;         // pg_type.typlen
    std::uint32_t array_oid;   // pg_type.typarray
    char category;             // pg_type.typcategory
    std::string_view declared; // to SQLite: the type's affinity follows from it, and it is unique
};

[[nodiscard]] std::span<const TypeRow> all_types() noexcept;
[[nodiscard]] const TypeRow& row_of(Type type) noexcept;
// What a driver or a cast calls it: text, varchar, int, bigint, regclass, ...; unknown: no such type.
[[nodiscard]] Type type_of_name(std::string_view name) noexcept;
[[nodiscard]] Type type_of_oid(std::uint32_t oid) noexcept;
[[nodiscard]] Type type_of_declared(std::string_view declared) noexcept;

[[nodiscard]] constexpr bool is_integer(Type type) noexcept {
    return type == Type::int2 || type == Type::int4 || type == Type::int8 || type == Type::oid;
}
[[nodiscard]] constexpr bool is_number(Type type) noexcept {
    return is_integer(type) || type == Type::float8 || type == Type::numeric;
}

// Converts a text value to PostgreSQL's binary format, and back. Nothing: not a value of that type.
[[nodiscard]] std::string to_binary(Type type, const std::string& text);
[[nodiscard]] std::optional<std::string> from_binary(Type type, std::string_view bytes);

} // namespace pgmoat::admin

#include "proxy/admin/console/types.h"

#include "proxy/admin/console/text_values.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <vector>

namespace pgmoat::admin {

namespace {

constexpr std::array types{
    TypeRow{Type::unknown, "unknown", "unknown", 705, -2, 0, 'X', ""},
    TypeRow{Type::boolean, "bool", "boolean", 16, 1, 1000, 'B', "BOOL"},
    TypeRow{Type::int2, "int2", "smallint", 21, 2, 1005, 'N', "INT2"},
    TypeRow{Type::int4, "int4", "integer", 23, 4, 1007, 'N', "INT4"},
    TypeRow{Type::int8, "int8", "bigint", 20, 8, 1016, 'N', "INT8"},
    TypeRow{Type::float8, "float8", "double precision", 701, 8, 1022, 'N', "FLOAT8"},
    TypeRow{Type::numeric, "numeric", "numeric", 1700, -1, 1231, 'N', "NUMERIC TEXT"},
    TypeRow{Type::text, "text", "text", 25, -1, 1009, 'S', "TEXT"},
    TypeRow{Type::name, "name", "name", 19, 64, 1003, 'S', "NAME TEXT"},
    TypeRow{Type::character, "char", "\"char\"", 18, 1, 1002, 'Z', "CHAR TEXT"},
    TypeRow{Type::oid, "oid", "oid", 26, 4, 1028, 'N', "OID INT"},
    TypeRow{Type::timestamptz,
            "timestamptz",
            "timestamp with time zone",
            1184,
            8,
            1185,
            'D',
            "TIMESTAMPTZ TEXT"},
    TypeRow{Type::interval, "interval", "interval", 1186, 16, 1187, 'T', "INTERVAL REAL"},
    TypeRow{Type::text_array, "_text", "text[]", 1009, -1, 0, 'A', "ARRAY TEXT"},
    TypeRow{Type::void_type, "void", "void", 2278, 4, 0, 'P', "VOID"},
};

struct Alias {
    std::string_view name;
    Type type;
};
constexpr std::array aliases{
    Alias{"bool", Type::boolean},
    Alias{"int", Type::int4},
    Alias{"smallint", Type::int2},
    Alias{"integer", Type::int4},
    Alias{"bigint", Type::int8},
    Alias{"real", Type::float8},
    Alias{"float", Type::float8},
    Alias{"float4", Type::float8},
    Alias{"double", Type::float8},
    Alias{"decimal", Type::numeric},
    Alias{"varchar", Type::text},
    Alias{"bpchar", Type::text},
    Alias{"character", Type::text},
    Alias{"cstring", Type::text},
    Alias{"citext", Type::text},
    Alias{"unknown", Type::text},
    Alias{"json", Type::text},
    Alias{"inet", Type::text},
    Alias{"timestamp", Type::timestamptz},
    Alias{"date", Type::timestamptz},
    Alias{"name[]", Type::text_array},
    Alias{"text[]", Type::text_array},
};

// What drivers send parameters as, beside the types themselves.
struct OidAlias {
    std::uint32_t oid;
    Type type;
};
constexpr std::array oid_aliases{
    OidAlias{1043, Type::text},        // varchar
    OidAlias{1042, Type::text},        // bpchar
    OidAlias{869, Type::text},         // inet
    OidAlias{1114, Type::timestamptz}, // timestamp
    OidAlias{1003, Type::text_array},  // name[]
    OidAlias{1015, Type::text_array},  // varchar[]
    OidAlias{1002, Type::text_array},  // "char"[]
    OidAlias{0, Type::unknown},
};

std::string big_endian(std::uint64_t value, std::size_t bytes) {
    std::string out;
    for (std::size_t i = bytes; i-- > 0;)
        out += static_cast<char>((value >> (8 * i)) & 0xff);
    return out;
}

std::string integer(const std::string& text, std::size_t bytes) {
    return big_endian(static_cast<std::uint64_t>(std::strtoll(text.c_str(), nullptr, 10)), bytes);
}

std::uint64_t number_of(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes)
        value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

std::string signed_text(std::string_view bytes) {
    const std::size_t bits = 8 * bytes.size();
    const std::uint64_t value = number_of(bytes) << (64 - bits);
    return std::to_string(static_cast<std::int64_t>(value) >> (64 - bits));
}

// numeric_send(): digits of base 10000, the weight of the first, the sign, the decimal digits.
std::string numeric(const std::string& text) {
    const bool negative = text.starts_with('-');
    const std::size_t from = negative ? 1 : 0;
    const std::size_t point = std::min(text.find('.'), text.size());
    std::string whole = text.substr(from, point - from);
    std::string fraction = point < text.size() ? text.substr(point + 1) : std::string();
    const std::size_t scale = fraction.size();
    whole.insert(0, (4 - whole.size() % 4) % 4, '0');
    fraction.append((4 - fraction.size() % 4) % 4, '0');
    std::string digits = whole + fraction;
    auto weight = static_cast<std::int64_t>(whole.size() / 4) - 1;
    while (digits.starts_with("0000")) {
        digits.erase(0, 4);
        --weight;
    }
    while (digits.ends_with("0000"))
        digits.erase(digits.size() - 4);
    const std::size_t count = digits.size() / 4;
    std::string out = big_endian(count, 2) +
                      big_endian(static_cast<std::uint64_t>(count == 0 ? 0 : weight), 2) +
                      big_endian(negative && count > 0 ? 0x4000 : 0, 2) + big_endian(scale, 2);
    for (std::size_t i = 0; i < count; ++i)
        out += integer(digits.substr(4 * i, 4), 2);
    return out;
}

// array_send() of one dimension: the element's type, then each with its length.
std::string text_array(const std::string& text) {
    const auto elements = array_elements(text).value_or(std::vector<std::optional<std::string>>{});
    const bool has_null =
        std::ranges::any_of(elements, [](const auto& element) { return !element; });
    std::string out = big_endian(elements.empty() ? 0 : 1, 4) + big_endian(has_null ? 1 : 0, 4) +
                      big_endian(row_of(Type::text).oid, 4);
    if (!elements.empty()) out += big_endian(elements.size(), 4) + big_endian(1, 4);
    for (const auto& element : elements)
        out += element ? big_endian(element->size(), 4) + *element : std::string(4, '\xff');
    return out;
}

std::optional<std::string> array_from_binary(std::string_view bytes) {
    constexpr std::size_t header = 12;
    constexpr std::size_t dimension = 8;
    if (bytes.size() < header) return std::nullopt;
    const std::uint64_t dimensions = number_of(bytes.substr(0, 4));
    if (dimensions == 0) return "{}";
    if (dimensions != 1 || bytes.size() < header + dimension) return std::nullopt;
    std::uint64_t count = number_of(bytes.substr(header, 4));
    bytes.remove_prefix(header + dimension);
    std::vector<std::optional<std::string>> elements;
    for (; count > 0; --count) {
        if (bytes.size() < 4) return std::nullopt;
        const std::uint64_t size = number_of(bytes.substr(0, 4));
        bytes.remove_prefix(4);
        if (size == 0xffffffff) {
            elements.emplace_back(std::nullopt);
            continue;
        }
        if (size > bytes.size()) return std::nullopt;
        elements.emplace_back(std::string(bytes.substr(0, size)));
        bytes.remove_prefix(size);
    }
    return array_text(elements);
}

} // namespace

std::span<const TypeRow> all_types() noexcept {
    return types;
}

const TypeRow& row_of(Type type) noexcept {
    return types[static_cast<std::size_t>(type)];
}

// An object's number is looked up by its name or its number: regclass, regtype, regproc.
Type type_of_name(std::string_view name) noexcept {
    if (name.starts_with("reg")) return Type::oid;
    for (const TypeRow& row : types)
        if (row.type != Type::unknown && (row.name == name || row.display == name)) return row.type;
    const auto* const alias = std::ranges::find(aliases, name, &Alias::name);
    return alias == aliases.end() ? Type::unknown : alias->type;
}

Type type_of_oid(std::uint32_t oid) noexcept {
    for (const TypeRow& row : types)
        if (row.oid == oid) return row.type;
    const auto* const alias = std::ranges::find(oid_aliases, oid, &OidAlias::oid);
    return alias == oid_aliases.end() ? Type::unknown : alias->type;
}

Type type_of_declared(std::string_view declared) noexcept {
    const auto* const row = std::ranges::find(types, declared, &TypeRow::declared);
    return row == types.end() ? Type::unknown : row->type;
}

std::string to_binary(Type type, const std::string& text) {
    switch (type) {
    case Type::boolean: return std::string(1, text == "t" ? '\1' : '\0');
    case Type::int2: return integer(text, 2);
    case Type::int4:
    case Type::oid: return integer(text, 4);
    case Type::int8: return integer(text, 8);
    case Type::float8:
        return big_endian(std::bit_cast<std::uint64_t>(std::strtod(text.c_str(), nullptr)), 8);
    case Type::numeric: return numeric(text);
    case Type::timestamptz:
        return big_endian(static_cast<std::uint64_t>(microseconds_since_2000(text).value_or(0)), 8);
    case Type::interval: {
        // interval_send(): microseconds, days, months.
        const auto microseconds =
            static_cast<std::int64_t>(seconds_of_interval(text).value_or(0) * 1e6);
        return big_endian(static_cast<std::uint64_t>(microseconds), 8) + std::string(8, '\0');
    }
    case Type::text_array: return text_array(text);
    case Type::void_type: return {};
    case Type::unknown:
    case Type::text:
    case Type::name:
    case Type::character: break;
    }
    return text;
}

std::optional<std::string> from_binary(Type type, std::string_view bytes) {
    const std::int16_t size = row_of(type).size;
    const bool fixed = type != Type::unknown && type != Type::name && type != Type::character;
    if (fixed && size > 0 && bytes.size() != static_cast<std::size_t>(size)) return std::nullopt;
    switch (type) {
    case Type::boolean: return bytes == std::string_view("\0", 1) ? "f" : "t";
    case Type::int2:
    case Type::int4:
    case Type::int8: return signed_text(bytes);
    case Type::oid: return std::to_string(number_of(bytes));
    case Type::float8: return float_text(std::bit_cast<double>(number_of(bytes)));
    case Type::timestamptz: return timestamp_text(static_cast<std::int64_t>(number_of(bytes)));
    case Type::text_array: return array_from_binary(bytes);
    case Type::numeric:
    case Type::interval:
    case Type::void_type: return std::nullopt;
    case Type::unknown:
    case Type::text:
    case Type::name:
    case Type::character: break;
    }
    return std::string(bytes);
}

} // namespace pgmoat::admin

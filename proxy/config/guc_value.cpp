#include "proxy/config/guc_value.h"

#include "proxy/config/text.h"

#include <climits>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <iterator>

namespace pgmoat::config {
namespace {

enum class UnitFamily { time, memory };

struct UnitName {
    std::string_view name;
    UnitFamily family;
    double size; // in microseconds or bytes
};

// From large to small within each family: fractions are rounded to the unit of the next row.
constexpr std::array<UnitName, 11> unit_names{{
    {"d", UnitFamily::time, 86400e6},
    {"h", UnitFamily::time, 3600e6},
    {"min", UnitFamily::time, 60e6},
    {"s", UnitFamily::time, 1e6},
    {"ms", UnitFamily::time, 1e3},
    {"us", UnitFamily::time, 1},
    {"TB", UnitFamily::memory, 1024.0 * 1024 * 1024 * 1024},
    {"GB", UnitFamily::memory, 1024.0 * 1024 * 1024},
    {"MB", UnitFamily::memory, 1024.0 * 1024},
    {"kB", UnitFamily::memory, 1024},
    {"B", UnitFamily::memory, 1},
}};

std::string_view name_of(Unit unit) {
    switch (unit) {
    case Unit::none: return "";
    case Unit::microseconds: return "us";
    case Unit::milliseconds: return "ms";
    case Unit::seconds: return "s";
    case Unit::kilobytes: return "kB";
    }
    return "";
}

const UnitName* find_unit(std::string_view name) {
    for (const UnitName& unit : unit_names)
        if (unit.name == name) return &unit;
    return nullptr;
}

std::string_view units_hint(UnitFamily family) {
    if (family == UnitFamily::memory)
        return "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".";
    return "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".";
}

// Converts `number` of the named unit to the base unit; nothing if the unit is of another kind.
std::optional<double> convert(double number, std::string_view unit_name, const UnitName& base) {
    const UnitName* const unit = find_unit(unit_name);
    if (unit == nullptr || unit->family != base.family) return std::nullopt;
    const UnitName* const smaller = std::next(unit);
    const double in_base = number * (unit->size / base.size);
    if (smaller == unit_names.end() || smaller->family != base.family) return in_base;
    const double step = smaller->size / base.size;
    return std::rint(in_base / step) * step;
}

struct Number {
    double value;
    const char* end;
};

// First strtol() with base 0, for octal and hexadecimal; then strtod() if there is a fraction, an
// exponent or too many digits.
std::optional<Number> parse_number(const char* text) {
    char* end = nullptr;
    errno = 0;
    double value = static_cast<double>(std::strtol(text, &end, 0));
    if (*end == '.' || *end == 'e' || *end == 'E' || errno == ERANGE) {
        errno = 0;
        value = std::strtod(text, &end);
    }
    if (end == text || errno == ERANGE || std::isnan(value)) return std::nullopt;
    return Number{value, end};
}

IntegerResult
invalid_integer(const std::string& parameter, const std::string& text, std::string_view hint) {
    return {std::nullopt,
            "invalid value for parameter " + in_quotes(parameter) + ": " + in_quotes(text),
            std::string(hint)};
}

std::string with_unit(int value, Unit unit) {
    std::string text = std::to_string(value);
    if (unit != Unit::none) text += ' ' + std::string(name_of(unit));
    return text;
}

// Reads an element in double quotes; afterwards `rest` begins after the closing quote.
std::optional<std::string> take_quoted(std::string_view& rest) {
    std::string element;
    for (rest.remove_prefix(1); !rest.empty(); rest.remove_prefix(1)) {
        if (rest[0] != '"') {
            element += rest[0];
        } else if (rest.size() > 1 && rest[1] == '"') {
            element += '"';
            rest.remove_prefix(1);
        } else {
            rest.remove_prefix(1);
            return element;
        }
    }
    return std::nullopt;
}

std::optional<std::vector<std::string>> split(std::string_view text, bool blanks_inside) {
    std::vector<std::string> elements;
    std::string_view rest = trim(text);
    if (rest.empty()) return elements;
    for (;;) {
        if (rest.starts_with('"')) {
            std::optional<std::string> element = take_quoted(rest);
            if (!element) return std::nullopt;
            elements.push_back(std::move(*element));
            rest = trim(rest);
            if (!rest.empty() && rest[0] != ',') return std::nullopt;
        } else {
            const std::string_view element = trim(rest.substr(0, rest.find(',')));
            if (element.empty()) return std::nullopt;
            if (!blanks_inside && element.find_first_of(blanks) != std::string_view::npos)
                return std::nullopt;
            elements.emplace_back(element);
            rest.remove_prefix(std::min(rest.find(','), rest.size()));
        }
        if (rest.empty()) return elements;
        rest = trim(rest.substr(1));
    }
}

} // namespace

std::optional<bool> parse_boolean(std::string_view text) {
    const std::string word = lower_case(text);
    const auto is_prefix_of = [&](std::string_view whole, std::size_t length_min) {
        return word.size() >= length_min && whole.starts_with(word);
    };
    if (is_prefix_of("true", 1) || is_prefix_of("yes", 1) || word == "on" || word == "1")
        return true;
    if (is_prefix_of("false", 1) || is_prefix_of("no", 1) || is_prefix_of("off", 2) || word == "0")
        return false;
    return std::nullopt;
}

IntegerResult
parse_integer(const std::string& parameter, const std::string& text, const IntegerRange& range) {
    const std::optional<Number> number = parse_number(text.c_str());
    if (!number) return invalid_integer(parameter, text, "");
    double value = number->value;
    const std::string_view unit_name = trim(number->end);
    if (!unit_name.empty()) {
        const UnitName* const base = find_unit(name_of(range.unit));
        if (base == nullptr) return invalid_integer(parameter, text, "");
        const std::optional<double> converted = convert(value, unit_name, *base);
        if (!converted) return invalid_integer(parameter, text, units_hint(base->family));
        value = *converted;
    }
    value = std::rint(value);
    if (value > INT_MAX || value < INT_MIN)
        return invalid_integer(parameter, text, "Value exceeds integer range.");
    const int result = static_cast<int>(value);
    if (result >= range.min && result <= range.max) return {result, {}, {}};
    return {std::nullopt,
            with_unit(result, range.unit) + " is outside the valid range for parameter " +
                in_quotes(parameter) + " (" + text_of(range) + ")",
            {}};
}

std::string text_of(const IntegerRange& range) {
    return with_unit(range.min, range.unit) + " .. " + with_unit(range.max, range.unit);
}

std::optional<std::vector<std::string>> split_list(std::string_view text) {
    return split(text, false);
}

std::optional<std::vector<std::string>> split_folder_list(std::string_view text) {
    return split(text, true);
}

} // namespace pgmoat::config

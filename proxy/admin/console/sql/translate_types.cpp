// Types of literals and parameters, which follow from what they meet, and their values.
#include "proxy/admin/console/sql/translator.h"
#include "proxy/admin/console/text_values.h"
#include "proxy/config/text.h"

#include <charconv>

namespace pgmoat::admin::sql {

namespace {

using config::in_quotes;

bool in_range(std::int64_t value, Type type) {
    switch (type) {
    case Type::int2: return value >= -32768 && value <= 32767;
    case Type::int4: return value >= -2147483648LL && value <= 2147483647LL;
    case Type::oid: return value >= -2147483648LL && value <= 4294967295LL;
    default: return true;
    }
}

// Any unambiguous beginning, as PostgreSQL's parse_bool().
std::optional<bool> boolean_of(std::string_view text) {
    const std::string lower = config::lower_case(text);
    const auto begins = [&](std::string_view word, std::size_t least) {
        return lower.size() >= least && word.starts_with(lower);
    };
    if (begins("true", 1) || begins("yes", 1) || begins("on", 2) || lower == "1") return true;
    if (begins("false", 1) || begins("no", 1) || begins("off", 2) || lower == "0") return false;
    return std::nullopt;
}

} // namespace

// A literal or a parameter whose type nobody has decided becomes one of this type.
void Translator::settle(Expression& value, Type type) {
    if (value.literal || value.parameter > 0)
        coerce(value, type);
    else if (value.type == Type::unknown && value.sql == "NULL")
        value.type = type;
}

// Two sides of one operator.
void Translator::unify(Expression& left, Expression& right) {
    const bool left_open = left.type == Type::unknown && (left.literal || left.parameter > 0);
    const bool right_open = right.type == Type::unknown && (right.literal || right.parameter > 0);
    if (left_open && !right_open && right.type != Type::unknown) coerce(left, right.type);
    if (right_open && !left_open && left.type != Type::unknown) coerce(right, left.type);
    if (left.literal) coerce(left, Type::text);
    if (right.literal) coerce(right, Type::text);
    if (left.parameter > 0) settle(left, Type::text);
    if (right.parameter > 0) settle(right, Type::text);
    demand_comparable(left, right);
}

void Translator::demand_comparable(const Expression& left, const Expression& right) {
    const auto group = [](Type type) {
        if (is_number(type)) return 'N';
        if (type == Type::name || type == Type::character) return 'S';
        return row_of(type).category;
    };
    if (left.type == Type::unknown || right.type == Type::unknown) return;
    const char l = group(left.type);
    const char r = group(right.type);
    if (l != r) no_operator(left.type, "=", right.type);
}

void Translator::coerce(Expression& value, Type type) {
    if (value.parameter > 0) {
        Type& known = parameters_[value.parameter - 1];
        if (known == Type::unknown) known = type;
        value.type = known;
        value.parameter = 0;
        return;
    }
    if (!value.literal) return;
    const std::string text = *std::exchange(value.literal, std::nullopt);
    value.type = type;
    value.sql = literal_of(text, type);
}

std::string Translator::literal_of(const std::string& text, Type type) {
    auto checked = checked_value(text, type);
    if (auto* error = std::get_if<SqlError>(&checked)) throw Refused{std::move(*error)};
    const std::string& value = std::get<std::string>(checked);
    if (type == Type::boolean) return value == "t" ? "1" : "0";
    if (is_integer(type) || type == Type::interval) return '(' + value + ')';
    if (type == Type::float8)
        return call("to_float", {quote_text(value), quote_text(display(type))});
    return quote_text(value);
}

std::variant<std::string, SqlError> checked_value(const std::string& text, Type type) {
    const std::string_view trimmed = config::trim(text);
    const char* const end = trimmed.data() + trimmed.size();
    const auto invalid = [&](std::string_view sqlstate = "22P02") {
        return SqlError{sqlstate,
                        "invalid input syntax for type " + display(type) + ": " + in_quotes(text)};
    };
    if (type == Type::boolean) {
        const std::optional<bool> value = boolean_of(trimmed);
        if (!value) return invalid();
        return *value ? "t" : "f";
    }
    if (is_integer(type)) {
        std::int64_t value = 0;
        const char* const begin = trimmed.data() + (trimmed.starts_with('+') ? 1 : 0);
        const auto [parsed, error] = std::from_chars(begin, end, value);
        const bool whole = parsed == end && begin != end;
        if (whole && (error == std::errc::result_out_of_range || !in_range(value, type)))
            return SqlError{
                "22003", "value " + in_quotes(text) + " is out of range for type " + display(type)};
        if (error != std::errc{} || !whole) return invalid();
        return std::to_string(value);
    }
    if (type == Type::float8) {
        double value = 0;
        const auto [parsed, error] = std::from_chars(trimmed.data(), end, value);
        if (error != std::errc{} || parsed != end) return invalid();
        return std::string(trimmed);
    }
    if (type == Type::timestamptz) {
        if (trimmed == "now") return timestamp_text(microseconds_now());
        const auto time = microseconds_since_2000(trimmed);
        if (!time) return invalid("22007");
        return timestamp_text(*time);
    }
    if (type == Type::interval) {
        const auto seconds = seconds_of_interval(trimmed);
        if (!seconds) return invalid("22007");
        return float_text(*seconds);
    }
    if (type == Type::text_array && !array_elements(text))
        return SqlError{"22P02", "malformed array literal: " + in_quotes(text)};
    return text;
}

} // namespace pgmoat::admin::sql

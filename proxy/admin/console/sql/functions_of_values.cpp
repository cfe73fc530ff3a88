// add_functions_of_values(): casts, numbers and times.
#include "proxy/admin/console/sql/built_in.h"
#include "proxy/admin/console/sql/system_catalog.h"
#include "proxy/admin/console/text_values.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>

namespace pgmoat::admin::sql {

namespace {

using config::in_quotes;

// --- casts ------------------------------------------------------------------------------------

void to_bool(Call& call) {
    std::string value;
    if (call.is_null(0)) return call.give();
    if (!call.is_text(0)) return call.give_truth(call.real(0) != 0);
    if (read(call, Type::boolean, call.text(0), value)) call.give_truth(value == "t");
}

void to_int(Call& call) {
    if (call.is_null(0)) return call.give();
    const Type type = type_of_name(call.text(1));
    std::string text = call.text(0);
    if (!call.is_text(0) && !call.is_integer(0)) {
        const double rounded = std::nearbyint(call.real(0));
        if (!(std::abs(rounded) < 9.2e18))
            return call.fail({"22003", std::string(row_of(type).display) + " out of range"});
        text = std::to_string(static_cast<std::int64_t>(rounded));
    }
    std::string value;
    if (read(call, type, text, value))
        call.give(static_cast<std::int64_t>(std::strtoll(value.c_str(), nullptr, 10)));
}

void to_float(Call& call) {
    std::string value;
    if (call.is_null(0)) return call.give();
    if (!call.is_text(0)) return call.give(call.real(0));
    if (read(call, Type::float8, call.text(0), value))
        call.give(std::strtod(value.c_str(), nullptr));
}

void to_numeric(Call& call) {
    if (call.is_null(0)) return call.give();
    if (!call.is_text(0)) return call.give_argument(0);
    const std::string text(config::trim(call.text(0)));
    const std::size_t from = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
    const bool number = text.size() > from &&
                        text.find_first_not_of("0123456789.", from) == std::string::npos &&
                        std::ranges::count(text, '.') <= 1 && text.substr(from) != ".";
    if (!number)
        return call.fail({"22P02", "invalid input syntax for type numeric: " + in_quotes(text)});
    if (text.find('.') != std::string::npos || text.size() > 18)
        return call.give(std::strtod(text.c_str(), nullptr));
    call.give(static_cast<std::int64_t>(std::strtoll(text.c_str(), nullptr, 10)));
}

template <Type type>
void to_checked(Call& call) {
    std::string value;
    if (call.is_null(0)) return call.give();
    if (!read(call, type, call.text(0), value)) return;
    if (type == Type::interval) return call.give(std::strtod(value.c_str(), nullptr));
    call.give(value);
}

void bool_text(Call& call) {
    if (call.is_null(0)) return call.give();
    call.give(std::string(call.truth(0) ? "true" : "false"));
}

void interval_as_text(Call& call) {
    if (call.is_null(0)) return call.give();
    call.give(interval_text(call.real(0)));
}

// --- numbers and comparisons -------------------------------------------------------------------

template <bool remainder>
void divide(Call& call) {
    if (call.any_null()) return call.give();
    const bool whole = call.is_integer(0) && call.is_integer(1);
    if (whole ? call.integer(1) == 0 : call.real(1) == 0)
        return call.fail({"22012", "division by zero"});
    if (!whole)
        return call.give(remainder ? std::fmod(call.real(0), call.real(1))
                                   : call.real(0) / call.real(1));
    const bool overflows =
        call.integer(1) == -1 && call.integer(0) == std::numeric_limits<std::int64_t>::min();
    if (overflows && !remainder) return call.fail({"22003", "bigint out of range"});
    if (overflows) return call.give(std::int64_t{0});
    call.give(remainder ? call.integer(0) % call.integer(1) : call.integer(0) / call.integer(1));
}

// Of what is not NULL; texts sort as texts, numbers as numbers.
template <bool greatest>
void extreme(Call& call) {
    int best = -1;
    for (int i = 0; i < call.count(); ++i) {
        if (call.is_null(i)) continue;
        const auto is_better = [&] {
            if (call.is_text(i) || call.is_text(best))
                return greatest ? call.text(i) > call.text(best) : call.text(i) < call.text(best);
            return greatest ? call.real(i) > call.real(best) : call.real(i) < call.real(best);
        };
        if (best < 0 || is_better()) best = i;
    }
    if (best < 0) return call.give();
    call.give_argument(best);
}

void row_count(Call& call) {
    if (call.is_null(0)) return call.give(std::int64_t{-1});
    const std::string clause = call.text(1);
    if (call.integer(0) >= 0) return call.give(call.integer(0));
    call.fail({clause == "OFFSET" ? "2201X" : "2201W", clause + " must not be negative"});
}

// --- times ------------------------------------------------------------------------------------

void now(Call& call) {
    call.give(timestamp_text(call.scope().now));
}

void ts_minus(Call& call) {
    if (call.any_null()) return call.give();
    const auto left = microseconds_since_2000(call.text(0));
    const auto right = microseconds_since_2000(call.text(1));
    if (!left || !right) return call.give();
    call.give(static_cast<double>(*left - *right) / 1e6);
}

void ts_plus(Call& call) {
    if (call.any_null()) return call.give();
    const auto time = microseconds_since_2000(call.text(0));
    const double change = call.real(1) * 1e6;
    if (!time) return call.give();
    if (!(std::abs(change) < 9e17)) return call.fail({"22008", "timestamp out of range"});
    call.give(timestamp_text(*time + static_cast<std::int64_t>(change)));
}

void epoch(Call& call) {
    if (call.is_null(0)) return call.give();
    const auto time = microseconds_since_2000(call.text(0));
    constexpr double seconds_of_2000 = 946'684'800;
    if (time)
        call.give(static_cast<double>(*time) / 1e6 + seconds_of_2000);
    else
        call.give();
}

void to_timestamp(Call& call) {
    if (call.is_null(0)) return call.give();
    constexpr double seconds_of_2000 = 946'684'800;
    const double seconds = call.real(0) - seconds_of_2000;
    if (!(std::abs(seconds) < 3e11)) return call.fail({"22008", "timestamp out of range"});
    call.give(timestamp_text(static_cast<std::int64_t>(seconds * 1e6)));
}

// The text is cut where the unit ends: 2026-11-24 08:56:15.
void date_trunc(Call& call) {
    if (call.any_null()) return call.give();
    constexpr std::pair<std::string_view, std::size_t> units[] = {
        {"year", 4}, {"month", 7}, {"day", 10}, {"hour", 13}, {"minute", 16}, {"second", 19}};
    const std::string unit = config::lower_case(call.text(0));
    for (const auto& [name, length] : units) {
        if (unit != name) continue;
        constexpr std::string_view rest = "0000-01-01 00:00:00+00";
        return call.give(call.text(1).substr(0, length) + std::string(rest.substr(length)));
    }
    call.fail({"0A000", "unit " + in_quotes(unit) + " is not implemented in the console"});
}

constexpr BuiltIn value_functions[] = {
    {"to_bool", to_bool, true},
    {"to_int", to_int, true},
    {"to_float", to_float, true},
    {"to_numeric", to_numeric, true},
    {"to_ts", to_checked<Type::timestamptz>},
    {"to_interval", to_checked<Type::interval>, true},
    {"bool_text", bool_text, true},
    {"interval_text", interval_as_text, true},

    {"divide", divide<false>, true},
    {"modulo", divide<true>, true},
    {"greatest", extreme<true>, true},
    {"least", extreme<false>, true},
    {"row_count", row_count, true},

    {"now", now},
    {"ts_minus", ts_minus, true},
    {"ts_plus", ts_plus, true},
    {"epoch", epoch, true},
    {"to_timestamp", to_timestamp, true},
    {"date_trunc", date_trunc, true},
};

} // namespace

bool add_functions_of_values(sqlite3* database, Running*& running) {
    return add_functions<value_functions>(database, running);
}

} // namespace pgmoat::admin::sql

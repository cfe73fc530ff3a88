#include "proxy/admin/console/sql/functions.h"

#include "proxy/admin/console/console_login.h"
#include "proxy/admin/console/limits.h"
#include "proxy/admin/console/parameters.h"
#include "proxy/admin/console/sql/like.h"
#include "proxy/admin/console/sql/system_catalog.h"
#include "proxy/admin/console/sql/translate.h"
#include "proxy/admin/console/text_values.h"
#include "proxy/config/text.h"

#include <re2/re2.h>

#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <set>
#include <utility>

namespace pgmoat::admin::sql {

namespace {

using config::in_quotes;

// One call: its arguments, and where the result goes.
class Call {
  public:
    Call(sqlite3_context* context, int count, sqlite3_value** values)
        : context_(context), count_(count), values_(values) {}

    [[nodiscard]] int count() const { return count_; }
    [[nodiscard]] bool is_null(int i) const {
        return i >= count_ || sqlite3_value_type(values_[i]) == SQLITE_NULL;
    }
    [[nodiscard]] bool any_null() const {
        for (int i = 0; i < count_; ++i)
            if (is_null(i)) return true;
        return false;
    }
    [[nodiscard]] bool is_text(int i) const {
        return sqlite3_value_type(values_[i]) == SQLITE_TEXT;
    }
    [[nodiscard]] bool is_integer(int i) const {
        return sqlite3_value_type(values_[i]) == SQLITE_INTEGER;
    }
    [[nodiscard]] std::string text(int i) const {
        const auto* const bytes = reinterpret_cast<const char*>(sqlite3_value_text(values_[i]));
        if (bytes == nullptr) throw std::bad_alloc();
        return {bytes, static_cast<std::size_t>(sqlite3_value_bytes(values_[i]))};
    }
    [[nodiscard]] std::int64_t integer(int i) const { return sqlite3_value_int64(values_[i]); }
    [[nodiscard]] double real(int i) const { return sqlite3_value_double(values_[i]); }
    [[nodiscard]] bool truth(int i) const { return sqlite3_value_int64(values_[i]) != 0; }

    void give() { sqlite3_result_null(context_); }
    void give(const std::string& text) {
        sqlite3_result_text64(context_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    void give(std::int64_t value) { sqlite3_result_int64(context_, value); }
    void give_truth(bool value) { sqlite3_result_int(context_, value ? 1 : 0); }
    void give(double value) { sqlite3_result_double(context_, value); }
    void give_argument(int i) { sqlite3_result_value(context_, values_[i]); }

    [[nodiscard]] Running& running() const {
        return **static_cast<Running**>(sqlite3_user_data(context_));
    }
    [[nodiscard]] const Scope& scope() const { return *running().scope; }
    void fail(SqlError error) {
        sqlite3_result_error(context_, error.message.c_str(), -1);
        running().error = std::move(error);
    }
    [[nodiscard]] sqlite3_context* context() const { return context_; }
    [[nodiscard]] sqlite3_value* value(int i) const { return values_[i]; }

  private:
    sqlite3_context* context_;
    int count_;
    sqlite3_value** values_;
};

// A value is read as a client's text would be, or the statement fails.
bool read(Call& call, Type type, const std::string& text, std::string& into) {
    auto checked = checked_value(text, type);
    if (auto* error = std::get_if<SqlError>(&checked)) {
        call.fail(std::move(*error));
        return false;
    }
    into = std::move(std::get<std::string>(checked));
    return true;
}

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

// --- texts ------------------------------------------------------------------------------------

template <bool ignore_case>
void match_like(Call& call) {
    if (call.any_null()) return call.give();
    const std::string escape = call.count() > 2 ? call.text(2) : "\\";
    const std::string pattern = call.text(1);
    if (escape.size() > 1) return call.fail({"22025", "invalid escape string"});
    if (pattern.size() > limits::pattern_bytes_max)
        return call.fail({"54000", "a pattern is too long for the console"});
    const char sign = escape.empty() ? '\0' : escape[0];
    if (sign != '\0' && ends_in_escape(pattern, sign))
        return call.fail({"22025", "LIKE pattern must not end with escape character"});
    if (!ignore_case) return call.give_truth(is_like(call.text(0), pattern, sign));
    call.give_truth(is_like(config::lower_case(call.text(0)), config::lower_case(pattern), sign));
}

void delete_regex(void* regex) {
    delete static_cast<re2::RE2*>(regex);
}

// Compiled once for a statement where the pattern stays the same.
template <bool ignore_case>
void match_regex(Call& call) {
    if (call.any_null()) return call.give();
    auto* regex = static_cast<re2::RE2*>(sqlite3_get_auxdata(call.context(), 1));
    std::unique_ptr<re2::RE2> fresh;
    if (regex == nullptr) {
        const std::string pattern = call.text(1);
        if (pattern.size() > limits::pattern_bytes_max)
            return call.fail({"54000", "a pattern is too long for the console"});
        re2::RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(limits::regex_bytes_max);
        options.set_case_sensitive(!ignore_case);
        fresh = std::make_unique<re2::RE2>(pattern, options);
        if (!fresh->ok())
            return call.fail({"2201B", "invalid regular expression: " + fresh->error()});
        regex = fresh.get();
    }
    call.give_truth(re2::RE2::PartialMatch(call.text(0), *regex));
    if (fresh) sqlite3_set_auxdata(call.context(), 1, fresh.release(), delete_regex);
}

// In characters, as they are counted in UTF-8.
std::size_t characters(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}
std::string first_characters(const std::string& text, std::size_t count) {
    std::size_t i = 0;
    for (; i < text.size(); ++i)
        if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80 && count-- == 0) break;
    return text.substr(0, i);
}

// A negative count leaves so many out at the other end.
std::size_t kept(std::int64_t count, std::size_t of) {
    const auto all = static_cast<std::int64_t>(of);
    if (count >= 0) return static_cast<std::size_t>(std::min(count, all));
    return static_cast<std::size_t>(std::max<std::int64_t>(0, count < -all ? 0 : all + count));
}

void left_of(Call& call) {
    if (call.any_null()) return call.give();
    const std::string text = call.text(0);
    call.give(first_characters(text, kept(call.integer(1), characters(text))));
}

void right_of(Call& call) {
    if (call.any_null()) return call.give();
    const std::string text = call.text(0);
    const std::size_t count = characters(text);
    const std::size_t skipped = count - kept(call.integer(1), count);
    call.give(text.substr(first_characters(text, skipped).size()));
}

void concat_all(Call& call) {
    std::string text;
    for (int i = 0; i < call.count(); ++i)
        if (!call.is_null(i)) text += call.text(i);
    call.give(text);
}

void concat_ws(Call& call) {
    if (call.is_null(0)) return call.give();
    std::optional<std::string> text;
    for (int i = 1; i < call.count(); ++i)
        if (!call.is_null(i)) text = (text ? *text + call.text(0) : std::string()) + call.text(i);
    call.give(text.value_or(""));
}

void split_part(Call& call) {
    if (call.any_null()) return call.give();
    const std::string text = call.text(0);
    const std::string by = call.text(1);
    std::vector<std::string> parts;
    std::size_t from = 0;
    for (std::size_t at = by.empty() ? text.npos : text.find(by); at != text.npos;
         at = text.find(by, from)) {
        parts.push_back(text.substr(from, at - from));
        from = at + by.size();
    }
    parts.push_back(text.substr(from));
    std::int64_t field = call.integer(2);
    if (field == 0) return call.fail({"22023", "field position must not be zero"});
    const auto count = static_cast<std::int64_t>(parts.size());
    if (field < 0) field = field < -count ? 0 : count + field + 1;
    call.give(field < 1 || field > count ? std::string()
                                         : parts[static_cast<std::size_t>(field - 1)]);
}

void repeat(Call& call) {
    if (call.any_null()) return call.give();
    const std::string part = call.text(0);
    const std::int64_t count = std::max<std::int64_t>(0, call.integer(1));
    const auto most = static_cast<std::int64_t>(limits::sql_value_bytes_max);
    if (!part.empty() && count > most / static_cast<std::int64_t>(part.size()))
        return call.fail({"54000", "requested length too large"});
    std::string text;
    for (std::int64_t i = 0; i < count && !part.empty(); ++i)
        text += part;
    call.give(text);
}

void starts_with(Call& call) {
    if (call.any_null()) return call.give();
    call.give_truth(call.text(0).starts_with(call.text(1)));
}

void quote_ident(Call& call) {
    if (call.any_null()) return call.give();
    const std::string name = call.text(0);
    const bool plain =
        !name.empty() && (name[0] < '0' || name[0] > '9') &&
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") == std::string::npos;
    call.give(plain ? name : quote_name(name));
}

void size_pretty(Call& call) {
    if (call.any_null()) return call.give();
    constexpr const char* units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    constexpr double limit = 10.0 * 1024;
    double size = call.real(0);
    std::size_t unit = 0;
    while (std::abs(size) >= limit && unit + 1 < std::size(units)) {
        size /= 1024;
        ++unit;
    }
    call.give(std::to_string(std::llround(size)) + ' ' + units[unit]);
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

// --- arrays -----------------------------------------------------------------------------------

using Elements = std::vector<std::optional<std::string>>;

std::optional<Elements> elements_of(Call& call, int i) {
    auto elements = array_elements(call.text(i));
    if (!elements) call.fail({"22P02", "malformed array literal: " + in_quotes(call.text(i))});
    return elements;
}

void array_of(Call& call) {
    Elements elements;
    for (int i = 0; i < call.count(); ++i)
        elements.push_back(call.is_null(i) ? std::nullopt : std::optional(call.text(i)));
    call.give(array_text(elements));
}

void array_cat(Call& call) {
    if (call.is_null(0) && call.is_null(1)) return call.give();
    if (call.is_null(0)) return call.give_argument(1);
    if (call.is_null(1)) return call.give_argument(0);
    auto left = elements_of(call, 0);
    const auto right = left ? elements_of(call, 1) : std::nullopt;
    if (!right) return;
    left->insert(left->end(), right->begin(), right->end());
    call.give(array_text(*left));
}

void array_get(Call& call) {
    if (call.any_null()) return call.give();
    const auto elements = elements_of(call, 0);
    if (!elements) return;
    const std::int64_t place = call.integer(1);
    if (place < 1 || place > static_cast<std::int64_t>(elements->size())) return call.give();
    const auto& element = (*elements)[static_cast<std::size_t>(place - 1)];
    if (element)
        call.give(*element);
    else
        call.give();
}

void array_to_string(Call& call) {
    if (call.is_null(0) || call.is_null(1)) return call.give();
    const auto elements = elements_of(call, 0);
    if (!elements) return;
    std::optional<std::string> text;
    for (const auto& element : *elements) {
        if (!element && call.is_null(2)) continue;
        text = (text ? *text + call.text(1) : std::string()) + (element ? *element : call.text(2));
    }
    call.give(text.value_or(""));
}

void array_length(Call& call) {
    if (call.any_null()) return call.give();
    const auto elements = elements_of(call, 0);
    if (!elements) return;
    if (elements->empty() || call.integer(1) != 1) return call.give();
    call.give(static_cast<std::int64_t>(elements->size()));
}

void cardinality(Call& call) {
    if (call.any_null()) return call.give();
    const auto elements = elements_of(call, 0);
    if (elements) call.give(static_cast<std::int64_t>(elements->size()));
}

void set_returning(Call& call) {
    call.fail({"0A000", "set-returning functions are implemented in FROM only"});
}

// An aggregate's elements, between its steps.
struct Collected {
    Elements* elements;
    std::size_t bytes;
};

void collect(sqlite3_context* context, int, sqlite3_value** values) {
    auto* const collected =
        static_cast<Collected*>(sqlite3_aggregate_context(context, sizeof(Collected)));
    if (collected == nullptr) return sqlite3_result_error_nomem(context);
    try {
        if (collected->elements == nullptr) collected->elements = new Elements;
        Call call(context, 1, values);
        auto element = call.is_null(0) ? std::nullopt : std::optional(call.text(0));
        collected->bytes += sizeof(element) + (element ? element->size() : 0);
        if (collected->bytes > static_cast<std::size_t>(limits::sql_value_bytes_max))
            return sqlite3_result_error_toobig(context);
        collected->elements->push_back(std::move(element));
    } catch (const std::bad_alloc&) {
        sqlite3_result_error_nomem(context);
    }
}

// Of no rows: NULL for array_agg(), an empty one for ARRAY(...).
template <bool empty_is_null>
void finish_array(sqlite3_context* context) {
    const auto* const collected = static_cast<Collected*>(sqlite3_aggregate_context(context, 0));
    const std::unique_ptr<Elements> elements(collected ? collected->elements : nullptr);
    Call call(context, 0, nullptr);
    if (!elements && empty_is_null) return call.give();
    call.give(elements ? array_text(*elements) : std::string("{}"));
}

// The same with a key to sort by.
struct Sorted {
    struct Entry {
        std::optional<std::string> value;
        bool key_is_null;
        bool key_is_text;
        double number;
        std::string text;
    };
    std::vector<Entry>* entries;
    std::size_t bytes;
    bool descending;
};

void collect_by(sqlite3_context* context, int, sqlite3_value** values) {
    auto* const sorted = static_cast<Sorted*>(sqlite3_aggregate_context(context, sizeof(Sorted)));
    if (sorted == nullptr) return sqlite3_result_error_nomem(context);
    try {
        if (sorted->entries == nullptr) sorted->entries = new std::vector<Sorted::Entry>;
        Call call(context, 3, values);
        const bool null = call.is_null(1);
        sorted->entries->push_back({call.is_null(0) ? std::nullopt : std::optional(call.text(0)),
                                    null,
                                    call.is_text(1),
                                    call.real(1),
                                    null ? std::string() : call.text(1)});
        const Sorted::Entry& entry = sorted->entries->back();
        sorted->bytes += sizeof(entry) + entry.text.size() + entry.value.value_or("").size();
        sorted->descending = call.truth(2);
        if (sorted->bytes > static_cast<std::size_t>(limits::sql_value_bytes_max))
            sqlite3_result_error_toobig(context);
    } catch (const std::bad_alloc&) {
        sqlite3_result_error_nomem(context);
    }
}

// NULLs sort last, and first where the order is turned round.
void finish_sorted(sqlite3_context* context) {
    const auto* const sorted = static_cast<Sorted*>(sqlite3_aggregate_context(context, 0));
    const std::unique_ptr<std::vector<Sorted::Entry>> entries(sorted ? sorted->entries : nullptr);
    Call call(context, 0, nullptr);
    if (!entries) return call.give();
    try {
        const auto less = [](const Sorted::Entry& left, const Sorted::Entry& right) {
            if (left.key_is_null || right.key_is_null)
                return !left.key_is_null && right.key_is_null;
            if (left.key_is_text && right.key_is_text) return left.text < right.text;
            return left.number < right.number;
        };
        const bool descending = sorted->descending;
        std::ranges::stable_sort(*entries, [&](const auto& left, const auto& right) {
            return descending ? less(right, left) : less(left, right);
        });
        Elements elements;
        for (Sorted::Entry& entry : *entries)
            elements.push_back(std::move(entry.value));
        call.give(array_text(elements));
    } catch (const std::bad_alloc&) {
        sqlite3_result_error_nomem(context);
    }
}

// --- the session and the server ----------------------------------------------------------------

void version(Call& call) {
    call.give("PostgreSQL " + std::string(find_parameter("server_version")->value) +
              ", a connection proxy");
}

void current_setting(Call& call) {
    if (call.is_null(0)) return call.give();
    const auto value =
        shown_value(call.text(0), call.scope().parameters, call.scope().snapshot.config());
    if (value) return call.give(*value);
    if (call.count() > 1 && call.truth(1)) return call.give();
    call.fail(unrecognized_parameter(call.text(0)));
}

void set_config(Call& call) {
    if (call.is_null(0)) return call.fail({"22004", "SET requires parameter name"});
    const std::string name = call.text(0);
    const std::string value = call.is_null(1) ? "" : call.text(1);
    if (auto error = refuse_to_set(name, value)) return call.fail(std::move(*error));
    call.running().deeds.set.emplace_back(name, value);
    call.give(value);
}

bool may_act(Call& call, const char* function) {
    if (call.scope().may_act) return true;
    call.fail({"42501", std::string("permission denied for function ") + function});
    return false;
}

void reload_conf(Call& call) {
    if (!may_act(call, "pg_reload_conf")) return;
    call.running().deeds.reload = true;
    call.give_truth(true);
}

// By the number that SHOW CONNECTIONS lists, or by the server process's.
void terminate_backend(Call& call) {
    if (!may_act(call, "pg_terminate_backend")) return;
    if (call.is_null(0)) return call.give();
    const auto number = static_cast<std::uint64_t>(call.integer(0));
    std::set<std::uint64_t> found;
    for (const Connection& connection : call.scope().snapshot.connections()) {
        const bool is_process = connection.facts.backend_process_id != 0 &&
                                connection.facts.backend_process_id == number;
        if (connection.id == number || is_process) found.insert(connection.id);
    }
    if (found.size() > 1) {
        std::string ids;
        for (const std::uint64_t id : found)
            ids += (ids.empty() ? "" : ", ") + std::to_string(id);
        return call.fail({"42725",
                          "connections " + ids + " have this number as id or as pid",
                          "KILL ends one connection by its id."});
    }
    if (!found.empty()) call.running().deeds.kills.push_back(*found.begin());
    call.give_truth(!found.empty());
}

void current_schemas(Call& call) {
    call.give(std::string(!call.is_null(0) && call.truth(0) ? "{pg_catalog,public}" : "{public}"));
}

struct Row {
    const char* name;
    void (*body)(Call&);
    bool constant = false; // the same for the same arguments
};

constexpr Row functions[] = {
    {"to_bool", to_bool, true},
    {"to_int", to_int, true},
    {"to_float", to_float, true},
    {"to_numeric", to_numeric, true},
    {"to_ts", to_checked<Type::timestamptz>},
    {"to_interval", to_checked<Type::interval>, true},
    {"bool_text", bool_text, true},
    {"interval_text", interval_as_text, true},

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

    {"like_match", match_like<false>, true},
    {"ilike_match", match_like<true>, true},
    {"regex_match", match_regex<false>, true},
    {"iregex_match", match_regex<true>, true},
    {"left_of", left_of, true},
    {"right_of", right_of, true},
    {"concat_all", concat_all, true},
    {"concat_ws", concat_ws, true},
    {"split_part", split_part, true},
    {"repeat", repeat, true},
    {"starts_with", starts_with, true},
    {"quote_ident", quote_ident, true},
    {"pg_size_pretty", size_pretty, true},

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

    {"array_of", array_of, true},
    {"array_cat", array_cat, true},
    {"array_get", array_get, true},
    {"array_to_string", array_to_string, true},
    {"array_length", array_length, true},
    {"cardinality", cardinality, true},
    {"set_returning", set_returning},

    {"version", version},
    {"current_database", [](Call& call) { call.give(std::string(console_database)); }},
    {"current_schema", [](Call& call) { call.give(std::string("public")); }},
    {"current_schemas", current_schemas, true},
    {"session_user", [](Call& call) { call.give(call.scope().user); }},
    {"pg_backend_pid",
     [](Call& call) { call.give(static_cast<std::int64_t>(call.scope().session_id)); }},
    {"pg_postmaster_start_time",
     [](Call& call) { call.give(timestamp_text(call.scope().snapshot.started())); }},
    {"current_setting", current_setting},
    {"set_config", set_config},
    {"pg_reload_conf", reload_conf},
    {"pg_terminate_backend", terminate_backend},
    {"yes", [](Call& call) { call.give_truth(true); }, true},
    {"no", [](Call& call) { call.give_truth(false); }, true},
    {"nothing", [](Call& call) { call.give(); }, true},
};

template <std::size_t place>
void enter(sqlite3_context* context, int count, sqlite3_value** values) {
    Call call(context, count, values);
    try {
        functions[place].body(call);
    } catch (const std::bad_alloc&) {
        sqlite3_result_error_nomem(context);
    }
}

template <std::size_t... place>
bool add_all(sqlite3* database, Running*& running, std::index_sequence<place...>) {
    const auto add = [&](const Row& row, auto* function) {
        const int flags = SQLITE_UTF8 | (row.constant ? SQLITE_DETERMINISTIC : 0);
        return sqlite3_create_function_v2(
                   database, row.name, -1, flags, &running, function, nullptr, nullptr, nullptr) ==
               SQLITE_OK;
    };
    return (add(functions[place], enter<place>) && ...);
}

} // namespace

bool register_functions(sqlite3* database, Running*& running) {
    const auto add_aggregate = [&](const char* name, void (*finish)(sqlite3_context*)) {
        return sqlite3_create_function_v2(
                   database, name, 1, SQLITE_UTF8, &running, nullptr, collect, finish, nullptr) ==
               SQLITE_OK;
    };
    return add_all(database, running, std::make_index_sequence<std::size(functions)>{}) &&
           sqlite3_create_function_v2(database,
                                      "array_agg_by",
                                      3,
                                      SQLITE_UTF8,
                                      &running,
                                      nullptr,
                                      collect_by,
                                      finish_sorted,
                                      nullptr) == SQLITE_OK &&
           add_aggregate("array_agg", finish_array<true>) &&
           add_aggregate("array_of_rows", finish_array<false>);
}

} // namespace pgmoat::admin::sql

// add_functions_of_texts(): LIKE, regular expressions and what else is done with texts.
#include "proxy/admin/console/limits.h"
#include "proxy/admin/console/sql/built_in.h"
#include "proxy/admin/console/sql/like.h"
#include "proxy/admin/console/sql/system_catalog.h"
#include "proxy/admin/console/sql/translate.h"
#include "proxy/config/text.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pgmoat::admin::sql {

namespace {

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

constexpr BuiltIn text_functions[] = {
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
};

} // namespace

bool add_functions_of_texts(sqlite3* database, Running*& running) {
    return add_functions<text_functions>(database, running);
}

} // namespace pgmoat::admin::sql

#include "proxy/admin/console/text_values.h"

#include "proxy/config/text.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>

namespace pgmoat::admin {

namespace {

using Elements = std::vector<std::optional<std::string>>;

constexpr std::int64_t microseconds_a_second = 1'000'000;
constexpr std::int64_t unix_seconds_of_2000 = 946'684'800;
constexpr std::int64_t seconds_a_day = 86'400;

void append_element(std::string& text, const std::string& element) {
    const bool quoted = element.empty() || config::lower_case(element) == "null" ||
                        element.find_first_of(" \t\n\r\v\f{},\"\\") != std::string::npos;
    if (quoted) text += '"';
    for (const char c : element) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
    }
    if (quoted) text += '"';
}

// Reads from left to right.
class Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) {}

    [[nodiscard]] bool at_end() const { return rest_.empty(); }
    bool take(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void skip_blanks() {
        while (!rest_.empty() && config::is_blank(rest_.front()))
            rest_.remove_prefix(1);
    }
    // Exactly so many digits, or as many as there are.
    std::optional<int> digits(std::size_t least, std::size_t most) {
        std::size_t count = 0;
        while (count < most && count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9')
            ++count;
        if (count < least) return std::nullopt;
        int value = 0;
        std::from_chars(rest_.data(), rest_.data() + count, value);
        rest_.remove_prefix(count);
        return value;
    }
    std::optional<double> number() {
        double value = 0;
        const auto [end, error] = std::from_chars(
            rest_.data(), rest_.data() + rest_.size(), value, std::chars_format::fixed);
        if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        return value;
    }
    std::string letters() {
        std::size_t count = 0;
        while (count < rest_.size() && ((rest_[count] >= 'a' && rest_[count] <= 'z') ||
                                        (rest_[count] >= 'A' && rest_[count] <= 'Z')))
            ++count;
        std::string word = config::lower_case(rest_.substr(0, count));
        rest_.remove_prefix(count);
        return word;
    }

  private:
    std::string_view rest_;
};

// Microseconds of the day.
std::optional<std::int64_t> time_of_day(Reader& reader) {
    const auto hours = reader.digits(1, 2);
    if (!hours || *hours > 24 || !reader.take(':')) return std::nullopt;
    const auto minutes = reader.digits(2, 2);
    if (!minutes || *minutes > 59) return std::nullopt;
    std::int64_t result = (*hours * 60LL + *minutes) * 60 * microseconds_a_second;
    if (!reader.take(':')) return result;
    const auto seconds = reader.digits(2, 2);
    if (!seconds || *seconds > 60) return std::nullopt;
    result += *seconds * microseconds_a_second;
    if (!reader.take('.')) return result;
    std::int64_t unit = microseconds_a_second / 10;
    for (auto digit = reader.digits(1, 1); digit; digit = reader.digits(1, 1)) {
        result += *digit * unit;
        unit /= 10;
    }
    return result;
}

// Microseconds to subtract; nothing: it is none.
std::optional<std::int64_t> offset(Reader& reader) {
    reader.skip_blanks();
    if (reader.at_end() || reader.take('Z') || reader.take('z')) return 0;
    const bool negative = reader.take('-');
    if (!negative && !reader.take('+')) {
        const std::string zone = reader.letters();
        return zone == "utc" || zone == "gmt" ? std::optional<std::int64_t>(0) : std::nullopt;
    }
    const auto hours = reader.digits(1, 2);
    (void)reader.take(':');
    const auto minutes = reader.at_end() ? std::optional<int>(0) : reader.digits(2, 2);
    if (!hours || !minutes) return std::nullopt;
    const std::int64_t result = (*hours * 60LL + *minutes) * 60 * microseconds_a_second;
    return negative ? -result : result;
}

std::optional<double> seconds_of_unit(const std::string& unit) {
    struct Row {
        std::string_view name;
        double seconds;
    };
    constexpr double day = seconds_a_day;
    constexpr std::array units{
        Row{"second", 1},
        Row{"sec", 1},
        Row{"s", 1},
        Row{"minute", 60},
        Row{"min", 60},
        Row{"m", 60},
        Row{"hour", 3600},
        Row{"hr", 3600},
        Row{"h", 3600},
        Row{"day", day},
        Row{"d", day},
        Row{"week", 7 * day},
        Row{"w", 7 * day},
        Row{"month", 30 * day},
        Row{"mon", 30 * day},
        Row{"year", 365.25 * day},
        Row{"y", 365.25 * day},
        Row{"millisecond", 1e-3},
        Row{"ms", 1e-3},
        Row{"microsecond", 1e-6},
    };
    for (const Row& row : units)
        if (unit == row.name || unit == std::string(row.name) + 's') return row.seconds;
    return std::nullopt;
}

} // namespace

std::string array_text(std::span<const std::optional<std::string>> elements) {
    std::string text = "{";
    for (const auto& element : elements) {
        if (text.size() > 1) text += ',';
        if (element)
            append_element(text, *element);
        else
            text += "NULL";
    }
    return text + '}';
}

std::string array_text(const std::vector<std::string>& elements) {
    return array_text(Elements(elements.begin(), elements.end()));
}

std::optional<Elements> array_elements(std::string_view text) {
    if (text.size() < 2 || text.front() != '{' || text.back() != '}') return std::nullopt;
    text = text.substr(1, text.size() - 2);
    Elements elements;
    if (config::trim(text).empty()) return elements;
    for (std::size_t i = 0;; ++i) {
        std::string element;
        bool quoted = false;
        bool inside = false;
        for (; i < text.size() && (inside || text[i] != ','); ++i) {
            if (text[i] == '"') {
                inside = !inside;
                quoted = true;
                continue;
            }
            if (!inside && (text[i] == '{' || text[i] == '}')) return std::nullopt;
            if (text[i] == '\\' && ++i >= text.size()) return std::nullopt;
            element += text[i];
        }
        if (inside) return std::nullopt;
        if (!quoted) element = std::string(config::trim(element));
        if (!quoted && element.empty()) return std::nullopt;
        const bool is_null = !quoted && config::lower_case(element) == "null";
        elements.push_back(is_null ? std::nullopt : std::optional<std::string>(element));
        if (i >= text.size()) return elements;
    }
}

std::string timestamp_text(std::int64_t microseconds) {
    using namespace std::chrono;
    // Years of four digits, so that texts sort as times do.
    constexpr std::int64_t year_1 = -63'082'281'600;
    constexpr std::int64_t year_10000 = 252'455'616'000;
    std::int64_t seconds_then = microseconds / microseconds_a_second;
    std::int64_t fraction = microseconds % microseconds_a_second;
    if (fraction < 0) {
        fraction += microseconds_a_second;
        --seconds_then;
    }
    if (seconds_then < year_1) return "-infinity";
    if (seconds_then >= year_10000) return "infinity";
    const sys_seconds time{seconds{seconds_then + unix_seconds_of_2000}};
    const auto midnight = floor<days>(time);
    const year_month_day date{midnight};
    const auto of_day = (time - midnight).count();
    std::array<char, 64> text{};
    std::snprintf(text.data(),
                  text.size(),
                  "%04d-%02u-%02u %02d:%02d:%02d",
                  static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()),
                  static_cast<int>(of_day / 3600),
                  static_cast<int>(of_day / 60 % 60),
                  static_cast<int>(of_day % 60));
    std::string result = text.data();
    if (fraction > 0) {
        std::snprintf(text.data(), text.size(), ".%06d", static_cast<int>(fraction));
        result += text.data();
        while (result.ends_with('0'))
            result.pop_back();
    }
    return result + "+00";
}

std::optional<std::int64_t> microseconds_since_2000(std::string_view text) {
    using namespace std::chrono;
    Reader reader(config::trim(text));
    const auto year_number = reader.digits(4, 4);
    if (!year_number || !reader.take('-')) return std::nullopt;
    const auto month_number = reader.digits(1, 2);
    if (!month_number || !reader.take('-')) return std::nullopt;
    const auto day_number = reader.digits(1, 2);
    if (!day_number) return std::nullopt;
    const year_month_day date{year{*year_number},
                              month{static_cast<unsigned>(*month_number)},
                              day{static_cast<unsigned>(*day_number)}};
    if (!date.ok()) return std::nullopt;
    const std::int64_t midnight = sys_days{date}.time_since_epoch().count() * seconds_a_day;
    std::int64_t result = (midnight - unix_seconds_of_2000) * microseconds_a_second;
    if (!reader.take('T')) reader.skip_blanks();
    if (reader.at_end()) return result;
    const auto of_day = time_of_day(reader);
    const auto from_utc = of_day ? offset(reader) : std::nullopt;
    if (!from_utc || !reader.at_end()) return std::nullopt;
    return result + *of_day - *from_utc;
}

std::int64_t microseconds_now() {
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count() -
           unix_seconds_of_2000 * microseconds_a_second;
}

std::string interval_text(double seconds) {
    const bool negative = seconds < 0;
    // More years than PostgreSQL's intervals have would not fit a number.
    const double most = 178'000'000.0 * 365 * seconds_a_day;
    const double whole = std::floor(std::min(std::abs(seconds), most));
    const auto count = static_cast<std::int64_t>(whole);
    const std::int64_t days = count / seconds_a_day;
    std::string text;
    const char* const sign = negative ? "-" : "";
    if (days > 0) text = sign + std::to_string(days) + (days == 1 && !negative ? " day" : " days");
    std::array<char, 64> time{};
    std::snprintf(time.data(),
                  time.size(),
                  "%s%02d:%02d:%02d",
                  sign,
                  static_cast<int>(count % seconds_a_day / 3600),
                  static_cast<int>(count / 60 % 60),
                  static_cast<int>(count % 60));
    const auto micro = static_cast<int>((std::min(std::abs(seconds), most) - whole) * 1e6);
    if (count % seconds_a_day == 0 && micro == 0 && days > 0) return text;
    if (!text.empty()) text += ' ';
    text += time.data();
    if (micro > 0) {
        std::snprintf(time.data(), time.size(), ".%06d", micro);
        text += time.data();
        while (text.ends_with('0'))
            text.pop_back();
    }
    return text;
}

std::optional<double> seconds_of_interval(std::string_view text) {
    Reader reader(config::trim(text));
    double total = 0;
    if (reader.at_end()) return std::nullopt;
    while (!reader.at_end()) {
        const bool negative = reader.take('-');
        if (!negative) (void)reader.take('+');
        Reader ahead = reader;
        double part = 0;
        if (const auto time = time_of_day(ahead)) {
            reader = ahead;
            part = static_cast<double>(*time) / 1e6;
        } else {
            const auto count = reader.number();
            if (!count) return std::nullopt;
            reader.skip_blanks();
            const std::string unit = reader.letters();
            const auto factor = unit.empty() ? std::optional<double>(1) : seconds_of_unit(unit);
            if (!factor) return std::nullopt;
            part = *count * *factor;
        }
        total += negative ? -part : part;
        reader.skip_blanks();
    }
    return total;
}

std::string float_text(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    std::array<char, 64> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
    return {text.data(), end};
}

} // namespace pgmoat::admin

#include "proxy/admin/status/page_format.h"

#include "protocol/shown_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace pgmoat::admin {

namespace {

constexpr std::size_t text_bytes_max = 512;

// "12" and "1.2", never "12.3": three digits are enough for eyes.
std::string short_number(double number) {
    std::array<char, 32> text{};
    const bool whole = number >= 10 || number < 0.05;
    std::snprintf(text.data(), text.size(), whole ? "%.0f" : "%.1f", number);
    return text.data();
}

} // namespace

std::string html(std::string_view text) {
    std::string out;
    std::string one_line(text);
    std::replace(
        one_line.begin(), one_line.end(), '\n', ' '); // of a detail; no mark of something odd
    for (const char c : protocol::make_visible(one_line, text_bytes_max)) {
        switch (c) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&quot;"; break;
        case '\'': out += "&#39;"; break;
        default: out += c;
        }
    }
    return out;
}

std::string with_separators(std::uint64_t number) {
    constexpr std::string_view narrow_space = "\u202F";
    std::string digits = std::to_string(number);
    for (std::size_t place = digits.size(); place > 3;) {
        place -= 3;
        digits.insert(place, narrow_space);
    }
    return digits;
}

std::string byte_count(double bytes) {
    constexpr std::array<const char*, 5> units{" B", " kB", " MB", " GB", " TB"};
    std::size_t unit = 0;
    for (; bytes >= 1000 && unit + 1 < units.size(); ++unit)
        bytes /= 1000;
    return short_number(bytes) + units[unit];
}

std::string age(std::chrono::steady_clock::duration duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    const auto part = [](std::int64_t count, const char* unit) {
        return std::to_string(count) + ' ' + unit;
    };
    if (seconds < 60) return part(seconds, "s");
    if (seconds < 3600) return part(seconds / 60, "min");
    if (seconds < 86400) return part(seconds / 3600, "h") + ' ' + part(seconds / 60 % 60, "min");
    return part(seconds / 86400, "d") + ' ' + part(seconds / 3600 % 24, "h");
}

std::string milliseconds(double seconds) {
    return seconds < 1 ? short_number(seconds * 1000) + " ms" : short_number(seconds) + " s";
}

std::string rate(double per_second) {
    return short_number(per_second);
}

std::string date(std::int64_t unix_seconds) {
    const std::time_t when = unix_seconds;
    std::tm parts{};
    std::array<char, 32> text{};
    if (::gmtime_r(&when, &parts) == nullptr) return {};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts)};
}

} // namespace pgmoat::admin

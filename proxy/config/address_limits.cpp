#include "proxy/config/address_limits.h"

#include "proxy/config/guc_value.h"
#include "proxy/config/limits.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace pgmoat::config {
namespace {

using std::chrono::milliseconds;
constexpr std::string_view burst_keyword = " burst=";
constexpr std::string_view expected =
    "Expected NUMBER/TIME or NUMBER/TIME burst=NUMBER, such as 20/1min burst=50.";

std::optional<std::uint32_t> parse_count(std::string_view text) noexcept {
    std::uint32_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return {};
    if (count == 0 || count > limits::rate_number_max) return {};
    return count;
}

std::optional<milliseconds> parse_time(std::string_view text) {
    constexpr std::string_view digits = "0123456789";
    if (text.empty()) return {};
    const bool unit_alone = digits.find(text[0]) == std::string_view::npos;
    const IntegerResult time = parse_integer("time",
                                             (unit_alone ? "1" : "") + std::string(text),
                                             {1, limits::rate_time_ms_max, Unit::milliseconds});
    if (!time.value) return {};
    return milliseconds{*time.value};
}

std::string text_of(milliseconds time) {
    constexpr std::array<std::pair<long, std::string_view>, 3> units{
        {{3'600'000, "h"}, {60'000, "min"}, {1'000, "s"}}};
    for (const auto& [unit, name] : units)
        if (time.count() % unit == 0)
            return std::to_string(time.count() / unit) + std::string(name);
    return std::to_string(time.count()) + "ms";
}

} // namespace

std::variant<Rate, std::string> parse_rate(std::string_view text) {
    if (text.empty()) return Rate{};
    const auto keyword = text.find(burst_keyword);
    const auto rate = text.substr(0, keyword);
    const auto slash = rate.find('/');
    if (slash == std::string_view::npos) return std::string(expected);
    const auto number = parse_count(rate.substr(0, slash));
    const auto per = parse_time(rate.substr(slash + 1));
    const auto burst = keyword == std::string_view::npos
                           ? number
                           : parse_count(text.substr(keyword + burst_keyword.size()));
    if (!number || !per || !burst) return std::string(expected);
    return Rate{*number, *per, *burst};
}

std::string text_of(const Rate& rate) {
    if (!rate.limits()) return {};
    std::string text = std::to_string(rate.number) + "/" +
                       text_of(std::chrono::duration_cast<milliseconds>(rate.per));
    if (rate.burst != rate.number) text += std::string(burst_keyword) + std::to_string(rate.burst);
    return text;
}

} // namespace pgmoat::config

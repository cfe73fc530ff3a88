// Parses field by field; anything left over or missing makes the whole text invalid.
#include "protocol/ip_text.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstddef>

namespace pgmoat::protocol {
namespace {

constexpr std::size_t groups_in_ipv6 = 8;

// Takes the text up to `separator` and the separator off the front.
std::string_view take_field(std::string_view& text, char separator) noexcept {
    const auto end = text.find(separator);
    const auto field = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return field;
}

// A leading zero is refused: some parsers take such a number for octal.
std::optional<std::uint32_t> decimal(std::string_view text, std::uint32_t at_most) noexcept {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return {};
    if (value > at_most || (text.size() > 1 && text[0] == '0')) return {};
    return value;
}

std::optional<std::uint16_t> hex_group(std::string_view text) noexcept {
    std::uint16_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (text.empty() || text.size() > 4 || error != std::errc{} ||
        end != text.data() + text.size() || text[0] == '-')
        return {};
    return value;
}

// Up to eight groups, each of 16 bits.
struct Groups {
    std::array<std::uint16_t, groups_in_ipv6> value{};
    std::size_t count = 0;

    [[nodiscard]] bool add(std::uint16_t group) noexcept {
        if (count == value.size()) return false;
        value[count++] = group;
        return true;
    }
};

std::uint16_t joined(std::uint8_t high, std::uint8_t low) noexcept {
    return static_cast<std::uint16_t>(high << 8 | low);
}

// The groups on one side of "::", or of the whole text. An empty text has no groups.
std::optional<Groups> parse_groups(std::string_view text, bool may_end_in_ipv4) noexcept {
    Groups groups;
    if (text.empty()) return groups;
    if (text.back() == ':') return {};
    while (!text.empty()) {
        const auto field = take_field(text, ':');
        const bool last = text.empty();
        if (last && may_end_in_ipv4 && field.find('.') != std::string_view::npos) {
            const auto quad = parse_ipv4(field);
            if (!quad || !groups.add(joined((*quad)[0], (*quad)[1])) ||
                !groups.add(joined((*quad)[2], (*quad)[3])))
                return {};
            break;
        }
        const auto group = hex_group(field);
        if (!group || !groups.add(*group)) return {};
    }
    return groups;
}

Ipv6Bytes bytes_of(const Groups& left, const Groups& right) noexcept {
    Ipv6Bytes bytes{};
    const auto put = [&bytes](std::size_t place, std::uint16_t group) {
        bytes[2 * place] = static_cast<std::uint8_t>(group >> 8);
        bytes[2 * place + 1] = static_cast<std::uint8_t>(group & 0xff);
    };
    for (std::size_t i = 0; i < left.count; ++i)
        put(i, left.value[i]);
    for (std::size_t i = 0; i < right.count; ++i)
        put(groups_in_ipv6 - right.count + i, right.value[i]);
    return bytes;
}

std::string ipv4_text(ByteView bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes)
        text += (text.empty() ? "" : ".") + std::to_string(byte);
    return text;
}

struct Run {
    std::size_t begin = 0;
    std::size_t length = 0;
};

Run longest_zero_run(const std::array<std::uint16_t, groups_in_ipv6>& groups) noexcept {
    Run longest;
    for (std::size_t i = 0; i < groups.size();) {
        Run run{i, 0};
        while (i < groups.size() && groups[i] == 0)
            ++i, ++run.length;
        if (run.length > longest.length) longest = run;
        if (run.length == 0) ++i;
    }
    return longest.length >= 2 ? longest : Run{groups_in_ipv6, 0};
}

std::string ipv6_text(ByteView bytes) {
    std::array<std::uint16_t, groups_in_ipv6> groups{};
    for (std::size_t i = 0; i < groups.size(); ++i)
        groups[i] = joined(bytes[2 * i], bytes[2 * i + 1]);
    const Run zeroes = longest_zero_run(groups);

    std::string text;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (i == zeroes.begin) {
            text += "::";
            i += zeroes.length - 1;
            continue;
        }
        if (!text.empty() && text.back() != ':') text += ':';
        std::array<char, 4> digits{};
        const auto end =
            std::to_chars(digits.data(), digits.data() + digits.size(), groups[i], 16).ptr;
        text.append(digits.data(), end);
    }
    return text;
}

} // namespace

std::optional<Ipv4Bytes> parse_ipv4(std::string_view text) noexcept {
    Ipv4Bytes bytes{};
    if (std::count(text.begin(), text.end(), '.') != 3) return {};
    for (std::uint8_t& byte : bytes) {
        const auto value = decimal(take_field(text, '.'), 255);
        if (!value) return {};
        byte = static_cast<std::uint8_t>(*value);
    }
    return bytes;
}

std::optional<Ipv6Bytes> parse_ipv6(std::string_view text) noexcept {
    const auto gap = text.find("::");
    if (gap == std::string_view::npos) {
        const auto groups = parse_groups(text, true);
        if (!groups || groups->count != groups_in_ipv6) return {};
        return bytes_of(*groups, {});
    }
    const auto left = parse_groups(text.substr(0, gap), false);
    const auto right = parse_groups(text.substr(gap + 2), true);
    if (!left || !right || left->count + right->count >= groups_in_ipv6) return {};
    return bytes_of(*left, *right);
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
    const auto value = decimal(text, 65'535);
    if (!value) return {};
    return static_cast<std::uint16_t>(*value);
}

std::string ip_text(ByteView bytes) {
    assert(bytes.size() == std::tuple_size_v<Ipv4Bytes> ||
           bytes.size() == std::tuple_size_v<Ipv6Bytes>);
    return bytes.size() == std::tuple_size_v<Ipv4Bytes> ? ipv4_text(bytes) : ipv6_text(bytes);
}

} // namespace pgmoat::protocol

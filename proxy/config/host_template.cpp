#include "proxy/config/host_template.h"

#include "proxy/config/limits.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <cstddef>

namespace pgmoat::config {

namespace {

constexpr std::size_t label_bytes_max = 63; // RFC 1035, section 2.3.4

// 0: not a group.
int group_of(char c) noexcept {
    return c >= 1 && c <= group_number_max ? c : 0;
}

bool is_label(std::string_view label) noexcept {
    return !label.empty() && label.size() <= label_bytes_max && label.front() != '-' &&
           label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' ||
                      c == '_';
           });
}

// getaddrinfo() takes 127.1, 2130706433 and 0x7f000001 for addresses: so does every name that ends
// in a number.
bool is_number(std::string_view label) noexcept {
    if (label.starts_with("0x") || label.starts_with("0X")) return true;
    return std::all_of(label.begin(), label.end(), is_digit);
}

bool is_host_name(std::string_view name) noexcept {
    if (name.size() > limits::host_name_bytes_max) return false;
    for (;;) {
        const std::size_t dot = name.find('.');
        const std::string_view label = name.substr(0, dot);
        if (!is_label(label)) return false;
        if (dot == std::string_view::npos) return !is_number(label);
        name.remove_prefix(dot + 1);
    }
}

} // namespace

int highest_group(std::string_view host) noexcept {
    int highest = 0;
    for (const char c : host)
        highest = std::max(highest, group_of(c));
    return highest;
}

std::string shown_host(std::string_view host) {
    std::string text;
    for (const char c : host)
        text += group_of(c) != 0 ? '\\' + std::to_string(group_of(c)) : std::string(1, c);
    return text;
}

std::optional<std::string> fill_host(std::string_view host,
                                     const std::vector<std::string>& groups) {
    std::string name;
    for (const char c : host) {
        const auto group = static_cast<std::size_t>(group_of(c));
        if (group == 0)
            name += c;
        else if (group < groups.size() && !groups[group].empty())
            name += groups[group];
        else
            return std::nullopt;
    }
    if (!is_host_name(name)) return std::nullopt;
    return name;
}

} // namespace pgmoat::config

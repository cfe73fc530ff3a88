#include "proxy/hba/server_name.h"

#include "proxy/config/text.h"

#include <re2/re2.h>

#include <cstddef>
#include <string>

namespace pgmoat::hba {

namespace {

bool is_below(std::string_view wanted, std::string_view name) {
    const std::size_t dot = name.find('.');
    return dot != std::string_view::npos && dot > 0 &&
           config::equal_ignoring_case(wanted.substr(1), name.substr(dot));
}

} // namespace

bool matches_server_name(const Rule& rule, std::string_view name) {
    if (!rule.sni) return true;
    if (name.empty()) return false;
    if (rule.sni_regex) return re2::RE2::PartialMatch(config::lower_case(name), *rule.sni_regex);
    return rule.sni->starts_with("*.") ? is_below(*rule.sni, name)
                                       : config::equal_ignoring_case(*rule.sni, name);
}

std::vector<std::string> groups_of_server_name(const Rule& rule, std::string_view name) {
    if (!rule.sni_regex || name.empty()) return {};
    const std::string lower = config::lower_case(name);
    const auto count = static_cast<std::size_t>(rule.sni_regex->NumberOfCapturingGroups()) + 1;
    std::vector<re2::StringPiece> found(count);
    if (!rule.sni_regex->Match(
            lower, 0, lower.size(), re2::RE2::UNANCHORED, found.data(), static_cast<int>(count)))
        return {};
    std::vector<std::string> groups;
    for (const auto& group : found)
        groups.emplace_back(group.data() == nullptr ? "" : std::string(group.data(), group.size()));
    return groups;
}

} // namespace pgmoat::hba

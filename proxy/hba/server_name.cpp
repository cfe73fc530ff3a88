#include "proxy/hba/server_name.h"

#include "proxy/config/text.h"

#include <re2/re2.h>

#include <cstddef>
#include <string>

namespace pgmoat::hba {

namespace {

bool equal_ignoring_case(std::string_view left, std::string_view right) {
    return config::lower_case(left) == config::lower_case(right);
}

bool is_below(std::string_view wanted, std::string_view name) {
    const std::size_t dot = name.find('.');
    return dot != std::string_view::npos && dot > 0 &&
           equal_ignoring_case(wanted.substr(1), name.substr(dot));
}

} // namespace

bool matches_server_name(const Rule& rule, std::string_view name) {
    if (!rule.sni) return true;
    if (name.empty()) return false;
    if (rule.sni_regex) return re2::RE2::PartialMatch(config::lower_case(name), *rule.sni_regex);
    return rule.sni->starts_with("*.") ? is_below(*rule.sni, name)
                                       : equal_ignoring_case(*rule.sni, name);
}

} // namespace pgmoat::hba

#include "proxy/hba/parse/unreachable_rules.h"

#include "proxy/hba/limits.h"

#include <algorithm>
#include <variant>

namespace pgmoat::hba {

namespace {

bool covers(RecordType first, RecordType second) {
    if (first == second) return true;
    return first == RecordType::host && second != RecordType::local;
}

// Among databases, `all` does not include physical replication.
bool covers(const NameMatch& first, const NameMatch& second) {
    using Kind = NameMatch::Kind;
    if (first.kind == Kind::all) return second.kind != Kind::replication;
    return first.kind == second.kind && first.text == second.text;
}

bool covers(const std::vector<NameMatch>& first, const std::vector<NameMatch>& second) {
    return std::all_of(second.begin(), second.end(), [&first](const NameMatch& name) {
        return std::any_of(first.begin(), first.end(), [&name](const NameMatch& earlier) {
            return covers(earlier, name);
        });
    });
}

// Every address of the second range is in the first.
bool covers(const AddressRange& first, const AddressRange& second) {
    if (first.base.family != second.base.family) return false;
    for (std::size_t i = 0; i < first.mask.bytes.size(); ++i) {
        const auto mask = first.mask.bytes[i];
        if ((second.mask.bytes[i] & mask) != mask) return false;
        if ((first.base.bytes[i] & mask) != (second.base.bytes[i] & mask)) return false;
    }
    return true;
}

bool covers(const AddressMatch& first, const AddressMatch& second) {
    if (std::holds_alternative<AnyAddress>(first)) return true;
    if (first.index() != second.index()) return false;
    if (const auto* range = std::get_if<AddressRange>(&first))
        return covers(*range, std::get<AddressRange>(second));
    if (const auto* host = std::get_if<HostName>(&first))
        return host->name == std::get<HostName>(second).name;
    return true; // samehost, samenet
}

bool covers(const Rule& first, const Rule& second) {
    return covers(first.type, second.type) && covers(first.databases, second.databases) &&
           covers(first.users, second.users) && covers(first.address, second.address) &&
           (!first.sni || first.sni == second.sni);
}

} // namespace

std::vector<UnreachableRule> unreachable_rules(const std::vector<Rule>& rules) {
    std::vector<UnreachableRule> found;
    const std::size_t looked_at = std::min(rules.size(), limits::compared_rules_max);
    for (std::size_t i = 0; i < looked_at; ++i)
        for (std::size_t earlier = 0; earlier < i; ++earlier)
            if (covers(rules[earlier], rules[i])) {
                found.push_back({i, earlier});
                break;
            }
    return found;
}

} // namespace pgmoat::hba

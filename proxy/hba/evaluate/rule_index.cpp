#include "proxy/hba/evaluate/rule_index.h"

#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/hba/evaluate/match.h"
#include "proxy/hba/rule.h"

#include <algorithm>
#include <functional>
#include <string_view>

namespace pgmoat::hba {
namespace {

// The marks: one bit for each kind of connection, one for physical replication, and a Bloom filter
// of exact database names. A name sets three of 56 bits; with ten names in it, the filter passes
// about one in fourteen other names. Users have an index instead, since their lists can be long.
constexpr unsigned kinds = 7;
constexpr std::uint64_t physical_replication = std::uint64_t{1} << kinds;
constexpr unsigned first_database_bit = kinds + 1;
constexpr unsigned name_bits = 56;
static_assert(first_database_bit + name_bits == 64);
constexpr std::uint64_t any_name = (std::uint64_t{1} << name_bits) - 1;

struct ConnectionKind {
    Family family;
    bool tls;
    bool gss;
};
constexpr ConnectionKind kind_of_bit[kinds] = {{Family::local, false, false},
                                               {Family::ipv4, false, false},
                                               {Family::ipv4, true, false},
                                               {Family::ipv4, false, true},
                                               {Family::ipv6, false, false},
                                               {Family::ipv6, true, false},
                                               {Family::ipv6, false, true}};

std::uint64_t marks_of_name(std::string_view name) {
    const std::uint64_t hash = std::hash<std::string_view>{}(name);
    std::uint64_t marks = 0;
    for (const unsigned shift : {0U, 20U, 40U})
        marks |= std::uint64_t{1} << ((hash >> shift) % name_bits);
    return marks;
}

// Anything but an exact name may match any database. Physical replication has its own mark.
std::uint64_t marks_of_names(const std::vector<NameMatch>& names) {
    std::uint64_t marks = 0;
    for (const NameMatch& name : names) {
        if (name.kind == NameMatch::Kind::exact)
            marks |= marks_of_name(name.text);
        else if (name.kind != NameMatch::Kind::replication)
            marks = any_name;
    }
    return marks;
}

std::uint64_t marks_of_kinds(const Rule& rule) {
    const auto* range = std::get_if<AddressRange>(&rule.address);
    std::uint64_t marks = 0;
    for (unsigned bit = 0; bit < kinds; ++bit) {
        const ConnectionKind& kind = kind_of_bit[bit];
        const bool family_fits = range == nullptr || range->base.family == kind.family;
        if (family_fits && matches_type(rule.type, kind.family, kind.tls, kind.gss))
            marks |= std::uint64_t{1} << bit;
    }
    return marks;
}

std::uint64_t marks_of_kind(const Candidate& candidate) {
    for (unsigned bit = 0; bit < kinds; ++bit) {
        const ConnectionKind& kind = kind_of_bit[bit];
        if (kind.family != candidate.address.family) continue;
        if (kind.family == Family::local ||
            (kind.tls == candidate.tls && kind.gss == candidate.gss))
            return std::uint64_t{1} << bit;
    }
    return 0; // TLS and GSS at once is impossible; let the evaluation see every rule
}

std::uint64_t first_bits(const NetAddress& address) {
    const std::size_t count = address.family == Family::ipv6 ? 8 : 4;
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < count; ++i)
        bits = bits << 8 | address.bytes[i];
    return bits;
}

bool are_names_alone(const std::vector<NameMatch>& names) {
    return std::ranges::all_of(
        names, [](const NameMatch& name) { return name.kind == NameMatch::Kind::exact; });
}

} // namespace

RuleIndex::Key RuleIndex::key(const Candidate& candidate) const {
    const bool physical = candidate.replication == protocol::Replication::physical;
    const std::uint64_t database =
        physical ? physical_replication : marks_of_name(candidate.database) << first_database_bit;
    const auto named = by_user_.find(candidate.user);
    return {marks_of_kind(candidate) | database,
            first_bits(candidate.address),
            named == by_user_.end() ? nullptr : &named->second};
}

RuleIndex::RuleIndex(const std::vector<Rule>& rules) {
    entries_.reserve(rules.size());
    for (const Rule& rule : rules) {
        const auto position = static_cast<std::uint32_t>(entries_.size());
        Entry entry{marks_of_kinds(rule), 0, 0};
        entry.marks |= marks_of_names(rule.databases) << first_database_bit;
        for (const NameMatch& name : rule.databases)
            if (name.kind == NameMatch::Kind::replication) entry.marks |= physical_replication;
        if (const auto* range = std::get_if<AddressRange>(&rule.address)) {
            entry.base = first_bits(range->base);
            entry.mask = first_bits(range->mask);
        }
        entries_.push_back(entry);
        if (!are_names_alone(rule.users)) {
            open_.push_back(position);
            continue;
        }
        for (const NameMatch& name : rule.users) {
            Positions& positions = by_user_[name.text];
            if (positions.empty() || positions.back() != position) positions.push_back(position);
        }
    }
}

std::size_t RuleIndex::next(std::size_t position, const Key& key) const noexcept {
    static const Positions none;
    const Positions& named = key.by_user == nullptr ? none : *key.by_user;
    auto by_name = std::ranges::lower_bound(named, position);
    auto open = std::ranges::lower_bound(open_, position);
    while (by_name != named.end() || open != open_.end()) {
        const bool name_is_next =
            open == open_.end() || (by_name != named.end() && *by_name < *open);
        const std::uint32_t at = name_is_next ? *by_name++ : *open++;
        if (entries_[at].may_match(key)) return at;
    }
    return entries_.size();
}

} // namespace pgmoat::hba

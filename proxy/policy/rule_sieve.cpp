#include "proxy/policy/rule_sieve.h"

#include "proxy/policy/evaluation.h"
#include "proxy/policy/match.h"
#include "proxy/policy/rule.h"

#include <functional>
#include <string_view>

namespace pgmoat::policy {
namespace {

// The marks: one bit for each kind of connection, one for physical replication, and two Bloom
// filters of exact names. A name sets three bits of 28, so one in 3000 other names passes.
constexpr unsigned kinds = 7;
constexpr std::uint64_t physical_replication = std::uint64_t{1} << kinds;
constexpr unsigned first_database_bit = kinds + 1;
constexpr unsigned name_bits = 28;
constexpr unsigned first_user_bit = first_database_bit + name_bits;
static_assert(first_user_bit + name_bits == 64);
constexpr std::uint64_t any_name = (std::uint64_t{1} << name_bits) - 1;

struct Kind {
    Family family;
    bool tls;
    bool gss;
};
constexpr Kind kind_of_bit[kinds] = {{Family::local, false, false},
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

// What is no exact name may match any name. Physical replication has a mark of its own.
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
        const Kind& kind = kind_of_bit[bit];
        const bool family_fits = range == nullptr || range->base.family == kind.family;
        if (family_fits && matches_type(rule.type, kind.family, kind.tls, kind.gss))
            marks |= std::uint64_t{1} << bit;
    }
    return marks;
}

std::uint64_t marks_of_kind(const Candidate& candidate) {
    for (unsigned bit = 0; bit < kinds; ++bit) {
        const Kind& kind = kind_of_bit[bit];
        if (kind.family != candidate.address.family) continue;
        if (kind.family == Family::local ||
            (kind.tls == candidate.tls && kind.gss == candidate.gss))
            return std::uint64_t{1} << bit;
    }
    return 0; // TLS and GSS at once does not exist; let the evaluation see every rule
}

std::uint64_t first_bits(const NetAddress& address) {
    const std::size_t count = address.family == Family::ipv6 ? 8 : 4;
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < count; ++i)
        bits = bits << 8 | address.bytes[i];
    return bits;
}

} // namespace

SieveKey sieve_key(const Candidate& candidate) {
    const bool physical = candidate.replication == protocol::Replication::physical;
    const std::uint64_t database =
        physical ? physical_replication : marks_of_name(candidate.database) << first_database_bit;
    const std::uint64_t user = marks_of_name(candidate.user) << first_user_bit;
    return {marks_of_kind(candidate) | database | user, first_bits(candidate.address)};
}

RuleSieve::RuleSieve(const std::vector<Rule>& rules) {
    entries_.reserve(rules.size());
    for (const Rule& rule : rules) {
        Entry entry{marks_of_kinds(rule), 0, 0};
        entry.marks |= marks_of_names(rule.databases) << first_database_bit;
        entry.marks |= marks_of_names(rule.users) << first_user_bit;
        for (const NameMatch& name : rule.databases)
            if (name.kind == NameMatch::Kind::replication) entry.marks |= physical_replication;
        if (const auto* range = std::get_if<AddressRange>(&rule.address)) {
            entry.base = first_bits(range->base);
            entry.mask = first_bits(range->mask);
        }
        entries_.push_back(entry);
    }
}

std::size_t RuleSieve::next(std::size_t place, const SieveKey& key) const noexcept {
    for (; place < entries_.size(); ++place) {
        const Entry& entry = entries_[place];
        const std::uint64_t lacking = key.marks & ~entry.marks;
        const std::uint64_t outside = (key.address ^ entry.base) & entry.mask;
        if ((lacking | outside) == 0) break;
    }
    return place;
}

} // namespace pgmoat::policy

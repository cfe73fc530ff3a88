#include "proxy/cli/client_classes.h"

#include "proxy/cli/limits.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>
#include <variant>

namespace pgmoat::cli {

namespace {

using hba::NameMatch;
using hba::Rule;
using hba::Rules;

// A name that is in no file: names in files contain no control characters.
const std::string unnamed = "\x01";

bool is_in_doubt(const NameMatch& name, bool is_known) {
    using Kind = NameMatch::Kind;
    if (name.needs_roles()) return true;
    return name.kind == Kind::regex && !is_known;
}

bool any_in_doubt(const std::vector<NameMatch>& names, bool is_known) {
    return std::any_of(names.begin(), names.end(), [is_known](const NameMatch& name) {
        return is_in_doubt(name, is_known);
    });
}

bool is_in_doubt(const hba::AddressMatch& address) {
    return !std::holds_alternative<hba::AnyAddress>(address) &&
           !std::holds_alternative<hba::AddressRange>(address);
}

bool is_in_doubt(const Rule& rule, const Who& who) {
    return any_in_doubt(rule.users, !who.user.empty()) ||
           any_in_doubt(rule.databases, !who.database.empty()) || is_in_doubt(rule.address);
}

void make_certain(std::vector<NameMatch>& names, bool is_known) {
    if (any_in_doubt(names, is_known)) names = {NameMatch{NameMatch::Kind::all, "all", nullptr}};
}

Rule made_certain(Rule rule, const Who& who) {
    make_certain(rule.users, !who.user.empty());
    make_certain(rule.databases, !who.database.empty());
    if (is_in_doubt(rule.address)) rule.address = hba::AnyAddress{};
    return rule;
}

std::set<std::string> names_in(const Rules& rules, std::vector<NameMatch> Rule::*which) {
    std::set<std::string> names{unnamed};
    for (const Rule& rule : rules.rules)
        for (const NameMatch& name : rule.*which)
            if (name.kind == NameMatch::Kind::exact) names.insert(name.text);
    return names;
}

// The last address of a network: a smaller network inside it mostly begins at the same address.
std::string last_of(const hba::AddressRange& range) {
    hba::NetAddress address = range.base;
    const std::size_t size = address.family == hba::Family::ipv4 ? 4 : 16;
    for (std::size_t i = 0; i < size; ++i)
        address.bytes[i] = static_cast<std::uint8_t>(range.base.bytes[i] | ~range.mask.bytes[i]);
    return hba::text_of(address);
}

std::set<std::string> addresses_in(const Rules& rules) {
    std::set<std::string> addresses{"192.0.2.1", "2001:db8::1"}; // reserved for documentation
    for (const Rule& rule : rules.rules) {
        const auto* range = std::get_if<hba::AddressRange>(&rule.address);
        if (range == nullptr) continue;
        addresses.insert(hba::text_of(range->base));
        addresses.insert(last_of(*range));
    }
    return addresses;
}

template <class Names>
std::set<std::string> known_or(const std::string& known, const Names& names) {
    return known.empty() ? names() : std::set<std::string>{known};
}

} // namespace

std::vector<ClientClass> client_classes(const Rules& rules, const Who& who) {
    const auto users = known_or(who.user, [&] { return names_in(rules, &Rule::users); });
    auto databases = known_or(who.database, [&] { return names_in(rules, &Rule::databases); });
    const auto addresses = known_or(who.address, [&] { return addresses_in(rules); });
    // `sameuser` needs the same name as user and database.
    if (who.database.empty()) databases.insert(users.begin(), users.end());
    std::vector<ClientClass> classes;
    for (const std::string& user : users)
        for (const std::string& database : databases)
            for (const std::string& address : addresses) {
                if (classes.size() == client_classes_max) return classes;
                classes.push_back({user, database, address});
            }
    return classes;
}

std::vector<Rules> guesses_about(const Rules& rules, const Who& who) {
    const auto with_match = [&](const Rule* first) {
        Rules guess;
        guess.file = rules.file;
        guess.ident = rules.ident;
        for (const Rule& rule : rules.rules) {
            const bool in_doubt = is_in_doubt(rule, who);
            if (in_doubt && &rule != first) continue;
            guess.rules.push_back(in_doubt ? made_certain(rule, who) : rule);
            // It is assumed that the client has the right certificate for its user.
            guess.rules.back().map.clear();
        }
        return guess;
    };
    std::vector<Rules> guesses{with_match(nullptr)};
    for (const Rule& rule : rules.rules)
        if (is_in_doubt(rule, who) && guesses.size() < guesses_max)
            guesses.push_back(with_match(&rule));
    return guesses;
}

bool lets_in(const Rules& rules, const hba::Candidate& candidate) {
    hba::Evaluation evaluation(rules, candidate);
    auto step = evaluation.next();
    auto* decision = std::get_if<hba::Decision>(&step);
    return decision != nullptr &&
           !hba::after_server_hello(std::move(*decision), candidate).refuses();
}

} // namespace pgmoat::cli

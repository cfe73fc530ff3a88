#include "proxy/hba/evaluate/match.h"

#include "proxy/config/text.h"
#include "proxy/hba/server_name.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace pgmoat::hba {
namespace {

using Kind = NameMatch::Kind;

bool found_by(const NameMatch& wanted, std::string_view name) {
    return re2::RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), *wanted.regex);
}

Match is_member(std::string_view role, const Answers& known) {
    if (!known.roles || !known.roles->error.empty()) return Question::user_roles;
    return known.roles->roles.contains(std::string(role));
}

Match match_database(const NameMatch& wanted, const Candidate& candidate, const Answers& known) {
    if (candidate.replication == protocol::Replication::physical)
        return wanted.kind == Kind::replication;
    switch (wanted.kind) {
    case Kind::all: return true;
    case Kind::same_user: return candidate.database == candidate.user;
    case Kind::same_role: return is_member(candidate.database, known);
    case Kind::regex: return found_by(wanted, candidate.database);
    case Kind::exact: return wanted.text == candidate.database;
    case Kind::replication:
    case Kind::role: return false;
    }
    return false;
}

// Whether one of the tokens matches. A question is returned only if no other token matches.
template <typename MatchToken>
Match match_any(const std::vector<NameMatch>& tokens, const MatchToken& match_token) {
    Match whole = false;
    for (const NameMatch& token : tokens) {
        const Match part = match_token(token);
        if (part == Match(true)) return part;
        if (std::holds_alternative<Question>(part)) whole = part;
    }
    return whole;
}

Match match_databases(const Rule& rule, const Candidate& candidate, const Answers& known) {
    return match_any(rule.databases, [&](const NameMatch& token) {
        return match_database(token, candidate, known);
    });
}

Match match_users(const Rule& rule, const Candidate& candidate, const Answers& known) {
    return match_any(rule.users, [&](const NameMatch& token) {
        return match_user(token, candidate.user, known);
    });
}

// ".example.com" matches names below example.com.
bool names_host(std::string_view wanted, std::string_view name) {
    if (!wanted.starts_with('.')) return config::equal_ignoring_case(wanted, name);
    return name.size() >= wanted.size() &&
           config::equal_ignoring_case(wanted, name.substr(name.size() - wanted.size()));
}

Match match_host_name(const HostName& wanted, Answers& known) {
    if (!known.host_name) return Question::client_host_name;
    if (known.host_name->name.empty() || !names_host(wanted.name, known.host_name->name))
        return false;
    known.forward_used = true;
    return known.host_name->forward_matches;
}

template <typename Contains>
Match match_interfaces(const Answers& known, const Contains& contains) {
    if (!known.interfaces) return Question::own_interfaces;
    return std::ranges::any_of(known.interfaces->networks, contains);
}

Match match_address(const AddressMatch& wanted, const NetAddress& address, Answers& known) {
    if (const auto* range = std::get_if<AddressRange>(&wanted)) return range->contains(address);
    if (const auto* name = std::get_if<HostName>(&wanted)) return match_host_name(*name, known);
    if (std::holds_alternative<SameHost>(wanted))
        return match_interfaces(known,
                                [&](const AddressRange& own) { return own.base == address; });
    if (std::holds_alternative<SameNet>(wanted))
        return match_interfaces(known,
                                [&](const AddressRange& own) { return own.contains(address); });
    return true;
}

} // namespace

bool matches_type(RecordType type, Family family, bool tls, bool gss) noexcept {
    if (family == Family::local) return type == RecordType::local;
    switch (type) {
    case RecordType::local: return false;
    case RecordType::host: return true;
    case RecordType::hostssl: return tls;
    case RecordType::hostnossl: return !tls;
    case RecordType::hostgssenc: return gss;
    case RecordType::hostnogssenc: return !gss;
    }
    return false;
}

Match match_user(const NameMatch& wanted, std::string_view user, const Answers& known) {
    switch (wanted.kind) {
    case Kind::all: return true;
    case Kind::role: return is_member(wanted.text, known);
    case Kind::regex: return found_by(wanted, user);
    case Kind::exact: return wanted.text == user;
    case Kind::replication:
    case Kind::same_user:
    case Kind::same_role: return false;
    }
    return false;
}

Match match(const Rule& rule, const Candidate& candidate, Answers& known) {
    if (!matches_type(rule.type, candidate.address.family, candidate.tls, candidate.gss))
        return false;
    if (!matches_server_name(rule, candidate.server_name)) return false;
    const Match database = match_databases(rule, candidate, known);
    if (database == Match(false)) return false;
    const Match user = match_users(rule, candidate, known);
    if (user == Match(false)) return false;
    const Match address = match_address(rule.address, candidate.address, known);
    if (address != Match(true)) return address;
    return database == Match(true) ? user : database;
}

} // namespace pgmoat::hba

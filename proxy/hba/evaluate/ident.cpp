#include "proxy/hba/evaluate/ident.h"

#include "proxy/config/text.h"
#include "proxy/hba/evaluate/match.h"

#include <re2/re2.h>

#include <cstddef>
#include <optional>

namespace pgmoat::hba {
namespace {

using Kind = NameMatch::Kind;
using config::in_quotes;
constexpr std::string_view back_reference = "\\1";

// The result of a line's regular expression for a system user name.
struct Found {
    bool matched = false;
    std::optional<std::string> group; // the first group, if it took part in the match
};

Found find(const re2::RE2& regex, const std::string& system_user) {
    re2::StringPiece groups[2];
    const int wanted = regex.NumberOfCapturingGroups() > 0 ? 2 : 1;
    const re2::StringPiece text(system_user);
    if (!regex.Match(text, 0, text.size(), re2::RE2::UNANCHORED, groups, wanted)) return {};
    if (groups[1].data() == nullptr) return {true, std::nullopt};
    return {true, std::string(groups[1].data(), groups[1].size())};
}

// Replaces only the first occurrence, as PostgreSQL 18 does.
std::string replace_first(std::string text, std::string_view from, std::string_view to) {
    return text.replace(text.find(from), from.size(), to);
}

Mapping mapping_of(const Match& match) {
    if (const auto* question = std::get_if<Question>(&match)) return *question;
    if (std::get<bool>(match)) return MayBe{};
    return MayNotBe{};
}

// With a reason the search ends; without one the next line is tried.
Mapping try_line(const IdentLine& line,
                 const std::string& system_user,
                 const std::string& user,
                 const Answers& known) {
    if (line.system_user.kind != Kind::regex) {
        if (line.system_user.text != system_user) return MayNotBe{};
        return mapping_of(match_user(line.database_user, user, known));
    }
    const Found found = find(*line.system_user.regex, system_user);
    if (!found.matched) return MayNotBe{};
    const NameMatch& wanted = line.database_user;
    const bool refers_back =
        wanted.kind == Kind::exact && wanted.text.find(back_reference) != std::string::npos;
    if (!refers_back) return mapping_of(match_user(wanted, user, known));
    if (!found.group)
        return MayNotBe{"regular expression " + in_quotes(line.system_user.text) +
                        " has no subexpressions as requested by backreference in " +
                        in_quotes(wanted.text)};
    // The group's text is a plain name, even if it is "all" or "+staff".
    if (replace_first(wanted.text, back_reference, *found.group) == user) return MayBe{};
    return MayNotBe{};
}

} // namespace

Mapping map_user(const Rules& rules,
                 const std::string& map,
                 const std::string& system_user,
                 const std::string& user,
                 const Answers& known) {
    if (map.empty()) {
        if (system_user == user) return MayBe{};
        return MayNotBe{"provided user name (" + user + ") and authenticated user name (" +
                        system_user + ") do not match"};
    }
    for (const IdentLine& line : rules.ident) {
        if (line.map != map) continue;
        Mapping mapping = try_line(line, system_user, user, known);
        const auto* refused = std::get_if<MayNotBe>(&mapping);
        if (refused == nullptr || !refused->reason.empty()) return mapping;
    }
    return MayNotBe{"no match in usermap " + in_quotes(map) + " for user " + in_quotes(user) +
                    " authenticated as " + in_quotes(system_user)};
}

} // namespace pgmoat::hba

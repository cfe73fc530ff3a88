#include "proxy/hba/parse/names.h"

#include "proxy/hba/parse/regex.h"

#include <utility>

namespace pgmoat::hba {
namespace {

using Kind = NameMatch::Kind;

// A text beginning with "/" is a regular expression even in quotes; otherwise it is an exact name.
ParsedName regex_or_exact(const std::string& text) {
    if (!text.starts_with('/')) return NameMatch{Kind::exact, text, nullptr};
    const std::string pattern = text.substr(1);
    CompiledRegex compiled = compile_regex(pattern);
    if (!compiled.regex) return LineError{std::move(compiled.error), {}};
    return NameMatch{Kind::regex, pattern, std::move(compiled.regex)};
}

} // namespace

ParsedName parse_database(const config::TableToken& token) {
    if (token.quoted) return regex_or_exact(token.text);
    if (token.text == "all") return NameMatch{Kind::all, token.text, nullptr};
    if (token.text == "replication") return NameMatch{Kind::replication, token.text, nullptr};
    if (token.text == "sameuser") return NameMatch{Kind::same_user, token.text, nullptr};
    if (token.text == "samerole" || token.text == "samegroup")
        return NameMatch{Kind::same_role, token.text, nullptr};
    return regex_or_exact(token.text);
}

ParsedName parse_user(const config::TableToken& token) {
    if (token.quoted) return regex_or_exact(token.text);
    if (token.text == "all") return NameMatch{Kind::all, token.text, nullptr};
    if (token.text.starts_with('+')) return NameMatch{Kind::role, token.text.substr(1), nullptr};
    return regex_or_exact(token.text);
}

std::string text_of(const NameMatch& name) {
    if (name.kind == Kind::regex) return "/" + name.text;
    if (name.kind == Kind::role) return "+" + name.text;
    return name.text;
}

} // namespace pgmoat::hba

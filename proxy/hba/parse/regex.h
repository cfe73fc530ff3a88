// One regular expression of a rule, compiled. Matches bytes, anywhere in a name unless it is
// anchored, as PostgreSQL does during authentication. Called by the parsers.
#pragma once

#include <memory>
#include <string>

namespace re2 {
class RE2;
}

namespace pgmoat::hba {

struct CompiledRegex {
    std::shared_ptr<const re2::RE2> regex;
    std::string error;         // `invalid regular expression "x": why`; then regex is null
    bool plain_capture = true; // see are_syntax.h
};

[[nodiscard]] CompiledRegex compile_regex(const std::string& pattern);

} // namespace pgmoat::hba

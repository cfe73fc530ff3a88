// PostgreSQL's advanced regular expressions in RE2's syntax: what means the same in both is
// translated piece by piece, and everything else is an error, so that no expression can change its
// meaning. Pure. Called by regex only. Source: PostgreSQL, src/backend/regex/regc_lex.c and
// regcomp.c.
#pragma once

#include <string>
#include <string_view>

namespace pgmoat::hba {

struct AreTranslation {
    std::string re2;   // for Latin-1 and dot_nl: PostgreSQL matches bytes while it authenticates
    std::string error; // PostgreSQL's, or ours if it cannot be translated; then re2 is empty
    // The first group captures the same text in both: the expression is a sequence of greedy parts.
    // With alternatives, repeated groups or non-greedy parts it may differ.
    bool plain_capture = true;
};

[[nodiscard]] AreTranslation translate_are(std::string_view pattern);

} // namespace pgmoat::hba

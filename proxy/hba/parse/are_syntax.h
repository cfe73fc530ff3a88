// PostgreSQL's advanced regular expressions in RE2's syntax: what means the same in both is
// translated piece by piece, everything else is an error, so that no text slips through with
// another meaning. Pure. Called by regex alone.
// Source: PostgreSQL, src/backend/regex/regc_lex.c and regcomp.c.
#pragma once

#include <string>
#include <string_view>

namespace pgmoat::hba {

struct AreTranslation {
    std::string re2;   // for Latin-1 and dot_nl: PostgreSQL matches bytes while it authenticates
    std::string error; // PostgreSQL's text, or ours about what is not translated; then no re2
    // What the first group holds is the same in both: one thing behind the other, each as long as
    // it can be. With alternatives, repeated groups or non-greedy parts it need not be.
    bool plain_capture = true;
};

[[nodiscard]] AreTranslation translate_are(std::string_view pattern);

} // namespace pgmoat::hba

// A statement as tokens, by PostgreSQL's lexical rules: names, numbers, strings (plain, E'' and
// dollar-quoted), parameters and operators. Blanks and comments are dropped.
// Source: PostgreSQL's src/backend/parser/scan.l.
#pragma once

#include "proxy/admin/console/table.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pgmoat::admin::sql {

struct Token {
    enum class Kind { word, quoted_name, number, string, parameter, sign, end };
    Kind kind = Kind::end;
    std::string text = {};         // a word in lower case; strings and quoted names as they read
    std::string_view written = {}; // as the client wrote it, for error messages

    // A keyword or a sign; what stands in quotes is neither.
    [[nodiscard]] bool is(std::string_view other) const {
        return (kind == Kind::word || kind == Kind::sign) && text == other;
    }
    [[nodiscard]] bool is_name() const { return kind == Kind::word || kind == Kind::quoted_name; }
};

// Of one statement or of several; the last one is always `end`.
using Tokens = std::vector<Token>;

// The texts that `written` refers to must outlive the tokens.
[[nodiscard]] std::variant<Tokens, SqlError> tokenize(std::string_view text);

// The statements of a text, split at semicolons, each with an `end` of its own; at least one.
[[nodiscard]] std::vector<Tokens> split_statements(Tokens tokens);

// PostgreSQL's error for a token that does not belong where it is.
[[nodiscard]] SqlError syntax_error(const Token& token);

} // namespace pgmoat::admin::sql

// Cuts the text of a postgresql.conf into tokens, by the rules of PostgreSQL's guc-file.l: the
// longest match wins, and of two equally long ones the first in the order of TokenKind. Pure; used
// by guc_file.cpp only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pgmoat::config {

enum class TokenKind {
    identifier,           // port
    qualified_identifier, // upstream.reports; as a value it must be quoted
    quoted_string,        // 'it''s', with its quotes
    unquoted_string,      // a/b:c-d.e, beginning with a letter
    integer,              // -5, 0x1f, 10min
    real,                 // 1.5, without unit
    equals,
    end_of_line,
    end_of_file,
    unknown, // one byte that begins no token
};

struct Token {
    TokenKind kind;
    std::string_view text;
};

class GucLexer {
  public:
    explicit GucLexer(std::string_view text) noexcept : rest_(text) {}

    [[nodiscard]] Token next() noexcept;

    // The line of the last token, counted from 1.
    [[nodiscard]] unsigned line() const noexcept { return line_; }

  private:
    void skip_blanks_and_comment() noexcept;

    std::string_view rest_;
    unsigned line_ = 1;
    bool line_ended_ = false;
};

// The value of a quoted_string token: without its quotes, and with '' and backslash escapes
// replaced (\b \f \n \r \t, octal; any other character stands for itself).
[[nodiscard]] std::string unquote(std::string_view quoted);

} // namespace pgmoat::config

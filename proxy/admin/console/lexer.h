// The console's words: names, numbers, strings and signs, blanks and comments left out, by
// PostgreSQL's rules as far as they matter here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::admin {

struct Word {
    enum class Kind { name, number, string, sign };
    Kind kind = Kind::sign;
    std::string text;         // a name in lower case unless quoted; a string without its quotes
    std::string_view written; // for error texts

    [[nodiscard]] bool is(std::string_view other) const {
        return kind != Kind::string && text == other;
    }
};

class Lexer {
  public:
    explicit Lexer(std::string_view text) noexcept : rest_(text) {}

    // Nothing: the end, or a quote or comment that does not end, or one that is none here.
    [[nodiscard]] std::optional<Word> next();
    [[nodiscard]] bool unterminated() const noexcept { return unterminated_; }
    // E'...' or $$...$$: read as plain quotes, their inside would become statements.
    [[nodiscard]] bool unsupported_quote() const noexcept { return unsupported_quote_; }
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

  private:
    [[nodiscard]] bool at_unsupported_quote() const;
    void skip_blanks_and_comments();
    void skip_block_comment();
    [[nodiscard]] std::optional<Word> quoted(char quote, Word::Kind kind);
    [[nodiscard]] Word bare(std::size_t length, Word::Kind kind);

    std::string_view rest_;
    bool unterminated_ = false;
    bool unsupported_quote_ = false;
};

} // namespace pgmoat::admin

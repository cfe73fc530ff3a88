#include "proxy/admin/console/lexer.h"

#include "proxy/config/text.h"

#include <algorithm>

namespace pgmoat::admin {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Bytes above ASCII are letters, as in PostgreSQL.
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}

template <typename Belongs>
std::size_t length_while(std::string_view text, Belongs belongs) {
    const auto end = std::ranges::find_if_not(text, belongs);
    return static_cast<std::size_t>(end - text.begin());
}

} // namespace

std::optional<Word> Lexer::next() {
    skip_blanks_and_comments();
    if (rest_.empty() || unterminated_) return std::nullopt;
    if (at_unsupported_quote()) {
        unsupported_quote_ = true;
        rest_ = {};
        return std::nullopt;
    }
    const char first = rest_.front();
    if (first == '\'') return quoted('\'', Word::Kind::string);
    if (first == '"') return quoted('"', Word::Kind::name);
    if (is_digit(first))
        return bare(length_while(rest_, [](char c) { return is_digit(c) || is_letter(c); }),
                    Word::Kind::number);
    if (is_letter(first))
        return bare(
            length_while(rest_, [](char c) { return is_letter(c) || is_digit(c) || c == '$'; }),
            Word::Kind::name);
    return bare(1, Word::Kind::sign);
}

bool Lexer::at_unsupported_quote() const {
    const char first = rest_.front();
    const char second = rest_.size() > 1 ? rest_[1] : ' ';
    if (first == 'e' || first == 'E') return second == '\'';
    return first == '$' && (second == '$' || is_letter(second));
}

void Lexer::skip_blanks_and_comments() {
    for (;;) {
        rest_.remove_prefix(length_while(rest_, config::is_blank));
        if (rest_.starts_with("--"))
            rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
        else if (rest_.starts_with("/*"))
            skip_block_comment();
        else
            return;
    }
}

// They nest. One pass: whoever searches for each end anew needs seconds for 64 KB of beginnings.
void Lexer::skip_block_comment() {
    std::size_t depth = 0;
    for (std::size_t i = 0; i + 1 < rest_.size();) {
        const std::string_view two = rest_.substr(i, 2);
        const bool opens = two == "/*";
        if (!opens && two != "*/") {
            ++i;
            continue;
        }
        i += 2;
        depth = opens ? depth + 1 : depth - 1;
        if (depth == 0) return rest_.remove_prefix(i);
    }
    unterminated_ = true;
    rest_ = {};
}

// A doubled quote stands for one.
std::optional<Word> Lexer::quoted(char quote, Word::Kind kind) {
    Word word;
    word.kind = kind;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
        if (rest_[i] != quote) {
            word.text += rest_[i];
        } else if (i + 1 < rest_.size() && rest_[i + 1] == quote) {
            word.text += rest_[i++];
        } else {
            word.written = rest_.substr(0, i + 1);
            rest_.remove_prefix(i + 1);
            return word;
        }
    }
    unterminated_ = true;
    rest_ = {};
    return std::nullopt;
}

Word Lexer::bare(std::size_t length, Word::Kind kind) {
    Word word{kind, config::lower_case(rest_.substr(0, length)), rest_.substr(0, length)};
    rest_.remove_prefix(length);
    return word;
}

} // namespace pgmoat::admin

#include "proxy/config/guc_lexer.h"

#include "proxy/config/text.h"

#include <algorithm>
#include <array>

namespace pgmoat::config {
namespace {

bool is_ascii_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_hex_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Bytes above 127 count as letters, so names may be in any encoding.
bool is_letter(char c) {
    return is_ascii_letter(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_letter_or_digit(char c) {
    return is_letter(c) || is_digit(c);
}

bool is_unquoted_character(char c) {
    return is_letter_or_digit(c) || std::string_view("-._:/").find(c) != std::string_view::npos;
}

// The position of the first character at or after `from` that is not in this class.
template <typename Class>
std::size_t skip(std::string_view text, std::size_t from, Class in_class) {
    while (from < text.size() && in_class(text[from]))
        ++from;
    return from;
}

bool at(std::string_view text, std::size_t position, char c) {
    return position < text.size() && text[position] == c;
}

std::size_t sign_length(std::string_view text) {
    return at(text, 0, '-') || at(text, 0, '+') ? 1 : 0;
}

// The match functions return the length of the longest match at the beginning of the text; 0: none.

std::size_t match_identifier(std::string_view text) {
    if (text.empty() || !is_letter(text[0])) return 0;
    return skip(text, 1, is_letter_or_digit);
}

std::size_t match_qualified_identifier(std::string_view text) {
    const std::size_t first = match_identifier(text);
    if (first == 0 || !at(text, first, '.')) return 0;
    const std::size_t second = match_identifier(text.substr(first + 1));
    return second == 0 ? 0 : first + 1 + second;
}

// An unterminated 'a''b is the string 'a' and then garbage: that is the longest match.
std::size_t match_quoted_string(std::string_view text) {
    if (!at(text, 0, '\'')) return 0;
    std::size_t matched = 0;
    std::size_t i = 1;
    while (i < text.size() && text[i] != '\n') {
        if (text[i] == '\\') {
            if (i + 1 >= text.size() || text[i + 1] == '\n') break;
            i += 2;
        } else if (text[i] == '\'') {
            matched = i + 1;
            if (!at(text, i + 1, '\'')) break;
            i += 2;
        } else {
            ++i;
        }
    }
    return matched;
}

std::size_t match_unquoted_string(std::string_view text) {
    if (text.empty() || !is_letter(text[0])) return 0;
    return skip(text, 1, is_unquoted_character);
}

std::size_t match_integer(std::string_view text) {
    const std::size_t start = sign_length(text);
    const std::size_t digits = skip(text, start, is_digit);
    if (digits == start) return 0;
    const std::size_t decimal = skip(text, digits, is_ascii_letter);
    if (!at(text, start, '0') || !at(text, start + 1, 'x')) return decimal;
    const std::size_t hex_digits = skip(text, start + 2, is_hex_digit);
    if (hex_digits == start + 2) return decimal;
    return std::max(decimal, skip(text, hex_digits, is_ascii_letter));
}

std::size_t match_real(std::string_view text) {
    const std::size_t point = skip(text, sign_length(text), is_digit);
    if (!at(text, point, '.')) return 0;
    const std::size_t fraction = skip(text, point + 1, is_digit);
    if (!at(text, fraction, 'e') && !at(text, fraction, 'E')) return fraction;
    const std::size_t exponent = fraction + 1 + sign_length(text.substr(fraction + 1));
    const std::size_t end = skip(text, exponent, is_digit);
    return end == exponent ? fraction : end;
}

struct Rule {
    TokenKind kind;
    std::size_t (*match)(std::string_view);
};

constexpr std::array<Rule, 6> rules{{
    {TokenKind::identifier, match_identifier},
    {TokenKind::qualified_identifier, match_qualified_identifier},
    {TokenKind::quoted_string, match_quoted_string},
    {TokenKind::unquoted_string, match_unquoted_string},
    {TokenKind::integer, match_integer},
    {TokenKind::real, match_real},
}};

bool is_octal_digit(char c) {
    return c >= '0' && c <= '7';
}

char escaped_character(char c) {
    switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
    }
}

} // namespace

void GucLexer::skip_blanks_and_comment() noexcept {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r"), rest_.size()));
    if (at(rest_, 0, '#')) rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
}

Token GucLexer::next() noexcept {
    if (line_ended_) ++line_;
    line_ended_ = false;
    skip_blanks_and_comment();
    if (rest_.empty()) return {TokenKind::end_of_file, {}};

    Token token{TokenKind::unknown, rest_.substr(0, 1)};
    if (rest_[0] == '\n') {
        token.kind = TokenKind::end_of_line;
        line_ended_ = true;
    } else if (rest_[0] == '=') {
        token.kind = TokenKind::equals;
    } else {
        std::size_t longest = 0;
        for (const Rule& rule : rules) {
            const std::size_t length = rule.match(rest_);
            if (length <= longest) continue;
            longest = length;
            token = {rule.kind, rest_.substr(0, length)};
        }
    }
    rest_.remove_prefix(token.text.size());
    return token;
}

std::string unquote(std::string_view quoted) {
    const std::string_view inner = quoted.substr(1, quoted.size() - 2);
    std::string value;
    value.reserve(inner.size());
    for (std::size_t i = 0; i < inner.size(); ++i) {
        if (inner[i] == '\'') {
            value += inner[i++]; // the lexer only accepts quotes in pairs
        } else if (inner[i] != '\\') {
            value += inner[i];
        } else if (!is_octal_digit(inner[++i])) {
            value += escaped_character(inner[i]);
        } else {
            const std::size_t end = std::min(skip(inner, i, is_octal_digit), i + 3);
            unsigned code = 0;
            for (; i < end; ++i)
                code = code * 8 + static_cast<unsigned>(inner[i] - '0');
            --i;
            value += static_cast<char>(static_cast<unsigned char>(code & 0xFF));
        }
    }
    return value;
}

} // namespace pgmoat::config

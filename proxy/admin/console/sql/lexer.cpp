#include "proxy/admin/console/sql/lexer.h"

#include "protocol/utf8.h"
#include "proxy/admin/console/limits.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

namespace pgmoat::admin::sql {

namespace {

using Kind = Token::Kind;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Bytes above ASCII are letters, as in PostgreSQL.
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}

bool is_in(char c, std::string_view set) {
    return set.find(c) != std::string_view::npos;
}

constexpr std::string_view operator_characters = "+-*/<>=~!@#%^&|`?";
// Only an operator that has one of these may end in + or -: `a=-1` is two operators.
constexpr std::string_view may_end_in_a_sign = "~!@#%^&|`?";

class Lexer {
  public:
    explicit Lexer(std::string_view text) : rest_(text) {}

    std::variant<Tokens, SqlError> run() {
        while (skip_blanks_and_comments() && !rest_.empty()) {
            if (tokens_.size() >= limits::tokens_max) {
                fail("54000", "statement is too complex for the console");
                break;
            }
            if (!one()) break;
        }
        if (error_) return *error_;
        tokens_.push_back({Kind::end});
        return std::move(tokens_);
    }

  private:
    bool fail(std::string_view sqlstate, std::string message) {
        error_ = SqlError{sqlstate, std::move(message)};
        return false;
    }
    bool unterminated(const char* what) {
        return fail("42601",
                    std::string("unterminated ") + what + " at or near \"" +
                        std::string(rest_.substr(0, 64)) + '"');
    }

    [[nodiscard]] char at(std::size_t i) const { return i < rest_.size() ? rest_[i] : '\0'; }

    template <typename Belongs>
    [[nodiscard]] std::size_t length_from(std::size_t from, Belongs belongs) const {
        while (from < rest_.size() && belongs(rest_[from]))
            ++from;
        return from;
    }

    void take(Kind kind, std::size_t length, std::string text) {
        tokens_.push_back({kind, std::move(text), rest_.substr(0, length)});
        rest_.remove_prefix(length);
    }

    // False: a comment does not end.
    bool skip_blanks_and_comments() {
        for (;;) {
            rest_.remove_prefix(length_from(0, [](char c) { return is_in(c, " \t\n\r\f\v"); }));
            if (rest_.starts_with("--"))
                rest_.remove_prefix(std::min(rest_.find_first_of("\n\r"), rest_.size()));
            else if (!rest_.starts_with("/*"))
                return true;
            else if (!skip_block_comment())
                return false;
        }
    }

    // They nest.
    bool skip_block_comment() {
        std::size_t depth = 0;
        for (std::size_t i = 0; i + 1 < rest_.size();) {
            const std::string_view two = rest_.substr(i, 2);
            if (two == "/*")
                ++depth;
            else if (two == "*/")
                --depth;
            i += two == "/*" || two == "*/" ? 2 : 1;
            if (depth > 0) continue;
            rest_.remove_prefix(i);
            return true;
        }
        return unterminated("/* comment");
    }

    bool one() {
        const char first = rest_.front();
        if (first == '\'') return string(0, false);
        if (is_in(first, "eE") && at(1) == '\'') return string(1, true);
        if (is_in(first, "nN") && at(1) == '\'') return string(1, false);
        if (is_in(first, "bBxX") && at(1) == '\'')
            return fail("0A000", "bit strings are not implemented in the console");
        if (is_in(first, "uU") && at(1) == '&' && is_in(at(2), "'\""))
            return fail("0A000", "U& strings are not implemented in the console");
        if (first == '"') return quoted_name();
        if (first == '$' && is_digit(at(1))) return parameter();
        if (first == '$' && (at(1) == '$' || is_letter(at(1)))) return dollar_string();
        if (is_digit(first) || (first == '.' && is_digit(at(1)))) return number();
        if (is_letter(first)) {
            const std::size_t length =
                length_from(1, [](char c) { return is_letter(c) || is_digit(c) || c == '$'; });
            take(Kind::word, length, config::lower_case(rest_.substr(0, length)));
            return true;
        }
        sign();
        return true;
    }

    void sign() {
        std::size_t length = 1;
        if (is_in(rest_.front(), operator_characters)) {
            while (is_in(at(length), operator_characters) && at(length) != '\0' &&
                   rest_.substr(length, 2) != "--" && rest_.substr(length, 2) != "/*")
                ++length;
            const bool long_one =
                rest_.substr(0, length).find_first_of(may_end_in_a_sign) != std::string_view::npos;
            while (length > 1 && !long_one && is_in(rest_[length - 1], "+-"))
                --length;
        } else if (rest_.starts_with("::") || rest_.starts_with(":=")) {
            length = 2;
        }
        std::string text(rest_.substr(0, length));
        take(Kind::sign, length, text == "!=" ? "<>" : text);
    }

    bool number() {
        const auto digits = [this](std::size_t from) { return length_from(from, is_digit); };
        std::size_t length = digits(0);
        if (at(length) == '.' && at(length + 1) != '.') length = digits(length + 1);
        const std::size_t sign = is_in(at(length + 1), "+-") && at(length + 1) != '\0' ? 1 : 0;
        if (is_in(at(length), "eE") && is_digit(at(length + 1 + sign)))
            length = digits(length + 1 + sign);
        if (is_letter(at(length)) || at(length) == '$')
            return fail("42601",
                        "trailing junk after numeric literal at or near \"" +
                            std::string(rest_.substr(0, length + 1)) + '"');
        take(Kind::number, length, std::string(rest_.substr(0, length)));
        return true;
    }

    bool parameter() {
        const std::size_t length = length_from(1, is_digit);
        take(Kind::parameter, length, std::string(rest_.substr(1, length - 1)));
        return true;
    }

    // A doubled quote is one; in E'' a backslash escapes.
    bool string(std::size_t quote, bool escapes) {
        std::string text;
        for (std::size_t i = quote + 1; i < rest_.size(); ++i) {
            if (rest_[i] == '\\' && escapes) {
                if (!escape(i, text)) return fail("22025", "invalid escape string");
            } else if (rest_[i] != '\'') {
                text += rest_[i];
            } else if (at(i + 1) == '\'') {
                text += rest_[i++];
            } else {
                // Bytes that escapes put together must be characters: they come back to the client.
                if (!protocol::is_utf8(text))
                    return fail("22021", "invalid byte sequence for encoding \"UTF8\"");
                take(Kind::string, i + 1, std::move(text));
                return true;
            }
        }
        return unterminated("quoted string");
    }

    // `i` is at the backslash, and afterwards at the last character of the escape.
    bool escape(std::size_t& i, std::string& text) {
        const char kind = at(++i);
        constexpr std::string_view letters = "bfnrtv";
        constexpr std::string_view values = "\b\f\n\r\t\v";
        if (kind == '\0') return false;
        if (const auto letter = letters.find(kind); letter != std::string_view::npos) {
            text += values[letter];
        } else if (kind == 'x' || kind == 'u' || kind == 'U') {
            const std::size_t most = kind == 'x' ? 2 : kind == 'u' ? 4 : 8;
            return hexadecimal(i, most, kind == 'x', text);
        } else if (kind >= '0' && kind <= '7') {
            return code_of(rest_.substr(i, 3), 8, i, text, true, 1);
        } else {
            text += kind;
        }
        return true;
    }
    bool hexadecimal(std::size_t& i, std::size_t most, bool is_byte, std::string& text) {
        const std::size_t from = i + 1;
        i = from;
        return code_of(rest_.substr(std::min(from, rest_.size()), most),
                       16,
                       i,
                       text,
                       is_byte,
                       is_byte ? 1 : most);
    }
    // `i`: of the first digit, and afterwards of the last.
    static bool code_of(std::string_view digits,
                        int base,
                        std::size_t& i,
                        std::string& text,
                        bool is_byte,
                        std::size_t least) {
        unsigned long code = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), code, base);
        const auto count = static_cast<std::size_t>(end - digits.data());
        const bool surrogate = code >= 0xd800 && code <= 0xdfff;
        if (error != std::errc{} || count < least || code == 0 || code > 0x10ffff) return false;
        if (!is_byte && surrogate) return false;
        if (is_byte)
            text += static_cast<char>(code & 0xff);
        else
            protocol::append_utf8(text, static_cast<std::uint32_t>(code));
        i += count - 1;
        return true;
    }

    bool quoted_name() {
        std::string text;
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] != '"') {
                text += rest_[i];
            } else if (at(i + 1) == '"') {
                text += rest_[i++];
            } else {
                if (text.empty())
                    return fail("42601", "zero-length delimited identifier at or near \"\"\"\"");
                take(Kind::quoted_name, i + 1, std::move(text));
                return true;
            }
        }
        return unterminated("quoted identifier");
    }

    bool dollar_string() {
        const std::size_t tag_end =
            length_from(1, [](char c) { return is_letter(c) || is_digit(c); });
        if (at(tag_end) != '$') {
            sign();
            return true;
        }
        const std::string_view tag = rest_.substr(0, tag_end + 1);
        const std::size_t end = rest_.find(tag, tag.size());
        if (end == std::string_view::npos) return unterminated("dollar-quoted string");
        take(Kind::string,
             end + tag.size(),
             std::string(rest_.substr(tag.size(), end - tag.size())));
        return true;
    }

    std::string_view rest_;
    Tokens tokens_;
    std::optional<SqlError> error_;
};

} // namespace

std::variant<Tokens, SqlError> tokenize(std::string_view text) {
    return Lexer(text).run();
}

std::vector<Tokens> split_statements(Tokens tokens) {
    std::vector<Tokens> statements;
    Tokens current;
    for (Token& token : tokens) {
        const bool last = token.kind == Kind::end;
        if (!last && !token.is(";")) {
            current.push_back(std::move(token));
            continue;
        }
        if (!current.empty() || (last && statements.empty())) {
            current.push_back({Kind::end});
            statements.push_back(std::exchange(current, {}));
        }
    }
    return statements;
}

SqlError syntax_error(const Token& token) {
    if (token.kind == Kind::end) return {"42601", "syntax error at end of input"};
    return {"42601", "syntax error at or near \"" + std::string(token.written) + '"'};
}

} // namespace pgmoat::admin::sql

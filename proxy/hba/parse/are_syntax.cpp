#include "proxy/hba/parse/are_syntax.h"

#include "proxy/hba/limits.h"
#include "proxy/hba/parse/are_bracket.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace pgmoat::hba {
namespace {

constexpr const char* unbalanced = "parentheses () not balanced";
constexpr const char* bad_operand = "quantifier operand invalid";
constexpr const char* bad_count = "invalid repetition count(s)";
constexpr const char* bad_escape = "invalid escape \\ sequence";

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

ByteSet set_of(char c) {
    return ByteSet().set(static_cast<unsigned char>(c));
}

class Translator {
  public:
    explicit Translator(std::string_view pattern) : pattern_(pattern) {}
    AreTranslation translate();

  private:
    // What comes before a quantifier.
    enum class Last { nothing, atom, group };

    [[nodiscard]] bool at_end() const noexcept { return position_ >= pattern_.size(); }
    [[nodiscard]] bool next_is(char c) const noexcept {
        return !at_end() && pattern_[position_] == c;
    }
    void fail(std::string error) {
        if (result_.error.empty()) result_.error = std::move(error);
    }
    void atom(std::string_view text) {
        result_.re2 += text;
        last_ = Last::atom;
    }
    void constraint(std::string_view text) {
        result_.re2 += text;
        last_ = Last::nothing;
    }
    void take_prefix();
    void take_next();
    void open_group();
    void close_group();
    void bracket();
    void escape();
    void quantifier(char c);
    void bound();
    int count();

    std::string_view pattern_;
    std::size_t position_ = 0;
    bool ignore_case_ = false;
    int open_groups_ = 0;
    Last last_ = Last::nothing;
    AreTranslation result_;
};

AreTranslation Translator::translate() {
    if (pattern_.size() > limits::regex_bytes_max)
        fail("longer than " + std::to_string(limits::regex_bytes_max) + " bytes");
    take_prefix();
    while (result_.error.empty() && !at_end())
        take_next();
    if (open_groups_ > 0) fail(unbalanced);
    return result_;
}

void Translator::take_prefix() {
    if (pattern_.starts_with("***")) return fail("directors (***) are not supported");
    if (!pattern_.starts_with("(?i)")) return;
    // RE2 would also fold Latin-1 letters.
    const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    if (!std::all_of(pattern_.begin(), pattern_.end(), is_ascii))
        return fail("(?i) is supported with ASCII characters only");
    ignore_case_ = true;
    result_.re2 = "(?i)";
    position_ = 4;
}

void Translator::take_next() {
    const char c = pattern_[position_++];
    switch (c) {
    case '(': return open_group();
    case ')': return close_group();
    case '[': return bracket();
    case '\\': return escape();
    case '^': return constraint("\\A");
    case '$': return constraint("\\z");
    case '.': return atom(".");
    case '|': result_.plain_capture = false; return constraint("|");
    case '*':
    case '+':
    case '?': return quantifier(c);
    case '{':
        if (!at_end() && is_digit(pattern_[position_])) return bound();
        [[fallthrough]];
    default: return atom(re2_class(set_of(c)));
    }
}

void Translator::open_group() {
    ++open_groups_;
    last_ = Last::nothing;
    if (!next_is('?')) {
        result_.re2 += '(';
        return;
    }
    const std::string_view what = pattern_.substr(position_ + 1);
    if (what.starts_with(":")) {
        result_.re2 += "(?:";
        position_ += 2;
    } else if (what.starts_with("=") || what.starts_with("!") || what.starts_with("<=") ||
               what.starts_with("<!")) {
        fail("lookahead and lookbehind are not supported");
    } else if (what.starts_with("#")) {
        fail("comments are not supported");
    } else if (position_ == 1) {
        fail("embedded options other than (?i) are not supported");
    } else {
        fail(bad_operand);
    }
}

void Translator::close_group() {
    if (open_groups_ == 0) return fail(unbalanced);
    --open_groups_;
    result_.re2 += ')';
    last_ = Last::group;
}

void Translator::bracket() {
    const std::string_view rest = pattern_.substr(position_);
    if (rest.starts_with("[:<:]]") || rest.starts_with("[:>:]]"))
        return fail("[[:<:]] and [[:>:]] are not supported");
    const Bracket bracket = read_bracket(pattern_, position_, ignore_case_);
    if (!bracket.error.empty()) return fail(bracket.error);
    position_ = bracket.end;
    atom(re2_class(bracket.bytes));
}

void Translator::escape() {
    if (at_end()) return fail(bad_escape);
    const char c = pattern_[position_++];
    const ByteSet small = letter_class(c);
    if (small.any()) return atom(re2_class(small));
    const ByteSet large =
        c >= 'A' && c <= 'Z' ? letter_class(static_cast<char>(c - 'A' + 'a')) : ByteSet();
    if (large.any()) return atom(re2_class(~large));
    switch (c) {
    case 'A': return constraint("\\A");
    case 'Z': return constraint("\\z");
    case 'y': return constraint("\\b");
    case 'Y': return constraint("\\B");
    default: break;
    }
    if (c >= '1' && c <= '9') return fail("back references are not supported");
    const int byte = escaped_byte(c);
    if (byte < 0) return fail(std::string("the escape \\") + c + " is not supported");
    atom(re2_class(set_of(static_cast<char>(byte))));
}

void Translator::quantifier(char c) {
    if (last_ == Last::nothing) return fail(bad_operand);
    if (last_ == Last::group) result_.plain_capture = false;
    result_.re2 += c;
    last_ = Last::nothing;
    if (!next_is('?')) return;
    ++position_;
    result_.re2 += '?';
    result_.plain_capture = false;
}

// {m}, {m,} or {m,n}; the brace has been consumed and a digit follows.
void Translator::bound() {
    if (last_ == Last::nothing) return fail(bad_operand);
    const int least = count();
    int most = least;
    bool open = false;
    if (next_is(',')) {
        ++position_;
        open = next_is('}');
        if (!open) most = count();
    }
    if (at_end()) return fail("braces {} not balanced");
    if (!next_is('}') || least < 0 || most < least) return fail(bad_count);
    ++position_;
    result_.re2 += '{' + std::to_string(least);
    if (open || most != least) result_.re2 += ',';
    if (!open && most != least) result_.re2 += std::to_string(most);
    quantifier('}');
}

// -1: not a number, or too large.
int Translator::count() {
    int number = -1;
    while (!at_end() && is_digit(pattern_[position_])) {
        number = std::max(number, 0) * 10 + (pattern_[position_++] - '0');
        if (number > limits::regex_repeat_max) return -1;
    }
    return number;
}

} // namespace

AreTranslation translate_are(std::string_view pattern) {
    AreTranslation result = Translator(pattern).translate();
    if (!result.error.empty()) result.re2.clear();
    return result;
}

} // namespace pgmoat::hba

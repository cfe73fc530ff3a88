#include "proxy/hba/parse/are_bracket.h"

#include <utility>

namespace pgmoat::hba {
namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view lower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

std::size_t index_of(char c) noexcept {
    return static_cast<unsigned char>(c);
}

ByteSet range(std::size_t first, std::size_t last) {
    ByteSet set;
    for (std::size_t byte = first; byte <= last; ++byte)
        set.set(byte);
    return set;
}

ByteSet any_of(std::string_view bytes) {
    ByteSet set;
    for (const char c : bytes)
        set.set(index_of(c));
    return set;
}

// Adds the other case of each member, as PostgreSQL does.
ByteSet both_cases(const ByteSet& set) {
    ByteSet both = set;
    for (std::size_t n = 0; n < lower.size(); ++n) {
        const std::size_t small = index_of(lower[n]);
        const std::size_t large = index_of(upper[n]);
        if (set[small]) both.set(large);
        if (set[large]) both.set(small);
    }
    return both;
}

class BracketReader {
  public:
    BracketReader(std::string_view pattern, std::size_t begin)
        : pattern_(pattern), place_(begin), first_(begin) {}

    Bracket read(bool ignore_case);

  private:
    [[nodiscard]] bool at_end() const noexcept { return place_ >= pattern_.size(); }
    [[nodiscard]] bool next_is(char c) const noexcept { return !at_end() && pattern_[place_] == c; }
    void fail(std::string error) {
        if (bracket_.error.empty()) bracket_.error = std::move(error);
    }
    // One member or one end of a range; -1: it was a class, or an error.
    int take_byte();
    int take_escape();
    void take_class();
    void take_part();

    std::string_view pattern_;
    std::size_t place_;
    std::size_t first_; // where a bracket or a hyphen is literal
    Bracket bracket_;
};

Bracket BracketReader::read(bool ignore_case) {
    const bool negated = next_is('^');
    if (negated) first_ = ++place_;
    while (bracket_.error.empty() && !at_end() && (place_ == first_ || !next_is(']')))
        take_part();
    if (bracket_.error.empty() && at_end()) fail("brackets [] not balanced");
    if (ignore_case) bracket_.bytes = both_cases(bracket_.bytes);
    if (negated) bracket_.bytes.flip();
    bracket_.end = place_ + 1;
    return bracket_;
}

void BracketReader::take_part() {
    const auto is_range = [this] {
        return next_is('-') && !(place_ + 1 < pattern_.size() && pattern_[place_ + 1] == ']');
    };
    if (place_ != first_ && is_range()) return fail("invalid character range");
    const int begin = take_byte();
    if (begin < 0) return;
    int end = begin;
    if (is_range()) {
        ++place_;
        if (at_end()) return fail("brackets [] not balanced");
        end = take_byte();
        if (end < 0) return fail("invalid character range");
    }
    // PostgreSQL looks one token ahead, so it reports a missing end first.
    if (end < begin) return fail(at_end() ? "brackets [] not balanced" : "invalid character range");
    bracket_.bytes |= range(static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
}

int BracketReader::take_byte() {
    const char c = pattern_[place_++];
    if (c == '\\') return take_escape();
    if (c != '[') return static_cast<int>(index_of(c));
    if (at_end()) {
        fail("brackets [] not balanced");
        return -1;
    }
    if (next_is('.') || next_is('=')) {
        fail("collating elements are not supported");
        return -1;
    }
    if (!next_is(':')) return static_cast<int>(index_of(c));
    ++place_;
    take_class();
    return -1;
}

int BracketReader::take_escape() {
    if (at_end()) {
        fail("invalid escape \\ sequence");
        return -1;
    }
    const char letter = pattern_[place_++];
    const ByteSet set = letter_class(letter);
    if (set.any()) {
        bracket_.bytes |= set;
        return -1;
    }
    const int byte = escaped_byte(letter);
    if (byte < 0) fail(std::string("\\") + letter + " is not supported in brackets");
    return byte;
}

void BracketReader::take_class() {
    const std::size_t end = pattern_.find(":]", place_);
    if (end == std::string_view::npos) return fail("brackets [] not balanced");
    const ByteSet set = named_class(pattern_.substr(place_, end - place_));
    if (set.none()) return fail("invalid character class");
    bracket_.bytes |= set;
    place_ = end + 2;
}

std::string hexadecimal(std::size_t byte) {
    constexpr std::string_view figures = "0123456789abcdef";
    return std::string("\\x") + figures[byte / 16] + figures[byte % 16];
}

} // namespace

ByteSet named_class(std::string_view name) {
    const ByteSet alpha = any_of(lower) | any_of(upper);
    const ByteSet alnum = alpha | any_of(digits);
    if (name == "alnum") return alnum;
    if (name == "alpha") return alpha;
    if (name == "ascii") return range(0, 0x7f);
    if (name == "blank") return any_of(" \t");
    // The only class for which PostgreSQL does not use the collation.
    if (name == "cntrl") return range(0, 0x1f) | range(0x7f, 0x9f);
    if (name == "digit") return any_of(digits);
    if (name == "graph") return range(0x21, 0x7e);
    if (name == "lower") return any_of(lower);
    if (name == "print") return range(0x20, 0x7e);
    if (name == "punct") return range(0x21, 0x7e) & ~alnum;
    if (name == "space") return any_of(" \t\n\v\f\r");
    if (name == "upper") return any_of(upper);
    if (name == "word") return alnum | any_of("_");
    if (name == "xdigit") return any_of(digits) | any_of("abcdefABCDEF");
    return {};
}

ByteSet letter_class(char letter) {
    switch (letter) {
    case 'd': return named_class("digit");
    case 's': return named_class("space");
    case 'w': return named_class("word");
    default: return {};
    }
}

int escaped_byte(char escape) noexcept {
    switch (escape) {
    case 'a': return '\a';
    case 'e': return 0x1b;
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    default: break;
    }
    const bool is_letter = (escape >= 'a' && escape <= 'z') || (escape >= 'A' && escape <= 'Z');
    const bool is_digit = escape >= '0' && escape <= '9';
    return is_letter || is_digit ? -1 : static_cast<int>(index_of(escape));
}

std::string re2_class(const ByteSet& bytes) {
    if (bytes.none()) return "[^\\x00-\\xff]";
    std::string text = "[";
    for (std::size_t first = 0; first < bytes.size(); ++first) {
        if (!bytes[first]) continue;
        std::size_t last = first;
        while (last + 1 < bytes.size() && bytes[last + 1])
            ++last;
        text += hexadecimal(first);
        if (last > first) text += "-" + hexadecimal(last);
        first = last;
    }
    return text + "]";
}

Bracket read_bracket(std::string_view pattern, std::size_t begin, bool ignore_case) {
    return BracketReader(pattern, begin).read(ignore_case);
}

} // namespace pgmoat::hba

#include "proxy/config/table_lexer.h"

namespace pgmoat::config {
namespace {

bool separates(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r';
}

// Quotes may open and close anywhere in a token; inside them two quotes stand for one.
struct Quotes {
    bool open = false;
    bool doubled =
        false; // the last character closed the quotes; another quote now would be a literal one
    bool seen = false;

    // Whether the character is part of the text.
    bool take(char c) noexcept {
        const bool belongs = c != '"' || doubled;
        doubled = open && c == '"' && !doubled;
        if (c == '"') {
            open = !open;
            seen = true;
        }
        return belongs;
    }
};

} // namespace

std::optional<JoinedLine> TableLineReader::next() {
    if (rest_.empty()) return std::nullopt;
    JoinedLine line{{}, line_};
    // A line is continued only by a backslash of its own: an earlier line's `\\` must not join
    // twice.
    std::size_t joined_at = 0;
    while (!rest_.empty()) {
        const std::size_t end = rest_.find('\n');
        line.text += rest_.substr(0, end);
        rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
        ++line_;

        while (!line.text.empty() && line.text.back() == '\r')
            line.text.pop_back();
        if (line.text.size() <= joined_at || line.text.back() != '\\') break;
        line.text.pop_back();
        joined_at = line.text.size();
    }
    return line;
}

std::optional<LexedToken> TableTokenReader::next() {
    while (!at_end() && (separates(line_[position_]) || line_[position_] == ','))
        ++position_;

    LexedToken token;
    Quotes quotes;
    for (; !at_end(); ++position_) {
        const char c = line_[position_];
        if (!quotes.open && separates(c)) break;
        if (!quotes.open && c == '#') {
            position_ = line_.size();
            break;
        }
        if (!quotes.open && c == ',') {
            token.comma = true;
            break;
        }
        if (quotes.take(c)) token.text += c;
        if (c == '"' && token.text.empty()) token.quoted = true;
    }
    if (!quotes.seen && token.text.empty()) return std::nullopt;
    return token;
}

} // namespace pgmoat::config

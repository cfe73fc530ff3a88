#include "proxy/config/keyword_values.h"

#include "proxy/config/text.h"

namespace pgmoat::config {

std::optional<KeywordValue> KeywordValueReader::next() {
    skip_blanks();
    if (rest_.empty()) return std::nullopt;
    KeywordValue pair;
    pair.keyword = take_keyword();
    skip_blanks();
    if (!rest_.starts_with('=')) {
        throw ConninfoError("missing \"=\" after " + in_quotes(pair.keyword) + " in " +
                            std::string(text_is_));
    }
    rest_.remove_prefix(1);
    skip_blanks();
    pair.value = rest_.starts_with('\'') ? take_quoted_value() : take_bare_value();
    return pair;
}

void KeywordValueReader::skip_blanks() noexcept {
    while (!rest_.empty() && is_blank(rest_[0]))
        rest_.remove_prefix(1);
}

std::string KeywordValueReader::take_keyword() {
    std::size_t length = 0;
    while (length < rest_.size() && rest_[length] != '=' && !is_blank(rest_[length]))
        ++length;
    const std::string keyword(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return keyword;
}

std::string KeywordValueReader::take_bare_value() {
    std::string value;
    while (!rest_.empty() && !is_blank(rest_[0])) {
        // A backslash at the very end is ignored.
        if (rest_ == "\\")
            rest_ = {};
        else
            value += take_escaped();
    }
    return value;
}

std::string KeywordValueReader::take_quoted_value() {
    std::string value;
    rest_.remove_prefix(1);
    while (!rest_.empty() && rest_ != "\\") {
        if (rest_[0] == '\'') {
            rest_.remove_prefix(1);
            return value;
        }
        value += take_escaped();
    }
    throw ConninfoError("unterminated quoted string in " + std::string(text_is_));
}

// Takes one character, or the one after a backslash.
char KeywordValueReader::take_escaped() {
    if (rest_[0] == '\\') rest_.remove_prefix(1);
    const char c = rest_[0];
    rest_.remove_prefix(1);
    return c;
}

} // namespace pgmoat::config

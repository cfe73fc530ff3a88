// The `keyword = value` syntax of libpq's connection strings, whatever the keywords are. Used for
// upstreams and listeners. Rules and texts: fe-connect.c, conninfo_parse().
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace pgmoat::config {

// What is wrong with a connection string or a listener's text, in libpq's words if it has any.
class ConninfoError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct KeywordValue {
    std::string keyword;
    std::string value;
};

class KeywordValueReader {
  public:
    // `text_is`: what errors call the text, such as "connection info string".
    KeywordValueReader(std::string_view text, std::string_view text_is) noexcept
        : rest_(text), text_is_(text_is) {}

    // The next pair, or nothing at the end. Throws ConninfoError.
    [[nodiscard]] std::optional<KeywordValue> next();

  private:
    void skip_blanks() noexcept;
    [[nodiscard]] std::string take_keyword();
    [[nodiscard]] std::string take_bare_value();
    [[nodiscard]] std::string take_quoted_value();
    [[nodiscard]] char take_escaped();

    std::string_view rest_;
    std::string_view text_is_;
};

} // namespace pgmoat::config

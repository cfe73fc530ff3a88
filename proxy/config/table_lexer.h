// Joins the physical lines of a table file into logical ones, and splits a line into tokens. Opens
// no file. Called by table_file only. Source: PostgreSQL, src/backend/libpq/hba.c, next_token() and
// tokenize_auth_file().
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::config {

struct JoinedLine {
    std::string text;
    unsigned number = 0; // of its first physical line
};

// Reads lines; a backslash at the end of a line joins it with the next. The text must outlive it.
class TableLineReader {
  public:
    explicit TableLineReader(std::string_view text) : rest_(text) {}
    [[nodiscard]] std::optional<JoinedLine> next(); // nothing at the end

  private:
    std::string_view rest_;
    unsigned line_ = 1;
};

struct LexedToken {
    std::string text;
    bool quoted = false; // a quote came before its first character
    bool comma = false;  // a comma followed: the field continues
};

// Reads the tokens of one line. The line must outlive it.
class TableTokenReader {
  public:
    explicit TableTokenReader(std::string_view line) : line_(line) {}
    [[nodiscard]] std::optional<LexedToken> next(); // nothing at the end or at a comment
    [[nodiscard]] bool at_end() const noexcept { return position_ >= line_.size(); }

  private:
    std::string_view line_;
    std::size_t position_ = 0;
};

} // namespace pgmoat::config

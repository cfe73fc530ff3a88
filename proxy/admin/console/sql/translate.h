// A SELECT of PostgreSQL's SQL as one of SQLite's: read by PostgreSQL's grammar, written out with
// everything in quotes and parentheses, so that SQLite's own words, precedence and guesses have no
// part in it. What is not known here (a function, a cast, a clause) is refused in PostgreSQL's
// words; tables and columns are SQLite's to find.
//
// Casts, LIKE, regular expressions, arrays, times and the system functions become calls of the
// functions in functions.h. Types follow PostgreSQL's rules as far as drivers need them: they ask
// for the types of columns and parameters before there is a row.
#pragma once

#include "proxy/admin/console/sql/lexer.h"
#include "proxy/admin/console/types.h"

#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace pgmoat::admin::sql {

struct OutputItem {
    bool is_star = false; // stands for any number of columns
    std::string name = {};
    Type type = Type::unknown; // a column's: SQLite knows which one it is
};

struct Translated {
    std::string sql;
    std::vector<OutputItem> items;
    std::vector<Type> parameters;        // $1 is the first; never unknown
    std::map<std::string, Type> derived; // of columns of queries in FROM, for what a star gives
};

// `parameters`: what the client said of them, unknown or too few where it said nothing.
[[nodiscard]] std::variant<Translated, SqlError> translate(const Tokens& statement,
                                                           std::span<const Type> parameters);

// A client's text as a value of the type, in the form that it has here (`t`, `12`,
// `2026-11-24 08:56:15+00`, seconds of an interval), or PostgreSQL's error.
[[nodiscard]] std::variant<std::string, SqlError> checked_value(const std::string& text, Type type);

// `text` as an identifier and as a string literal, of both languages.
[[nodiscard]] std::string quote_name(std::string_view name);
[[nodiscard]] std::string quote_text(std::string_view text);

} // namespace pgmoat::admin::sql

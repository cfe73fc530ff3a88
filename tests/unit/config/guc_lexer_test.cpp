// Every expectation was observed in PostgreSQL 15 and 18, whose lexers are alike.
#include "proxy/config/guc_lexer.h"
#include "tests/support/catch.h"

#include <vector>

using namespace pgmoat::config;

namespace {

using Kind = TokenKind;

struct Seen {
    Kind kind;
    std::string text;
    bool operator==(const Seen&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Seen& seen) {
    return out << static_cast<int>(seen.kind) << " " << seen.text;
}

std::vector<Seen> tokens_of(std::string_view text) {
    GucLexer lexer(text);
    std::vector<Seen> seen;
    for (;;) {
        const Token token = lexer.next();
        if (token.kind == Kind::end_of_file) return seen;
        seen.push_back({token.kind, std::string(token.text)});
    }
}

} // namespace

TEST_CASE("each kind of token is recognised") {
    const auto row = GENERATE(table<std::string, Kind>({
        {"port", Kind::identifier},
        {"_x9", Kind::identifier},
        {"gr\xc3\xb6\xc3\x9f\x65", Kind::identifier},
        {"upstream.reports", Kind::qualified_identifier},
        {"server.crt", Kind::qualified_identifier},
        {"a.b.c", Kind::unquoted_string},
        {"x/server.crt", Kind::unquoted_string},
        {"TLSv1.2", Kind::unquoted_string},
        {"a-b:c", Kind::unquoted_string},
        {"''", Kind::quoted_string},
        {"'it''s'", Kind::quoted_string},
        {"'a\\'b'", Kind::quoted_string},
        {"'# no comment'", Kind::quoted_string},
        {"12", Kind::integer},
        {"-12", Kind::integer},
        {"+12kB", Kind::integer},
        {"0x1F", Kind::integer},
        {"0x1Fg", Kind::integer},
        {"1e", Kind::integer},
        {"1.5", Kind::real},
        {".", Kind::real},
        {"-.5e-3", Kind::real},
        {"=", Kind::equals},
        {"\n", Kind::end_of_line},
        {"/", Kind::unknown},
        {"'", Kind::unknown},
        {"-", Kind::unknown},
        {std::string(1, '\0'), Kind::unknown},
    }));
    INFO(std::get<0>(row));
    CHECK(tokens_of(std::get<0>(row)) == std::vector<Seen>{{std::get<1>(row), std::get<0>(row)}});
}

TEST_CASE("the longest match ends where PostgreSQL's ends") {
    const auto row = GENERATE(table<std::string, std::vector<Seen>>({
        {"1.5min", {{Kind::real, "1.5"}, {Kind::identifier, "min"}}},
        {"1e3", {{Kind::integer, "1e"}, {Kind::integer, "3"}}},
        {"1.5e", {{Kind::real, "1.5"}, {Kind::identifier, "e"}}},
        {"0xg", {{Kind::integer, "0xg"}}},
        {"5'6'", {{Kind::integer, "5"}, {Kind::quoted_string, "'6'"}}},
        {"a.1", {{Kind::unquoted_string, "a.1"}}},
        {"a=b", {{Kind::identifier, "a"}, {Kind::equals, "="}, {Kind::identifier, "b"}}},
        {"'a''b", {{Kind::quoted_string, "'a'"}, {Kind::unknown, "'"}, {Kind::identifier, "b"}}},
        {"'a\nb'",
         {{Kind::unknown, "'"},
          {Kind::identifier, "a"},
          {Kind::end_of_line, "\n"},
          {Kind::identifier, "b"},
          {Kind::unknown, "'"}}},
        {"'a\\\n",
         {{Kind::unknown, "'"},
          {Kind::identifier, "a"},
          {Kind::unknown, "\\"},
          {Kind::end_of_line, "\n"}}},
    }));
    INFO(std::get<0>(row));
    CHECK(tokens_of(std::get<0>(row)) == std::get<1>(row));
}

TEST_CASE("blanks, carriage returns and comments are no tokens") {
    CHECK(tokens_of(" \t\r# comment = 'x'").empty());
    CHECK(tokens_of("a#b\nc").size() == 3);
}

TEST_CASE("the line is that of the last token, an end of line included") {
    GucLexer lexer("a\n\nb");
    CHECK(lexer.next().text == "a");
    CHECK(lexer.line() == 1);
    CHECK(lexer.next().kind == Kind::end_of_line);
    CHECK(lexer.line() == 1);
    CHECK(lexer.next().kind == Kind::end_of_line);
    CHECK(lexer.line() == 2);
    CHECK(lexer.next().text == "b");
    CHECK(lexer.line() == 3);
    CHECK(lexer.next().kind == Kind::end_of_file);
    CHECK(lexer.line() == 3);
}

TEST_CASE("quotes and escapes are undone") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"''", ""},
        {"'a b'", "a b"},
        {"'it''s'", "it's"},
        {"''''", "'"},
        {"'\\''", "'"},
        {"'\\\\'", "\\"},
        {"'\\b\\f\\n\\r\\t'", "\b\f\n\r\t"},
        {"'\\x41'", "x41"},
        {"'\\101'", "A"},
        {"'\\1011'", "A1"},
        {"'\\7z'", "\az"},
        {"'\\777'", "\xff"},
    }));
    INFO(std::get<0>(row));
    CHECK(unquote(std::get<0>(row)) == std::get<1>(row));
}

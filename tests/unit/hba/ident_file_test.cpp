// The parser of pg_ident.conf, line by line.
#include "proxy/hba/parse/ident_file.h"
#include "tests/support/catch.h"
#include "tests/unit/config/memory_files.h"

#include <string>
#include <vector>

using namespace pgmoat::hba;
using Kind = NameMatch::Kind;

namespace {

struct ParsedIdent {
    explicit ParsedIdent(const std::string& text, bool roles = true)
        : file(pgmoat::config::read_table_file("/c/ident",
                                               pgmoat::config::MemoryFiles("/c/ident", text))) {
        HbaContext context;
        context.roles = roles;
        lines = parse_ident(file, context);
    }
    pgmoat::config::TableFile file;
    std::vector<IdentFileLine> lines;
};

struct Row {
    const char* line;
    const char* error;
};

struct KindRow {
    const char* line;
    Kind system;
    Kind database;
};

} // namespace

TEST_CASE("a mapping that PostgreSQL refuses is refused in its words") {
    const auto row = GENERATE(values<Row>({
        {"m", "missing entry at end of line"},
        {"m a", "missing entry at end of line"},
        {"m,n a b", "multiple values in ident field"},
        {"m a,b c", "multiple values in ident field"},
        {"m a b,c", "multiple values in ident field"},
        {"m /( b", "invalid regular expression \"(\": parentheses () not balanced"},
        {"m a /(", "invalid regular expression \"(\": parentheses () not balanced"},
        {"m /(a|ab)(c|bcd) \\1", "regular expression \"(a|ab)(c|bcd)\" cannot be used with \\1"},
        {"m /(.*?)@x \\1", "regular expression \"(.*?)@x\" cannot be used with \\1"},
    }));
    CAPTURE(row.line);
    const ParsedIdent parsed(row.line);
    CHECK(parsed.lines.at(0).error == row.error);
    CHECK(!parsed.lines[0].mapping);
}

TEST_CASE("words mean something for the database user only") {
    const auto row = GENERATE(values<KindRow>({
        {"m a b", Kind::exact, Kind::exact},
        {"m all all", Kind::exact, Kind::all},
        {"m +a +b", Kind::exact, Kind::role},
        {"m a \"all\"", Kind::exact, Kind::exact},
        {"m /^(.*)@x$ \\1", Kind::regex, Kind::exact},
        {"m /a|b /c", Kind::regex, Kind::regex},
        {"m \"/a b\" x ignored", Kind::regex, Kind::exact},
        {"m /(a|b) all", Kind::regex, Kind::all},
    }));
    CAPTURE(row.line);
    const ParsedIdent parsed(row.line);
    REQUIRE(parsed.lines.at(0).mapping);
    CHECK(parsed.lines[0].mapping->system_user.kind == row.system);
    CHECK(parsed.lines[0].mapping->database_user.kind == row.database);
}

TEST_CASE("a role needs a role_query in a mapping, too") {
    CHECK(ParsedIdent("m a +b", false).lines.at(0).error ==
          "\"+b\" cannot be evaluated without role_query");
}

// The tokenizer of PostgreSQL's table files, row by row.
#include "proxy/config/limits.h"
#include "proxy/config/table_file.h"
#include "tests/support/catch.h"
#include "tests/unit/config/memory_files.h"

using namespace pgmoat::config;

namespace {

// Fields in brackets, tokens by `|`, a `'` before quoted ones.
std::string shown(const TableLine& line) {
    std::string text;
    for (const TableField& field : line.fields) {
        text += '[';
        for (const TableToken& token : field) {
            if (&token != &field.front()) text += '|';
            text += (token.quoted ? "'" : "") + token.text;
        }
        text += ']';
    }
    return line.error.empty() ? text : "error: " + line.error;
}

std::string shown(const TableFile& file) {
    std::string text;
    for (const TableLine& line : file.lines)
        text += std::to_string(line.number) + shown(line) + "\n";
    return text;
}

std::string shown(const std::string& text) {
    return shown(read_table_file("/c/x", MemoryFiles("/c/x", text)));
}

struct Row {
    const char* text;
    const char* expected;
};

} // namespace

TEST_CASE("a line falls into fields and tokens as in PostgreSQL") {
    const auto row = GENERATE(values<Row>({
        {"", ""},
        {"a b", "1[a][b]\n"},
        {"a\tb\r\n", "1[a][b]\n"},
        {"a\rb", "1[a][b]\n"},
        {"\n\n  a", "3[a]\n"},
        {"# a\nb # c\nd#1 e", "2[b]\n3[d]\n"},
        {"\"#\" \"a#b\"", "1['#]['a#b]\n"},
        {"a,b c", "1[a|b][c]\n"},
        {"a, b c", "1[a|b][c]\n"},
        {"a , b c", "1[a][b][c]\n"},
        {"a ,, b", "1[a][b]\n"},
        {"a,,b", "1[a|b]\n"},
        {",a", "1[a]\n"},
        {"a,", "1[a]\n"},
        {"a,#b", "1[a]\n"},
        {",", ""},
        {"\"\"", "1[']\n"},
        {"\"\" a", "1['][a]\n"},
        {"\"\"\"\"", "1['\"]\n"},
        {"\"a\"\"b\"", "1['a\"b]\n"},
        {"a\"b c\"d", "1[ab cd]\n"},
        {"+\"x y\" \"+x\"", "1[+x y]['+x]\n"},
        {"\"\"x", "1['x]\n"},
        {"\"a, b\"", "1['a, b]\n"},
        {"\"open to the end # here", "1['open to the end # here]\n"},
        {"@", "1[@]\n"},
        {"\"@x\"", "1['@x]\n"},
        {"a\\\nb c", "1[ab][c]\n"},
        {"a \\\n b\nc", "1[a][b]\n3[c]\n"},
        {"a \\\r\n b\r\nc", "1[a][b]\n3[c]\n"},
        {"\"a \\\nb\"", "1['a b]\n"},
        {"# a \\\nb\nc", "3[c]\n"},
        {"a\\\\\nb", "1[a\\b]\n"},
        {"a\\\\\n\nb", "1[a\\]\n3[b]\n"},
        {"a\\", "1[a]\n"},
        {"\\\n\\\n\na", "4[a]\n"},
        {"a\\ b", "1[a\\][b]\n"},
        {"include a b", "1[include][a][b]\n"},
        {"include", "1[include]\n"},
        {"INCLUDE y", "1[INCLUDE][y]\n"},
    }));
    CAPTURE(row.text);
    CHECK(shown(row.text) == row.expected);
}

TEST_CASE("a zero byte is an error of its line and no end of it") {
    CHECK(shown(std::string("a\na\0b\nc", 7)) == "1[a]\n2error: zero byte in the line\n3[c]\n");
}

TEST_CASE("a line keeps its text as in the file, with continuations joined") {
    const auto file = read_table_file("x", MemoryFiles("x", "a  \\\n\"b\" # c\r\n"));
    REQUIRE(file.lines.size() == 1);
    CHECK(file.lines[0].text == "a  \"b\" # c");
    CHECK(file.lines[0].file == "x");
}

TEST_CASE("a file named with @ puts its tokens into the field") {
    const auto row = GENERATE(values<Row>({
        {"a @names b", "1[a][x|'y z|w][b]\n"},
        {"a,@names,b", "1[a|x|'y z|w|b]\n"},
        {"@\"spaced name\"", "1[one]\n"},
        {"a @empty b", "1[a][b]\n"},
        {"a @sub/outer", "1[a][x|'y z|w]\n"},
        {"a @missing b", "1error: could not open file \"/c/missing\": No such file or directory\n"},
        {"a @bad", "1error: could not open file \"/c/missing\": No such file or directory\n"},
        {"a @./sub/../names", "1[a][x|'y z|w]\n"},
        {"a @/c/names", "1[a][x|'y z|w]\n"},
        {"a @self\nb",
         "1error: could not open file \"/c/self\": maximum nesting depth "
         "exceeded\n2[b]\n"},
    }));
    CAPTURE(row.text);
    const MemoryFiles files({{"/c/x", row.text},
                             {"/c/names", "x, \"y z\"\n# no\nw"},
                             {"/c/spaced name", "one"},
                             {"/c/empty", "# nothing"},
                             {"/c/sub/outer", "@../names"},
                             {"/c/bad", "a @missing"},
                             {"/c/self", "@self"}});
    CHECK(shown(read_table_file("/c/x", files)) == row.expected);
}

TEST_CASE("include records put the lines of other files in their place") {
    const auto row = GENERATE(values<Row>({
        {"a\ninclude y\nb", "1[a]\n1[in][y]\n2[also]\n3[b]\n"},
        {"\"include\" \"y\"", "1[in][y]\n2[also]\n"},
        {"include,x y,z", "1[in][y]\n2[also]\n"},
        {"include_if_exists y", "1[in][y]\n2[also]\n"},
        {"include_if_exists missing\na", "2[a]\n"},
        {"include missing\na",
         "1error: could not open file \"/c/missing\": No such file or directory\n2[a]\n"},
        {"include_dir d", "1[first]\n1[second]\n"},
        {"include_dir none", "1error: could not open directory \"/c/none\"\n"},
        {"include_dir \" \"", "1error: empty configuration directory name\n"},
    }));
    CAPTURE(row.text);
    const MemoryFiles files({{"/c/x", row.text},
                             {"/c/y", "in y\nalso"},
                             {"/c/d/b.conf", "second"},
                             {"/c/d/a.conf", "first"},
                             {"/c/d/.hidden.conf", "no"},
                             {"/c/d/.conf", "no"},
                             {"/c/d/a.txt", "no"}});
    CHECK(shown(read_table_file("/c/x", files)) == row.expected);
}

TEST_CASE("an included line has its own file") {
    const MemoryFiles files(
        {{"/c/x", "include sub/y"}, {"/c/sub/y", "include z"}, {"/c/sub/z", "a"}});
    const auto file = read_table_file("/c/x", files);
    REQUIRE(file.lines.size() == 1);
    CHECK(file.lines[0].file == "/c/sub/z");
}

TEST_CASE("a missing file that may be missing is noted") {
    const auto file = read_table_file("/c/x", MemoryFiles("/c/x", "include_if_exists y"));
    CHECK(file.notes == std::vector<std::string>{"skipping missing authentication file \"/c/y\""});
}

TEST_CASE("ten levels of files are read, the eleventh is an error") {
    std::map<std::string, std::string> files;
    for (int level = 0; level < 11; ++level)
        files["/c/" + std::to_string(level)] = "include " + std::to_string(level + 1);
    files["/c/10"] = "a";
    CHECK(shown(read_table_file("/c/0", MemoryFiles(files))) == "1[a]\n");
    files["/c/10"] = "include 11";
    files["/c/11"] = "a";
    CHECK(shown(read_table_file("/c/0", MemoryFiles(files))) ==
          "1error: could not open file \"/c/11\": maximum nesting depth exceeded\n");
}

TEST_CASE("the file itself must be there") {
    const auto file = read_table_file("/c/y", MemoryFiles("/c/x", ""));
    CHECK(file.error == "could not open file \"/c/y\": No such file or directory");
    CHECK(file.lines.empty());
}

TEST_CASE("files that include each other again and again are given up") {
    const MemoryFiles files("/c/x", "include x\ninclude x");
    const auto file = read_table_file("/c/x", files);
    REQUIRE(!file.lines.empty());
    CHECK(file.lines.back().error == "could not open file \"/c/x\": more than 256 files");
}

TEST_CASE("more tokens than any table has are refused") {
    std::string text;
    for (std::size_t n = 0; n < limits::table_tokens_max; ++n)
        text += "a ";
    CHECK(read_table_file("x", MemoryFiles("x", text)).error.empty());
    const auto file = read_table_file("x", MemoryFiles("x", text + "a"));
    CHECK(file.error == "could not read file \"x\": more than 500000 words");
    CHECK(file.lines.empty());
}

TEST_CASE("more bytes than any table has are given up") {
    std::map<std::string, std::string> files;
    files["/c/y"] = std::string(limits::file_bytes_max, '#');
    for (int n = 0; n < 17; ++n)
        files["/c/x"] += "include y\n";
    CHECK(read_table_file("/c/x", MemoryFiles(files)).error ==
          "could not read file \"/c/x\": more than 16777216 bytes");
}

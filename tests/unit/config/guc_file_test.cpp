// Settings in their order, through includes. Texts as PostgreSQL 15 and 18 write them.
#include "proxy/config/guc_file.h"
#include "proxy/config/limits.h"
#include "tests/support/catch.h"
#include "tests/unit/config/memory_files.h"

using namespace pgmoat::config;

namespace {

using Files = std::map<std::string, std::string>;

struct Read {
    std::vector<std::string> settings; // name=value@file:line
    std::vector<std::string> errors;
};

Read read(const Files& files) {
    Problems problems;
    Read result;
    const MemoryFiles source(files);
    for (const Setting& setting : read_guc_file(source, "d/main.conf", problems)) {
        result.settings.push_back(setting.name + "=" + setting.value + "@" + setting.location.file +
                                  ":" + std::to_string(setting.location.line));
    }
    result.errors = problems.errors;
    return result;
}

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("a setting is a name, an equals sign or none, and a value") {
    const Read result = read({{"d/main.conf", "A=1\nb 2\n c = 'x''y' # z\n\nd.E TLSv1.2"}});
    CHECK(result.errors.empty());
    CHECK(result.settings == Lines{"a=1@d/main.conf:1",
                                   "b=2@d/main.conf:2",
                                   "c=x'y@d/main.conf:3",
                                   "d.e=TLSv1.2@d/main.conf:5"});
}

TEST_CASE("lines may end as they do on Windows") {
    CHECK(read({{"d/main.conf", "a = 1\r\nb = 2\r\n"}}).settings.size() == 2);
}

TEST_CASE("what is not a setting is a syntax error with the place where it went wrong") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"foo\n", "line 1, near end of line"},
        {"foo", "line 1, near end of line"},
        {"\nport = \n", "line 2, near end of line"},
        {"port 12 13\n", "line 1, near token \"13\""},
        {"port == 5\n", "line 1, near token \"=\""},
        {"= 5\n", "line 1, near token \"=\""},
        {"5 = 5\n", "line 1, near token \"5\""},
        {"'port' = 5\n", "line 1, near token \"'port'\""},
        {"ssl_cert_file = server.crt\n", "line 1, near token \"server.crt\""},
        {"ssl_cert_file = ./x\n", "line 1, near token \"/\""},
        {"ssl_cert_file = /x\n", "line 1, near token \"/\""},
        {"port = '5\n", "line 1, near token \"'\""},
        {"port = 5'6'\n", "line 1, near token \"'6'\""},
        {"authentication_timeout = 1.5min\n", "line 1, near token \"min\""},
        {"port 5 ; x\n", "line 1, near token \";\""},
        {"[section]\n", "line 1, near token \"[\""},
        {"a.b.c = 1\n", "line 1, near token \"a.b.c\""},
        {"listener.edge-1 = 'x'\n", "line 1, near token \"listener.edge-1\""},
        {"user = 'a\\000b'\n", "line 1, near token \"'a\\000b'\""},
        {"include nope.conf\n", "line 1, near token \"nope.conf\""},
    }));
    INFO(std::get<0>(row));
    CHECK(read({{"d/main.conf", std::get<0>(row)}}).errors ==
          Lines{"syntax error in file \"d/main.conf\" " + std::get<1>(row)});
}

TEST_CASE("after a syntax error the next line is read as if nothing had happened") {
    const Read result = read({{"d/main.conf", "a = 'x' y z\n# c\nfoo bar baz\nb = 1\n"}});
    CHECK(result.errors ==
          Lines{"syntax error in file \"d/main.conf\" line 1, near token \"y\"",
                "syntax error in file \"d/main.conf\" line 3, near token \"baz\""});
    CHECK(result.settings == Lines{"b=1@d/main.conf:4"});
}

TEST_CASE("a file of nothing but errors is given up") {
    std::string rubbish;
    for (int i = 0; i < 1000; ++i)
        rubbish += "= = =\n";
    const Read result = read({{"d/main.conf", rubbish}});
    CHECK(result.errors.size() == limits::syntax_errors_per_file_max + 1);
    CHECK(result.errors.back() == "too many syntax errors found, abandoning file \"d/main.conf\"");
}

TEST_CASE("an included file is found beside the one that includes it, and replaces the line") {
    const Read result = read({{"d/main.conf", "a = 1\nINCLUDE 'sub/one.conf'\nb = 2"},
                              {"d/sub/one.conf", "c = 3\ninclude = 'two.conf'"},
                              {"d/sub/two.conf", "d = 4"}});
    CHECK(result.errors.empty());
    CHECK(result.settings == Lines{"a=1@d/main.conf:1",
                                   "c=3@d/sub/one.conf:1",
                                   "d=4@d/sub/two.conf:1",
                                   "b=2@d/main.conf:3"});
}

TEST_CASE("include_if_exists does not mind a missing file") {
    const Read result = read({{"d/main.conf", "include_if_exists 'nope'\na = 1"}});
    CHECK(result.errors.empty());
    CHECK(result.settings.size() == 1);
}

TEST_CASE("include_dir reads the .conf files of a folder in the order of their names") {
    const Read result = read({{"d/main.conf", "include_dir 'conf.d'"},
                              {"d/conf.d/20.conf", "a = 20"},
                              {"d/conf.d/10.conf", "a = 10"},
                              {"d/conf.d/.hidden.conf", "a = 0"},
                              {"d/conf.d/10.conf~", "a = 0"},
                              {"d/conf.d/.conf", "a = 0"},
                              {"d/conf.d/sub/30.conf", "a = 0"}});
    CHECK(result.errors.empty());
    CHECK(result.settings == Lines{"a=10@d/conf.d/10.conf:1", "a=20@d/conf.d/20.conf:1"});
}

TEST_CASE("an include that cannot be read says which and where") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"include 'nope'",
         "could not open configuration file \"d/nope\": No such file or directory"},
        {"include '/nope'",
         "could not open configuration file \"/nope\": No such file or directory"},
        {"include ''", "empty configuration file name: \"\""},
        {"include ' '", "empty configuration file name: \" \""},
        {"include_dir 'nope'",
         "could not open configuration directory \"d/nope\": No such file or directory"},
        {"include_dir ''", "empty configuration directory name: \"\""},
        {"include 'main.conf'", "configuration file recursion in \"d/main.conf\""},
    }));
    INFO(std::get<0>(row));
    CHECK(read({{"d/main.conf", "\n" + std::get<0>(row)}}).errors ==
          Lines{std::get<1>(row) + " in file \"d/main.conf\" line 2"});
}

TEST_CASE("a main file that cannot be read has no line to name") {
    CHECK(read({}).errors ==
          Lines{"could not open configuration file \"d/main.conf\": No such file or directory"});
}

TEST_CASE("files nest ten deep and no deeper") {
    Files files{{"d/main.conf", "include '1'"}};
    for (int i = 1; i < 10; ++i)
        files["d/" + std::to_string(i)] = "include '" + std::to_string(i + 1) + "'";
    files["d/10"] = "a = 1";
    CHECK(read(files).errors.empty());
    CHECK(read(files).settings == Lines{"a=1@d/10:1"});
    files["d/10"] = "include '11'";
    files["d/11"] = "a = 1";
    CHECK(read(files).errors == Lines{"could not open configuration file \"d/11\": maximum nesting "
                                      "depth exceeded in file \"d/10\" line 1"});
}

TEST_CASE("files that include each other end at the depth limit") {
    const Read result = read({{"d/main.conf", "include 'a'"}, {"d/a", "include 'main.conf'"}});
    CHECK(result.errors.size() == 1);
}

TEST_CASE("files that include each other twice end at the limit of files") {
    const Read result = read({{"d/main.conf", "include 'a'\ninclude 'a'"},
                              {"d/a", "include 'b'\ninclude 'b'"},
                              {"d/b", "include 'a'\ninclude 'a'\nx = 1"}});
    CHECK_FALSE(result.errors.empty());
    CHECK(result.settings.size() <= limits::files_max);
}

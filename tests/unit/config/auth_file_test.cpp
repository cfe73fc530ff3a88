// Files of SCRAM secrets: what is accepted, and errors that name the line and never the secret.
#include "proxy/config/auth_file.h"
#include "proxy/config/config.h"
#include "tests/support/catch.h"
#include "tests/unit/config/memory_files.h"

using namespace pgmoat::config;

namespace {

const std::string secret = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
                           "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
                           ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

std::string error_of(const std::string& text) {
    Problems problems;
    (void)read_auth_file(MemoryFiles("users.txt", text), "users.txt", "auth_file", problems);
    return problems.errors.empty() ? "" : problems.errors.front();
}

} // namespace

TEST_CASE("Users and their secrets are read, comments and blank lines left out") {
    Problems problems;
    const auto secrets =
        read_auth_file(MemoryFiles("users.txt",
                                   "; PgBouncer's comment\n# ours\n\n\"a\"\"b\" \"" + secret +
                                       "\"\r\n \"c\"\t\"" + secret + "\""),
                       "users.txt",
                       "auth_file",
                       problems);
    REQUIRE(problems.errors.empty());
    REQUIRE(secrets.size() == 2);
    REQUIRE(secrets.at("a\"b").iterations == 4096);
    REQUIRE(secrets.contains("c"));
}

TEST_CASE("A line that is no user and secret is an error with its place, without the secret") {
    const std::string expected =
        R"(expected "user" "SCRAM-SHA-256$..." in file "users.txt" line 2)";
    for (const std::string& line : {std::string("alice x"),
                                    std::string("\"alice\""),
                                    "\"alice\" \"" + secret,
                                    "\"alice\" \"" + secret + "\" x"})
        REQUIRE(error_of("\n" + line) == expected);
    REQUIRE(
        error_of("\"alice\" \"hunter2\"") ==
        R"(the secret of user "alice" is not a SCRAM-SHA-256 secret in file "users.txt" line 1)");
    const std::string line = "\"alice\" \"" + secret + "\"\n";
    REQUIRE(error_of(line + line) == R"(user "alice" is listed twice in file "users.txt" line 2)");
}

TEST_CASE("The first format of http_users_file is taken, with one warning") {
    Problems problems;
    const auto secrets = parse_auth_file(
        "# old\nalice:" + secret + "\nbob:" + secret + "\n", {"users.txt", 0}, problems);
    REQUIRE(problems.errors.empty());
    REQUIRE(secrets.size() == 2);
    REQUIRE(problems.warnings ==
            std::vector<std::string>{
                R"(lines of the form user:secret are deprecated: write "user" "secret")"
                R"( in file "users.txt" line 2)"});
}

TEST_CASE("Passwords and MD5 hashes are refused in either format, and never repeated") {
    for (const std::string& line :
         {std::string("\"alice\" \"md5a3556571e93b0d20722ba62be61e8c2d\""),
          std::string("\"alice\" \"hunter2\""),
          std::string("alice:hunter2"),
          std::string("alice:md5a3556571e93b0d20722ba62be61e8c2d")}) {
        const std::string error = error_of(line);
        REQUIRE_FALSE(error.empty());
        REQUIRE(error.find("hunter2") == error.npos);
        REQUIRE(error.find("md5a3") == error.npos);
    }
}

TEST_CASE("A line that is written is read again") {
    const auto parsed = pgmoat::protocol::parse_scram_secret(secret).value();
    Problems problems;
    const auto secrets =
        parse_auth_file(auth_file_line("a\"b c", parsed), {"users.txt", 0}, problems);
    REQUIRE(problems.errors.empty());
    REQUIRE(pgmoat::protocol::text_of(secrets.at("a\"b c")) == secret);
}

TEST_CASE("Who may own and read a file of secrets is as for private keys") {
    constexpr unsigned we = 1000;
    REQUIRE(secret_file_problem("f", {we, 0600}, we).empty());
    REQUIRE(secret_file_problem("f", {we, 0400}, we).empty());
    REQUIRE(secret_file_problem("f", {0, 0640}, we).empty());
    REQUIRE(secret_file_problem("f", {0, 0600}, 0).empty());
    REQUIRE_FALSE(secret_file_problem("f", {we, 0640}, we).empty());
    REQUIRE_FALSE(secret_file_problem("f", {0, 0644}, we).empty());
    REQUIRE_FALSE(secret_file_problem("f", {0, 0660}, we).empty());
    REQUIRE_FALSE(secret_file_problem("f", {1001, 0600}, we).empty());
}

TEST_CASE("A console_auth_file that is not there is an error of the configuration") {
    try {
        (void)load_config("x.conf",
                          MemoryFiles("x.conf",
                                      "upstream = 'host=x'\nconsole_users = a\n"
                                      "console_auth_file = 'users.txt'"));
        FAIL("it was loaded");
    } catch (const ConfigError& error) {
        REQUIRE(
            error.messages.front() ==
            R"(could not open console_auth_file: No such file or directory in file "users.txt")");
    }
}

TEST_CASE("What a connection string says is shown without its secrets") {
    REQUIRE(without_secrets("host='a b' sslcert=c sslkey=k sslpassword='it\\'s'") ==
            "host='a b' sslcert=c sslkey=k sslpassword=********");
    REQUIRE(without_secrets("postgresql://db:5433/?sslcert=c&sslkey=k&sslpassword=hidden") ==
            "host=db port=5433 sslcert=c sslkey=k sslpassword=********");
}

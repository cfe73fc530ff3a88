// What PostgreSQL's view would show of the lines of a file.
#include "proxy/hba/parse/hba_listing.h"
#include "proxy/hba/parse/listing_text.h"
#include "tests/support/catch.h"
#include "tests/unit/hba/hba_lines.h"

#include <string>
#include <vector>

using namespace pgmoat::hba;

namespace {

std::vector<HbaRow> rows_of(const std::string& text, const HbaContext& context = {}) {
    return list_hba(ParsedHba(text, context).lines);
}

} // namespace

TEST_CASE("a rule is a row with its addresses in numbers") {
    const auto rows = rows_of("# a\nhost a,\"b c\" /x 127.1/8 ident map=m");
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].rule_number == 1U);
    CHECK(rows[0].file_name == "/c/hba");
    CHECK(rows[0].line_number == 2);
    CHECK(rows[0].type == "host");
    CHECK(rows[0].databases == std::vector<std::string>{"a", "b c"});
    CHECK(rows[0].users == std::vector<std::string>{"/x"});
    CHECK(rows[0].address == "127.0.0.1");
    CHECK(rows[0].netmask == "255.0.0.0");
    CHECK(rows[0].auth_method == "ident");
    CHECK(rows[0].options == std::vector<std::string>{"map=m"});
    CHECK(rows[0].error.empty());
}

TEST_CASE("a line is shown without its passwords, however they are quoted") {
    const auto shown = [](const std::string& options) {
        return shown_text(ParsedHba("host all all all " + options).rule());
    };
    CHECK(shown("md5") == "host all all all md5");
    CHECK(shown("radius radiusservers=a radiussecrets=hunter2") ==
          "host all all all radius radiusservers=a ...");
    const std::string ldap = "ldap ldapserver=a ldapbasedn=b ";
    CHECK(shown(ldap + "\"ldapbindpasswd=hunter2 3\" ldapport=1") ==
          "host all all all ldap ldapserver=a ldapbasedn=b \"...");
    CHECK(shown(ldap + "ldap\"bind\"passwd=hunter2") == "...");
}

TEST_CASE("names and keywords in the address column are shown as written, without a netmask") {
    for (const char* address : {"all", "samenet", ".example.com"}) {
        const auto rows = rows_of("host all all " + std::string(address) + " md5");
        CHECK(rows.at(0).address == address);
        CHECK(rows[0].netmask.empty());
    }
    CHECK(rows_of("local all all md5").at(0).address.empty());
}

TEST_CASE("what a method implies is shown, and what is secret is not") {
    using Options = std::vector<std::string>;
    CHECK(rows_of("hostssl all all all cert").at(0).options == Options{"clientcert=verify-full"});
    CHECK(rows_of("host all all all gss").at(0).options == Options{"include_realm=true"});
    CHECK(rows_of("host all all all ldap ldapbasedn=x ldapbindpasswd=p").at(0).options ==
          Options{"ldapbasedn=x", "ldapbindpasswd=********"});
    CHECK(rows_of("host all all all radius radiusservers=x radiussecrets=p").at(0).options ==
          Options{"radiusservers=x", "radiussecrets=********"});
}

TEST_CASE("a line with an error is a row with its place alone") {
    const auto rows = rows_of("local all all trust\nhost\nlocal all all md5");
    REQUIRE(rows.size() == 3);
    CHECK(!rows[1].rule_number);
    CHECK(rows[1].line_number == 2);
    CHECK(rows[1].error == "end-of-line before database specification");
    CHECK(rows[1].type.empty());
    CHECK(rows[2].rule_number == 2U);
}

TEST_CASE("a record that cannot match is a rule with a warning") {
    HbaContext context;
    context.ssl = false;
    const auto rows = rows_of("hostssl all all all md5", context);
    CHECK(rows.at(0).rule_number == 1U);
    CHECK(rows[0].warning == "hostssl record cannot match because SSL is disabled");
}

TEST_CASE("the table leaves out empty columns and control characters") {
    CHECK(text_table(rows_of("local all all trust\nhost\n")) ==
          "rule_number  file_name  line_number  type   database  user_name  auth_method  error\n"
          "1            /c/hba     1            local  {all}     {all}      trust\n"
          "             /c/hba     2                                                     "
          "end-of-line before database specification\n");
    CHECK(text_table(rows_of("local a\x1b[2J all trust")).find('\x1b') == std::string::npos);
}

TEST_CASE("the table for people tells two names from one with a comma") {
    const std::string table = text_table(rows_of("local \"a,b\",c \"d \" trust"));
    CHECK(table.find("{\"a,b\",c}") != std::string::npos);
    CHECK(table.find("{\"d \"}") != std::string::npos);
}

TEST_CASE("the table for programs is JSON whatever the file holds") {
    CHECK(json_table(rows_of("local \"a\"\"\\\x01\xe9ä\" all trust")) ==
          "[\n{\"rule_number\": 1, \"file_name\": \"/c/hba\", \"line_number\": 1, \"type\": "
          "\"local\", \"database\": [\"a\\\"\\\\\\u0001\\ufffdä\"], \"user_name\": [\"all\"], "
          "\"address\": null, \"netmask\": null, \"auth_method\": \"trust\", \"options\": null, "
          "\"error\": null, \"warning\": null}\n]\n");
    CHECK(json_table({}) == "[\n]\n");
}

// What peers sent, on its way into a log line or a JSON document.
#include "proxy/telemetry/log_fields.h"
#include "tests/support/catch.h"

#include <string>

using namespace pgmoat;
using namespace std::string_literals;

TEST_CASE("A field is name=value in text and a member in JSON") {
    telemetry::Fields fields;
    fields.add({"user", "user.name"}, "alice")
        .add("id", 7)
        .add_flag("up", true)
        .add_seconds("s", 0.25);
    CHECK(fields.as_text() == "user=alice id=7 up=true s=0.250");
    CHECK(fields.as_json() == R"("user.name":"alice","id":7,"up":true,"s":0.250)");
}

TEST_CASE("A field without a name in one form is left out of it") {
    telemetry::Fields fields;
    fields.add({"client", ""}, "x").add({"", "client.address"}, "y");
    CHECK(fields.as_text() == "client=x");
    CHECK(fields.as_json() == R"("client.address":"y")");
}

TEST_CASE("Quotes, backslashes and control characters are escaped") {
    CHECK(telemetry::escaped("a\"b\\c\nd\x7F\x01"s, 100) == R"(a\"b\\c\u000ad\u007f\u0001)");
    CHECK(telemetry::escaped("\xC2\x9B[31m", 100) ==
          R"(\u009b[31m)"); // CSI, as terminals know it too
    CHECK(telemetry::escaped("\0"s, 100) == R"(\u0000)");
}

TEST_CASE("Valid UTF-8 stays, and each byte that is none becomes the replacement character") {
    CHECK(telemetry::escaped("grün 漢 🐘", 100) == "grün 漢 🐘");
    for (const std::string bad : {"\xFF", "\xC0", "\xED", "\xF8", "\x80"})
        CHECK(telemetry::escaped(bad, 100) == "\\ufffd");
    CHECK(telemetry::escaped("\xC0\xAF", 100) == "\\ufffd\\ufffd");            // overlong
    CHECK(telemetry::escaped("\xED\xA0\x80", 100) == "\\ufffd\\ufffd\\ufffd"); // a surrogate
    CHECK(telemetry::escaped("x\xE2\x82", 100) == "x\\ufffd\\ufffd");          // cut off
}

TEST_CASE("A long value is cut between characters, with a mark") {
    CHECK(telemetry::escaped(std::string(50, 'x'), 10) == std::string(10, 'x') + "...");
    CHECK(telemetry::escaped("äääää", 3) == "ää...");
}

TEST_CASE("Text is quoted when it could be taken for two fields") {
    CHECK(telemetry::text_field("plain") == "plain");
    CHECK(telemetry::text_field("") == "\"\"");
    CHECK(telemetry::text_field("a b") == "\"a b\"");
    CHECK(telemetry::text_field("a=b") == "\"a=b\"");
    CHECK(telemetry::text_field("a\nb") == R"("a\u000ab")");
}

TEST_CASE("Repaired text has no control characters and no invalid bytes, and nothing is escaped") {
    CHECK(telemetry::repaired("a\"b\\<é>", 100) == "a\"b\\<é>");
    CHECK(telemetry::repaired("a\nb\xFF\xC2\x85", 100) == "a\uFFFDb\uFFFD\uFFFD");
}

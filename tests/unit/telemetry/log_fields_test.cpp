// Texts from peers in a log line or a JSON document.
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

TEST_CASE("Text is quoted when it could be taken for two fields") {
    CHECK(telemetry::text_field("plain") == "plain");
    CHECK(telemetry::text_field("") == "\"\"");
    CHECK(telemetry::text_field("a b") == "\"a b\"");
    CHECK(telemetry::text_field("a=b") == "\"a=b\"");
    CHECK(telemetry::text_field("a\nb") == R"("a\u000ab")");
}

// One connection as text fields and with OpenTelemetry's names.
#include "proxy/telemetry/connection_fields.h"
#include "tests/support/catch.h"

#include <memory>
#include <string>

using namespace pgmoat;
using namespace std::chrono_literals;

namespace {

telemetry::SessionFacts alice() {
    telemetry::SessionFacts facts;
    facts.listener = "default";
    facts.client_address = "::1";
    facts.client_port = 4711;
    facts.user = "alice";
    facts.database = "sales";
    facts.client_tls = {
        "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "X25519", "db.example", "postgresql"};
    facts.steps.greet = 12ms;
    return facts;
}

bool has(const std::string& text, const std::string& part) {
    INFO(text);
    INFO(part);
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("Text is for people: one address, one TLS version") {
    const std::string text = describe(alice(), {.id = 3, .age = 2s}).as_text();
    CHECK(has(text,
              "id=3 listener=default mode=terminate client=[::1]:4711 user=alice database=sales"));
    CHECK(has(text, "tls=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 group=X25519 sni=db.example"));
    CHECK(
        has(text, "greet_seconds=0.012 received=0 sent=0 queries=0 transactions=0 seconds=2.000"));
    CHECK_FALSE(has(text, "reach_seconds"));
}

TEST_CASE("JSON has OpenTelemetry's names and shapes") {
    const std::string json = describe(alice(), {.id = 3}).as_json();
    CHECK(has(json, R"("client.address":"::1","client.port":4711,"user.name":"alice")"));
    CHECK(has(json,
              R"("tls.established":true,"tls.protocol.name":"tls","tls.protocol.version":"1.3")"));
    CHECK(has(json, R"("tls.curve":"X25519")"));
}

TEST_CASE("Traffic is reported in bytes and in messages") {
    const telemetry::ConnectionState state{.id = 3, .age = 2s, .traffic = {100, 200, 3, 4, 2, 1}};
    CHECK(has(describe(alice(), state).as_json(),
              R"("received":100,"sent":200,"messages_received":3,"messages_sent":4,"queries":2,)"
              R"("transactions":1)"));
}

TEST_CASE("A connection on its way says so, and nothing yet of what it moved") {
    const std::string json = describe(3, alice()).as_json();
    CHECK(has(json, R"("id":3,"stage":"login",)"));
    CHECK_FALSE(has(json, "sent"));
    CHECK_FALSE(has(json, "\"seconds\""));
}

TEST_CASE("A client without TLS says so") {
    telemetry::SessionFacts facts = alice();
    facts.client_tls = {};
    CHECK(has(describe(facts, {}).as_text(), "tls=off"));
    CHECK(has(describe(facts, {}).as_json(), R"("tls.established":false)"));
}

TEST_CASE("A client certificate is reported with its issuer, serial number and expiry") {
    telemetry::SessionFacts facts = alice();
    auto certificate = std::make_shared<tls::CertificateFacts>();
    certificate->subject = "/CN=alice";
    certificate->issuer = "/CN=Test CA";
    certificate->serial = "4711";
    certificate->not_after = 1'800'000'000;
    certificate->leaf_sha256 = "ab12";
    facts.client_certificate = certificate;
    CHECK(has(describe(facts, {}).as_text(),
              "client_dn=\"/CN=alice\" client_issuer=\"/CN=Test CA\" client_serial=4711"));
    const std::string json = describe(facts, {}).as_json();
    CHECK(has(json,
              R"("tls.client.not_after":"2027-01-15T08:00:00Z","tls.client.hash.sha256":"AB12")"));
}

// One connection in the words of the log and in those of OpenTelemetry.
#include "proxy/describe.h"
#include "tests/support/catch.h"

#include <memory>
#include <string>

using namespace pgmoat;
using namespace std::chrono_literals;

namespace {

SessionFacts alice() {
    SessionFacts facts;
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
    CHECK(has(text, "greet_seconds=0.012 seconds=2.000"));
    CHECK_FALSE(has(text, "reach_seconds"));
}

TEST_CASE("JSON has OpenTelemetry's names and shapes") {
    const std::string json = describe(alice(), {.id = 3}).as_json();
    CHECK(has(json, R"("client.address":"::1","client.port":4711,"user.name":"alice")"));
    CHECK(has(json,
              R"("tls.established":true,"tls.protocol.name":"tls","tls.protocol.version":"1.3")"));
    CHECK(has(json, R"("tls.curve":"X25519")"));
}

TEST_CASE("A client without TLS says so") {
    SessionFacts facts = alice();
    facts.client_tls = {};
    CHECK(has(describe(facts, {}).as_text(), "tls=off"));
    CHECK(has(describe(facts, {}).as_json(), R"("tls.established":false)"));
}

TEST_CASE("A client certificate is told with its issuer, number and end") {
    SessionFacts facts = alice();
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

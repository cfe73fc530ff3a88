// Stored passwords, in PostgreSQL's form.
#include "tests/support/catch.h"
#include "tls/base64.h"
#include "tls/remembered.h"
#include "tls/scram_secret.h"

#include <string>

using namespace pgmoat::tls;

namespace {

// What PostgreSQL 15 made of the password "pencil".
const std::string pencil =
    "SCRAM-SHA-256$4096:6de8Qz+llQiOrM49dx0mMg==$"
    "vRO4eUhLUMDMS4E3Ta3tj+By/EoxVUR+1wA9En9O2d0=:xH4lJ7jyXTmbkCc9eoopfIBXVFM54ydNjbsXhGSHxvI=";

std::string replaced(std::string text, const std::string& part, const std::string& with) {
    return text.replace(text.find(part), part.size(), with);
}

} // namespace

TEST_CASE("a secret that PostgreSQL made is the password's and no other's") {
    const auto secret = parse_scram_secret(pencil);
    REQUIRE(secret);
    CHECK(is_password_of(*secret, "pencil"));
    for (const char* wrong : {"", "Pencil", "pencil ", "pencils"})
        CHECK_FALSE(is_password_of(*secret, wrong));
}

TEST_CASE("a secret of our own is the password's and salted anew each time") {
    const std::string first = make_scram_secret("correct horse");
    CHECK(first != make_scram_secret("correct horse"));
    const auto secret = parse_scram_secret(first);
    REQUIRE(secret);
    CHECK(is_password_of(*secret, "correct horse"));
    CHECK_FALSE(is_password_of(*secret, "battery staple"));
}

TEST_CASE("what is no secret is refused") {
    for (const std::string& broken : {std::string(),
                                      std::string("pencil"),
                                      replaced(pencil, "SCRAM-SHA-256", "SCRAM-SHA-512"),
                                      replaced(pencil, "4096", "0"),
                                      replaced(pencil, "4096", "-1"),
                                      replaced(pencil, "4096", "99999999999999999999"),
                                      replaced(pencil, "4096", "100001"),
                                      replaced(pencil, "4096:", "4096"),
                                      pencil + "=",
                                      pencil.substr(0, pencil.size() - 4)}) {
        INFO(broken);
        CHECK_FALSE(parse_scram_secret(broken));
    }
}

TEST_CASE("base64 goes there and back, and takes nothing else") {
    for (std::size_t size = 0; size < 40; ++size) {
        std::vector<std::uint8_t> bytes(size, 0xA7);
        CHECK(base64_decoded(base64(bytes)) == bytes);
    }
    for (const char* broken :
         {"a", "ab", "abc", "====", "ab=c", " YWJj", "YWJj\n", "YW-j", "abc=="})
        CHECK_FALSE(base64_decoded(broken));
}

TEST_CASE("texts are remembered, the oldest is forgotten") {
    Remembered known(2);
    CHECK_FALSE(known.has("a"));
    for (const char* text : {"a", "b", "c"})
        known.add(text);
    CHECK_FALSE(known.has("a"));
    CHECK(known.has("b"));
    CHECK(known.has("c"));
}

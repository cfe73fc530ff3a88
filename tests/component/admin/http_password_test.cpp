// Stored passwords, in PostgreSQL's form.
#include "protocol/scram_secret.h"
#include "proxy/admin/http/http_users.h"
#include "tests/support/catch.h"
#include "tls/scram_keys.h"

#include <cstdint>
#include <string>
#include <vector>

using namespace pgmoat::admin;
using pgmoat::protocol::parse_scram_secret;

namespace {

// PostgreSQL 15's secret for the password "pencil".
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

TEST_CASE("a password is prepared as PostgreSQL prepares it before it is hashed") {
    const std::vector<std::uint8_t> salt(16, 's');
    const auto keys = pgmoat::tls::derive_scram_keys("IX", salt, 4096);
    const pgmoat::protocol::ScramSecret secret{4096, salt, keys.stored, keys.server};
    CHECK(is_password_of(secret, "IX"));
    CHECK(is_password_of(secret, "I\xc2\xadX")); // SOFT HYPHEN
    CHECK_FALSE(is_password_of(secret, "I-X"));
}

TEST_CASE("what is no secret, or would cost too much, is refused") {
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
        CHECK_FALSE(parse_http_users("alice:" + broken, "users").errors.empty());
    }
}

// The digests with published test vectors.
#include "tests/support/catch.h"
#include "tls/scram_keys.h"

#include <string>
#include <string_view>

using namespace pgmoat::tls;

namespace {

std::span<const std::uint8_t> view(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string hex(const Sha256& digest) {
    std::string text;
    for (const std::uint8_t byte : digest) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

} // namespace

TEST_CASE("SHA-256 of FIPS 180-4's examples") {
    REQUIRE(hex(sha256(view("abc"))) ==
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    REQUIRE(hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("HMAC-SHA-256 of RFC 4231's second case") {
    REQUIRE(hex(hmac_sha256(view("Jefe"), view("what do ya want for nothing?"))) ==
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("Bytes are equal when all of them are") {
    REQUIRE(equal_in_constant_time(view("abc"), view("abc")));
    REQUIRE_FALSE(equal_in_constant_time(view("abc"), view("abd")));
    REQUIRE_FALSE(equal_in_constant_time(view("abc"), view("ab")));
}

TEST_CASE("Random bytes differ from call to call") {
    REQUIRE(random_bytes(18).size() == 18);
    REQUIRE(random_bytes(18) != random_bytes(18));
}

TEST_CASE("RFC 7677's password becomes its keys") {
    const std::string_view salt = "\x5b\x6d\x99\x68\x9d\x12\x35\x8e"
                                  "\xec\xa0\x4b\x14\x12\x36\xfa\x81";
    const ScramKeys keys = derive_scram_keys("pencil", view(salt), 4096);
    REQUIRE(hex(keys.stored) == "586e5df283e6dceb5c3e791d8b8528ec191e664045ce971792e2e6b5bb13e2a6");
    REQUIRE(hex(keys.server) == "c1f3cbc1c13a9d35a14c0990eed97629ea225863e566a4314ab99f3f00e5d9d5");
    REQUIRE(sha256(keys.client) == keys.stored);
}

TEST_CASE("wiped bytes are zero") {
    Sha256 key = sha256(view("abc"));
    wipe(key);
    REQUIRE(key == Sha256{});
}

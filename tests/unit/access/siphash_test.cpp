// The test vectors of the reference implementation: key 00..0f, input 00, 00 01, and so on.
#include "proxy/access/siphash.h"
#include "tests/support/catch.h"

#include <numeric>
#include <vector>

using pgmoat::access::siphash;
using pgmoat::access::SipKey;

TEST_CASE("SipHash-2-4 gives the reference values") {
    const SipKey key{0x0706'0504'0302'0100, 0x0f0e'0d0c'0b0a'0908};
    std::vector<std::uint8_t> input(15);
    std::iota(input.begin(), input.end(), std::uint8_t{0});
    REQUIRE(siphash(key, {}) == 0x726f'db47'dd0e'0e31);
    REQUIRE(siphash(key, std::span{input}.first(1)) == 0x74f8'39c5'93dc'67fd);
    REQUIRE(siphash(key, std::span{input}.first(7)) == 0xab02'00f5'8b01'd137);
    REQUIRE(siphash(key, std::span{input}.first(8)) == 0x93f5'f579'9a93'2462);
    REQUIRE(siphash(key, input) == 0xa129'ca61'49be'45e5);
    REQUIRE(siphash({1, 2}, input) != siphash({1, 3}, input));
}

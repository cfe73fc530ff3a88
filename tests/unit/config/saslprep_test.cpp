// RFC 4013's examples, and passwords that PostgreSQL leaves as they are.
#include "proxy/config/saslprep.h"
#include "tests/support/catch.h"

#include <string>

using pgmoat::config::saslprep;

TEST_CASE("A password is prepared as RFC 4013's examples say") {
    REQUIRE(saslprep("I\xc2\xadX") == "IX");      // SOFT HYPHEN mapped to nothing
    REQUIRE(saslprep("\xc2\xaa") == "a");         // FEMININE ORDINAL INDICATOR, by NFKC
    REQUIRE(saslprep("\xe2\x85\xa8") == "IX");    // ROMAN NUMERAL NINE, by NFKC
    REQUIRE(saslprep("x\xc2\xa0y") == "x y");     // NO-BREAK SPACE
    REQUIRE(saslprep("e\xcc\x81") == "\xc3\xa9"); // composed
}

TEST_CASE("What cannot be prepared stays as it is, as in PostgreSQL") {
    for (const std::string password : {"user",
                                       "USER",
                                       "a\tb",
                                       "",
                                       "\xc3\xa9\xff", // not UTF-8
                                       "\xd8\xa7"
                                       "1",            // mixed directions
                                       "\xc3\xa9\x07", // control character
                                       "\xc2\xad"})    // nothing would be left
        REQUIRE(saslprep(password) == password);
}

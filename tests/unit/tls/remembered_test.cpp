// Texts that were verified before.
#include "tests/support/catch.h"
#include "tls/remembered.h"

using namespace pgmoat::tls;

TEST_CASE("texts are remembered, the oldest is forgotten") {
    Remembered known(2);
    CHECK_FALSE(known.has("a"));
    for (const char* text : {"a", "b", "c"})
        known.add(text);
    CHECK_FALSE(known.has("a"));
    CHECK(known.has("b"));
    CHECK(known.has("c"));
}

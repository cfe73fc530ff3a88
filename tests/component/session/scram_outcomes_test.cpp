// The outcomes of the bridge and the labels of the metrics are the same list.
#include "metrics/labels.h"
#include "protocol/scram_bridge.h"
#include "tests/support/catch.h"

using namespace pgmoat;

TEST_CASE("what is counted of a bridged login is what the bridge calls it") {
    for (std::size_t i = 0; i < metrics::scram_outcome_count; ++i)
        CHECK(metrics::to_word(static_cast<metrics::ScramOutcome>(i)) ==
              protocol::word_of(static_cast<protocol::ScramOutcome>(i)));
}

// The contents of a history sample.
#include "proxy/admin/status/history.h"
#include "tests/support/catch.h"

using namespace pgmoat;

TEST_CASE("Bytes of a live connection, which the counters have already, are there once") {
    metrics::Counters counters;
    const auto listener = counters.add_listener("default", metrics::Mode::terminate);
    metrics::Block& block = counters.block_of_this_thread();
    block.bytes(listener, metrics::Direction::from_client, 100);
    block.bytes(listener, metrics::Direction::from_server, 30);
    telemetry::SessionTable table;
    const auto row = table.open();
    row->bytes_from_client = 100;
    row->bytes_from_server = 30;

    const auto sample = admin::take_sample(0, table.snapshot(), counters.sum());
    CHECK(sample.in_the_clear == 1);
    CHECK(sample.bytes_from_client == 100);
    CHECK(sample.bytes_from_server == 30);
}

// What counting costs, in CPU time. Hidden: it checks nothing, and only makes sense in an optimised
// build. `component_relay "[cost]"`; recorded in bench/RESULTS.md.
#include "proxy/relay/traffic_meter.h"
#include "tests/support/catch.h"

#include <ctime>
#include <iostream>
#include <string>
#include <vector>

namespace pgmoat::test {
namespace {

using Stream = std::vector<std::uint8_t>;

void add_message(Stream& stream, char type, std::size_t whole_bytes) {
    const auto length = static_cast<std::uint32_t>(whole_bytes - 1);
    stream.push_back(static_cast<std::uint8_t>(type));
    for (const int shift : {24, 16, 8, 0})
        stream.push_back(static_cast<std::uint8_t>(length >> shift));
    stream.resize(stream.size() + whole_bytes - 5, 'I');
}

template <class Work>
double nanoseconds_of(int times, const Work& work) {
    const std::clock_t began = std::clock();
    for (int i = 0; i < times; ++i)
        work();
    return static_cast<double>(std::clock() - began) * 1e9 / CLOCKS_PER_SEC / times;
}

} // namespace

TEST_CASE("what counting costs", "[.][cost]") {
    metrics::Counters counters;
    const auto listener = counters.add_listener("default", metrics::Mode::terminate);
    metrics::Block& block = counters.block_of_this_thread();
    telemetry::Traffic row;
    using relay::TrafficMeter;
    TrafficMeter meter(row, listener, TrafficMeter::Content::messages);

    Stream query;
    Stream answer;
    add_message(query, 'Q', 65);
    for (const auto& [type, bytes] : {std::pair{'T', 35}, {'D', 31}, {'C', 14}, {'Z', 6}})
        add_message(answer, type, static_cast<std::size_t>(bytes));
    std::cout << "a query and its answer: " << nanoseconds_of(1'000'000, [&] {
        meter.saw(metrics::Side::client, query, block);
        meter.saw(metrics::Side::server, answer, block);
    }) << " ns\n";

    for (const std::size_t bytes : {31UL, 101UL, 1'005UL, 8'192UL}) {
        Stream rows;
        while (rows.size() < 65'536)
            add_message(rows, 'D', bytes);
        TrafficMeter bulk(row, listener, TrafficMeter::Content::messages);
        std::cout << "64 KiB of rows of " << bytes << " bytes: " << nanoseconds_of(20'000, [&] {
            bulk.saw(metrics::Side::server, rows, block);
        }) << " ns\n";
    }
}

} // namespace pgmoat::test

// Whatever both sides send: fed in one piece, in two, or byte by byte, the traffic observer counts
// the same; no more messages than headers fit into the bytes; as many errors as ErrorResponses,
// except for one whose SQLSTATE has not arrived yet. The first byte sets how much of a stream is
// not seen, which may lose counts but do no other harm.
#include "tests/support/traffic_run.h"

#include <cstdint>
#include <cstdlib>

namespace pgmoat::tests {
namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

template <typename Watch>
TrafficSeen watch_every_way(protocol::ByteView stream, Watch watch) {
    const TrafficSeen whole = watch(Cut{stream});
    const std::size_t middle = stream.size() / 2;
    require(watch(in_pieces_of(1, stream)) == whole);
    require(watch(Cut{stream.first(middle), stream.subspan(middle)}) == whole);
    return whole;
}

std::uint64_t sum(const auto& counts) {
    std::uint64_t total = 0;
    for (const auto& [key, count] : counts)
        total += count;
    return total;
}

void lose_some(std::size_t unseen, protocol::ByteView stream) {
    protocol::TrafficObserver observer;
    TrafficSeen seen;
    for (const protocol::ByteView piece : in_pieces_of(64, stream)) {
        observer.from_client(piece, seen);
        observer.from_server(piece, seen);
        observer.client_sent_unseen(unseen);
        observer.server_sent_unseen(unseen);
    }
    require(sum(seen.from_client) <= stream.size() && sum(seen.from_server) <= stream.size());
}

} // namespace
} // namespace pgmoat::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace pgmoat::tests;
    if (size == 0) return 0;
    const pgmoat::protocol::ByteView stream{data + 1, size - 1};
    const TrafficSeen client = watch_every_way(stream, watch_client);
    const TrafficSeen server = watch_every_way(stream, watch_server);
    require(5 * sum(client.from_client) <= stream.size());
    require(5 * sum(server.from_server) <= stream.size());
    const auto told = server.from_server.find('E');
    const std::uint64_t errors = told == server.from_server.end() ? 0 : told->second;
    require(sum(server.errors) <= errors && errors <= sum(server.errors) + 1);
    lose_some(data[0], stream);
    return 0;
}

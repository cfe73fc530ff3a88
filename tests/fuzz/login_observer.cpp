// Whatever a server sends: fed in one piece, in two, or byte by byte, the login observer gives the
// same progress, facts and output, and consumes the same. It writes no more than it read, and if it
// changes nothing, its output is a prefix of its input. If only SCRAM is accepted, no client is let
// in without the end of SCRAM.
#include "tests/support/login_run.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace pgmoat::tests {
namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check(protocol::ByteView stream, ChannelBinding binding, protocol::ServerMethods accepted) {
    const LoginRun whole = run_login({stream}, binding, accepted);
    const std::size_t middle = stream.size() / 2;
    require(run_login(in_pieces_of(1, stream), binding, accepted) == whole);
    require(run_login({stream.first(middle), stream.subspan(middle)}, binding, accepted) == whole);

    require(whole.consumed <= stream.size());
    require(whole.out.size() <= whole.consumed);
    if (!whole.facts.plus_removed)
        require(std::equal(whole.out.begin(), whole.out.end(), stream.begin()));
    require((whole.progress == LoginRun::Progress::protocol_violation) == !whole.complaint.empty());
    require(!whole.facts.authenticated || accepted.contains(whole.facts.method));
}

} // namespace
} // namespace pgmoat::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace pgmoat::tests;
    using pgmoat::protocol::ServerMethod;
    using pgmoat::protocol::ServerMethods;
    check({data, size}, ChannelBinding::keep, ServerMethods::all());
    check({data, size}, ChannelBinding::strip, ServerMethods::all());
    check({data, size}, ChannelBinding::strip, {ServerMethod::scram});
    return 0;
}

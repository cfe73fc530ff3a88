// Runs a login observer over a stream, and checks that the result does not depend on how it is cut.
#pragma once

#include "tests/support/catch.h"
#include "tests/support/login_run.h"
#include "tests/support/server_message_builders.h"

namespace pgmoat::tests {

using Progress = LoginRun::Progress;

// The result for the uncut stream; checks that every cut gives the same.
inline LoginRun run_every_way(const Bytes& stream,
                              ChannelBinding binding = ChannelBinding::keep,
                              protocol::ServerMethods accepted = protocol::ServerMethods::all()) {
    const LoginRun whole = run_login({stream}, binding, accepted);
    for (const Cut& cut : every_cut(stream))
        REQUIRE(run_login(cut, binding, accepted) == whole);
    return whole;
}

} // namespace pgmoat::tests

// What the tests of the login observer share: a run that must be the same for every cut.
#pragma once

#include "tests/support/catch.h"
#include "tests/support/login_run.h"
#include "tests/support/server_message_builders.h"

namespace pgmoat::tests {

using Progress = LoginRun::Progress;

// The run over the whole stream. Every other cut of it must come to the same.
inline LoginRun run_every_way(const Bytes& stream,
                              ChannelBinding binding = ChannelBinding::keep,
                              protocol::ServerMethods accepted = protocol::ServerMethods::all()) {
    const LoginRun whole = run_login({stream}, binding, accepted);
    for (const Cut& cut : every_cut(stream))
        REQUIRE(run_login(cut, binding, accepted) == whole);
    return whole;
}

} // namespace pgmoat::tests

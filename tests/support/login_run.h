// Runs a login observer over a stream in pieces, as its driver does: nothing is fed after the end
// of the login.
#pragma once

#include "protocol/login_observer.h"
#include "tests/support/cuts.h"

#include <cstddef>
#include <string>

namespace pgmoat::tests {

struct LoginRun {
    using Progress = protocol::LoginObserver::Progress;
    Progress progress = Progress::in_login;
    std::size_t consumed = 0;
    protocol::Bytes out;
    protocol::LoginFacts facts;
    std::string complaint;
    bool operator==(const LoginRun&) const = default;
};

enum class ChannelBinding { keep, strip };

inline LoginRun run_login(const Cut& pieces,
                          ChannelBinding binding = ChannelBinding::keep,
                          protocol::ServerMethods accepted = protocol::ServerMethods::all()) {
    protocol::LoginObserver observer{binding == ChannelBinding::strip, accepted};
    LoginRun run;
    for (const protocol::ByteView piece : pieces) {
        const auto step = observer.observe(piece, run.out);
        run.progress = step.progress;
        run.consumed += step.consumed;
        if (run.progress != LoginRun::Progress::in_login) break;
    }
    run.facts = observer.facts();
    run.complaint = observer.complaint();
    return run;
}

} // namespace pgmoat::tests

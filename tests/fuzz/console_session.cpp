// Invariant: whatever a logged-in client of the console sends, every answer is a sequence of
// well-formed messages, and does not depend on where the input is cut.
#include "protocol/message_buffer.h"
#include "proxy/admin/console/wire_session.h"
#include "tests/unit/console/fake_backend.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>

using namespace pgmoat;
using namespace pgmoat::admin;

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

// Two clients, one of them with TLS.
std::shared_ptr<const FakeSnapshot> some_server() {
    auto server = std::make_shared<FakeSnapshot>();
    server->settings.console_users = {"bob"};
    server->live.resize(2);
    for (std::size_t i = 0; i < server->live.size(); ++i) {
        server->live[i].id = i + 1;
        server->live[i].facts.stage = telemetry::SessionStage::live;
        server->live[i].facts.user = "alice";
    }
    server->live[1].facts.client_tls.version = "TLSv1.3";
    return server;
}

// All answers to `bytes`, fed in pieces of `piece` bytes.
protocol::Bytes converse(protocol::ByteView bytes, std::size_t piece) {
    static const auto server = some_server();
    WireSession session({"bob", 7, "fuzz"});
    protocol::Bytes all;
    protocol::Bytes out;
    const auto send = [&] {
        all.insert(all.end(), out.begin(), out.end());
        out.clear();
    };
    while (!bytes.empty()) {
        const auto now = bytes.first(std::min(piece, bytes.size()));
        bytes = bytes.subspan(now.size());
        session.feed(now);
        for (;;) {
            const WireSession::Step step = session.next(out);
            if (std::holds_alternative<WireSession::Look>(step)) {
                session.look(server, out);
                continue;
            }
            if (const auto* act = std::get_if<WireSession::Act>(&step)) {
                const bool fails = act->deed.reload;
                session.acted(fails ? std::optional<SqlError>({"F0000", "wrong"}) : std::nullopt,
                              out);
                continue;
            }
            send();
            if (std::holds_alternative<WireSession::Over>(step)) return all;
            if (std::holds_alternative<WireSession::Wait>(step)) break;
        }
    }
    return all;
}

void check_messages(const protocol::Bytes& out) {
    protocol::MessageBuffer messages(std::numeric_limits<std::int32_t>::max());
    messages.feed(out);
    std::size_t seen = 0;
    while (const auto message = messages.next())
        seen += 5 + message->body.size();
    demand(!messages.broken() && seen == out.size());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const protocol::ByteView bytes(data + 1, size - 1);
    const protocol::Bytes whole = converse(bytes, bytes.size());
    check_messages(whole);
    demand(converse(bytes, 1 + data[0] % 16) == whole);
    return 0;
}

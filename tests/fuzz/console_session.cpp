// Invariant: whatever a logged-in client of the console sends, cut anywhere, every answer is a row
// of well-formed messages, nothing is carried out that was not recognised, and cutting the input
// elsewhere changes nothing.
#include "protocol/message_buffer.h"
#include "proxy/admin/console/views.h"
#include "proxy/admin/console/wire_session.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>

using namespace pgmoat;
using namespace pgmoat::admin;

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

// Three rows for whatever gives rows.
Answer answer_to(const Statement& statement) {
    Answer answer;
    answer.tag = row_of(statement.verb).tag;
    if (statement.verb == Verb::reload) answer.error = SqlError{"F0000", "wrong"};
    const std::size_t columns = columns_of(statement).size();
    if (columns > 0) answer.rows.assign(3, Row(columns, Cell("12")));
    return answer;
}

// Everything that is answered to `bytes`, fed in pieces of `piece` bytes.
protocol::Bytes converse(protocol::ByteView bytes, std::size_t piece) {
    WireSession session;
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
            const auto* run = std::get_if<WireSession::Run>(&step);
            if (!run) send();
            if (std::holds_alternative<WireSession::Over>(step)) return all;
            if (std::holds_alternative<WireSession::Wait>(step)) break;
            if (!run) continue;
            demand(run->statement.verb != Verb::empty);
            session.finish(answer_to(run->statement), out);
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

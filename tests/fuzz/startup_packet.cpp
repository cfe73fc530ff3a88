// Invariant: any packet of a valid length is parsed as one of the five alternatives of
// StartupPacket. An accepted one has the packet unchanged and names of at most 63 bytes; a refused
// one has a text. Parsing twice gives the same.
#include "protocol/limits.h"
#include "protocol/startup.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <variant>

using namespace pgmoat::protocol;

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

void check(const StartupMessage& message, ByteView packet) {
    demand(std::ranges::equal(message.packet, packet));
    demand(message.version.major == 3);
    demand(!message.user.empty() && message.user.size() <= name_bytes_max);
    demand(message.database.size() <= name_bytes_max);
    demand(message.database.empty() == (message.replication == Replication::physical));
}
void check(const CancelRequest& cancel, ByteView packet) {
    demand(std::ranges::equal(cancel.packet, packet));
    demand(cancel.key.size() >= cancel_key_bytes_min && cancel.key.size() <= cancel_key_bytes_max);
}
void check(const RefusedStartup& refused, ByteView packet) {
    demand(!refused.message.empty() && refused.message.size() <= packet.size() + 100);
    demand(refused.sqlstate.empty() == (refused.reason == RefusedStartup::Reason::bad_cancel));
}
void check(const SslRequest&, ByteView) {}
void check(const GssEncRequest&, ByteView) {}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // One byte of flags, then the packet; its length word is ignored, since the machine checks it.
    if (size < 1 + startup_length_min || size > 1 + startup_length_max) return 0;
    const bool ssl_done = (data[0] & 1) != 0;
    const bool gss_done = (data[0] & 2) != 0;
    const ByteView packet(data + 1, size - 1);
    const auto once = parse_startup_packet(packet, ssl_done, gss_done);
    const auto twice = parse_startup_packet(packet, ssl_done, gss_done);
    demand(once.index() == twice.index());
    demand(!ssl_done || !std::holds_alternative<SslRequest>(once));
    demand(!gss_done || !std::holds_alternative<GssEncRequest>(once));
    std::visit([packet](const auto& result) { check(result, packet); }, once);
    return 0;
}

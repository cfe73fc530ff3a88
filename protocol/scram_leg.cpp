#include "protocol/scram_leg.h"

#include "protocol/frames.h"
#include "protocol/messages.h"
#include "protocol/scram_server.h"

#include <algorithm>

namespace pgmoat::protocol {
namespace {

void append(Bytes& out, std::string_view text) {
    out.insert(out.end(), text.begin(), text.end());
}

} // namespace

bool contains(std::span<const std::string> names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

std::optional<ScramBinding> binding_for(const ScramLeg& leg,
                                        std::span<const std::string> mechanisms) {
    const bool plus = contains(mechanisms, scram_plus_mechanism);
    if (plus && leg.in_tls && !leg.end_point.empty())
        return ScramBinding::to_end_point(leg.end_point);
    if (!contains(mechanisms, scram_mechanism)) return std::nullopt;
    // y: we could, and the server does not offer it. The real server refuses that if it did.
    const bool could = leg.in_tls && !leg.end_point.empty();
    return ScramBinding{could ? "y,," : "n,,", {}};
}

Bytes sasl_response(std::string_view mechanism, std::string_view data) {
    const std::size_t named = mechanism.empty() ? 0 : mechanism.size() + 1 + 4;
    Bytes frame;
    frame.reserve(frame_header_bytes + named + data.size());
    frame.push_back('p');
    append_uint32(frame, static_cast<std::uint32_t>(frame_length_min + named + data.size()));
    if (!mechanism.empty()) {
        append(frame, mechanism);
        frame.push_back(0);
        append_uint32(frame, static_cast<std::uint32_t>(data.size()));
    }
    append(frame, data);
    return frame;
}

} // namespace pgmoat::protocol

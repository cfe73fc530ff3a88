#include "proxy/admin/status/history.h"

#include "proxy/admin/limits.h"

#include <cstddef>

namespace pgmoat::admin {

namespace {

std::uint64_t& place_of(Sample& sample, std::string_view version) {
    if (version.empty()) return sample.in_the_clear;
    if (version == "TLSv1.3") return sample.tls_1_3;
    if (version == "TLSv1.2") return sample.tls_1_2;
    return sample.other_tls;
}

} // namespace

Sample take_sample(std::int64_t now,
                   const telemetry::SeenSessions& sessions,
                   const metrics::Totals& totals) {
    Sample sample;
    sample.time = now;
    sample.handshakes = client_handshakes(totals);
    sample.handshake_failures = client_handshake_failures(totals);
    using metrics::Direction;
    for (const auto& listener : totals.listeners) {
        for (const std::uint64_t opened : listener.counts.opened)
            sample.opened += opened;
        const auto& bytes = listener.counts.bytes;
        sample.bytes_from_client += bytes[static_cast<std::size_t>(Direction::from_client)];
        sample.bytes_from_server += bytes[static_cast<std::size_t>(Direction::from_server)];
    }
    for (const telemetry::SeenSession& session : sessions)
        ++place_of(sample, session.facts->client_tls.version);
    return sample;
}

std::uint64_t client_handshakes(const metrics::Totals& totals) {
    std::uint64_t sum = 0;
    for (const auto& [kind, count] : totals.handshakes)
        if (kind.side == metrics::Side::client) sum += count;
    return sum;
}

std::uint64_t client_handshake_failures(const metrics::Totals& totals) {
    std::uint64_t sum = 0;
    for (const auto& listener : totals.listeners) {
        const auto& failures = listener.counts.handshake_failures[0];
        for (const std::uint64_t count : failures)
            sum += count;
        // Probes of load balancers connect and leave; nothing has failed.
        sum -= failures[static_cast<std::size_t>(metrics::HandshakeFailure::eof)];
    }
    return sum;
}

void History::add(const Sample& sample) {
    samples_.push_back(sample);
    if (samples_.size() > history_samples_max) samples_.pop_front();
}

std::vector<Sample> History::oldest_first() const {
    return {samples_.begin(), samples_.end()};
}

} // namespace pgmoat::admin

// The recent past in even steps, for the charts: what a scrape would have seen, without a database.
#pragma once

#include "metrics/counters.h"
#include "proxy/telemetry/session_table.h"

#include <cstdint>
#include <deque>
#include <vector>

namespace pgmoat::admin {

// At one moment: connections as they are, and counts since the start.
struct Sample {
    std::int64_t time = 0; // Unix seconds
    std::uint64_t tls_1_3 = 0;
    std::uint64_t tls_1_2 = 0;
    std::uint64_t other_tls = 0;
    std::uint64_t in_the_clear = 0;
    std::uint64_t opened = 0;
    std::uint64_t handshakes = 0;
    std::uint64_t handshake_failures = 0;
    std::uint64_t bytes_from_client = 0; // counted while connections live
    std::uint64_t bytes_from_server = 0;
};

[[nodiscard]] Sample take_sample(std::int64_t now,
                                 const telemetry::SeenSessions& sessions,
                                 const metrics::Totals& totals);

// Handshakes of clients that came to an end and those that failed, over all listeners.
[[nodiscard]] std::uint64_t client_handshakes(const metrics::Totals& totals);
[[nodiscard]] std::uint64_t client_handshake_failures(const metrics::Totals& totals);

class History {
  public:
    void add(const Sample& sample);
    [[nodiscard]] std::vector<Sample> oldest_first() const;

  private:
    std::deque<Sample> samples_;
};

} // namespace pgmoat::admin

// Reads /proc for the process_* metrics, which every Prometheus client library but prometheus-cpp
// provides. A value that cannot be read is absent, never zero.
#pragma once

#include <optional>

namespace pgmoat::metrics {

struct ProcessFacts {
    std::optional<double> cpu_seconds;
    std::optional<double> start_time_seconds; // Unix time
    std::optional<double> virtual_memory_bytes;
    std::optional<double> resident_memory_bytes;
    std::optional<double> threads;
    std::optional<double> open_fds;
    std::optional<double> max_fds;
};

[[nodiscard]] ProcessFacts read_process_facts();

} // namespace pgmoat::metrics

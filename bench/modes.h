// The kinds of load. Each runs to its end and returns its figures as "name value" pairs.
#pragma once

#include "bench/scram.h"
#include "bench/target.h"

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pgmoat::bench {

struct Load {
    Target target;
    bool tls = false;
    Account account;
    std::size_t clients = 16;
    double warm_up_seconds = 1;
    double seconds = 5;
    std::vector<pid_t> watched; // whose CPU time is taken
    std::string query = "SELECT abalance FROM pgbench_accounts WHERE aid = 4711";
    bool ask_once = false; // who comes and goes runs the query in between
    std::string bulk_query = "bulk 67108864";
    std::uint64_t copy_in_bytes = 64U << 20U;
    std::vector<std::size_t> steps{1000, 5000};
    bool wait_for_input = false; // holds until a line on standard input instead of for `seconds`
};

struct Report {
    std::vector<std::pair<std::string, std::string>> figures;
    std::uint64_t errors = 0;
    std::string first_error;
};

// One small query in flight per client.
[[nodiscard]] Report run_query(const Load& load);
// Connect, log in, leave, again; `clients` at a time. With `ask_once` each runs one query.
[[nodiscard]] Report run_connect(const Load& load);
// Connect, shake hands, leave, again; `clients` at a time. Nobody logs in.
[[nodiscard]] Report run_handshake(const Load& load);
// Each client asks for a large result, again and again.
[[nodiscard]] Report run_bulk(const Load& load);
// Each client sends `copy_in_bytes` of COPY data to the stub backend, again and again.
[[nodiscard]] Report run_copy_in(const Load& load);
// Opens the steps one after the other and holds each: "holding N" on standard output. At the end
// every connection runs one query and is held once more: "holding N after a query".
[[nodiscard]] Report run_idle(const Load& load);
// At each step: holds so many connections ("holding N"), then a query in flight on each, then 8
// more that come and go beside them. The figures of a step end in "_at_N".
[[nodiscard]] Report run_growth(const Load& load);

} // namespace pgmoat::bench

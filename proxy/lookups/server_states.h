// Whether a server is a primary or a standby: health checks by SQL. Each host of an upstream has
// its own connection and worker, so that one that does not answer delays no other. Answers are not
// cached, only the connection is kept. For any thread.
#pragma once

#include "proxy/config/config.h"
#include "proxy/lookups/lookup_pool.h"
#include "proxy/lookups/query_connection.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace pgmoat::lookups {

struct ServerState {
    bool in_recovery = false;
    bool read_only = false;     // default_transaction_read_only
    std::uint32_t timeline = 0; // of a primary; 0: not known
    std::optional<std::uint64_t>
        position;      // in the WAL: end on a primary, last replayed on a standby
    std::string error; // not empty: the query failed
};

// The upstream's own keywords for this host, then those of the check.
[[nodiscard]] QuerySource server_state_source(const config::HealthCheck& check,
                                              const config::Conninfo& upstream,
                                              const config::UpstreamHost& host);

class ServerStates {
  public:
    using Lane = LookupPool<std::string, ServerState>; // for one host: there is only one key

    // Joins a query that is still in progress. `timeout` is for the login and for the query.
    [[nodiscard]] Lane::Asked
    ask(const QuerySource& source, std::chrono::milliseconds timeout, Lane::Deliver deliver);
    // As LookupPool::close().
    void close(std::chrono::milliseconds patience);

  private:
    std::mutex mutex_;
    std::map<QuerySource, std::unique_ptr<Lane>> lanes_;
};

} // namespace pgmoat::lookups

// Shared by roles.cpp and secrets.cpp: for each source (upstream and query) a "lane", which is a
// pool with the cached answers of its query. The caller holds the lock of its lanes.
#pragma once

#include "proxy/config/config.h"
#include "proxy/lookups/limits.h"
#include "proxy/lookups/lookup_pool.h"
#include "proxy/lookups/query_connection.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pgmoat::lookups {

template <class Lane>
using QueryLanes = std::map<QuerySource, std::unique_ptr<Lane>>;

// `ask` turns a connection and a user into an answer, on a worker, which keeps the connection.
template <class Lane, class Ask, class KeepFor>
[[nodiscard]] typename Lane::Work
work_of(const QuerySource& source, const QueryShape& shape, Ask ask, KeepFor keep_for) {
    typename Lane::Work work;
    work.new_worker = [source, shape, ask] {
        // Shared only because a std::function must be copyable.
        return [connection = std::make_shared<QueryConnection>(source, shape),
                ask](const std::string& user, const std::stop_token& stop) {
            return ask(connection->ask(user, stop), user);
        };
    };
    work.keep_for = keep_for;
    work.too_many.error = "too many lookups";
    return work;
}

// Null: there are too many. Sources that a reload has removed make room for new ones. `make` is
// called only for a new lane.
template <class Lane, class Make>
[[nodiscard]] Lane* lane_for(QueryLanes<Lane>& lanes, const QuerySource& source, const Make& make) {
    if (const auto known = lanes.find(source); known != lanes.end()) return known->second.get();
    if (lanes.size() >= role_sources_max)
        std::erase_if(lanes, [](const auto& lane) { return lane.second->is_quiet(); });
    if (lanes.size() >= role_sources_max) return nullptr;
    return lanes.emplace(source, make()).first->second.get();
}

// Stops all lanes before it waits for any.
template <class Lane>
void close_lanes(QueryLanes<Lane>& lanes, std::chrono::milliseconds patience) {
    const auto until = Lane::Clock::now() + patience;
    for (const auto& [source, lane] : lanes)
        lane->close(std::chrono::milliseconds(0));
    for (const auto& [source, lane] : lanes) {
        const auto left = until - Lane::Clock::now();
        lane->close(std::max(std::chrono::duration_cast<std::chrono::milliseconds>(left),
                             std::chrono::milliseconds(0)));
    }
}

// The upstream's own keywords and values, then those of the query's connection, which take
// precedence.
[[nodiscard]] inline QuerySource source_of(const std::string& query,
                                           const config::Conninfo& upstream,
                                           const std::vector<config::KeywordValue>& own) {
    QuerySource source{{}, query};
    for (const auto* pairs : {&upstream.given, &own})
        for (const auto& [keyword, value] : *pairs)
            source.conninfo.emplace_back(keyword, value);
    return source;
}

} // namespace pgmoat::lookups

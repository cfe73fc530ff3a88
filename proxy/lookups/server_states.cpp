#include "proxy/lookups/server_states.h"

#include "proxy/lookups/query_lanes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>

namespace pgmoat::lookups {

namespace {

constexpr const char* name = "health check";
constexpr int columns = 4;

// The first eight digits of a WAL file name are the timeline. The query needs no privilege.
constexpr const char* query =
    "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only'), "
    "CASE WHEN pg_is_in_recovery() THEN NULL "
    "ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END, "
    "pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() "
    "ELSE pg_current_wal_lsn() END, '0/0')";

template <class Number>
std::optional<Number> number_in(const std::optional<std::string>& text, int base) {
    Number number = 0;
    if (!text) return std::nullopt;
    const char* const end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, number, base);
    if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return number;
}

ServerState state_in(QueryAnswer answer) {
    ServerState state;
    state.error = std::move(answer.error);
    if (!state.error.empty()) return state;
    if (answer.rows.empty()) {
        state.error = std::string(name) + " gives no row";
        return state;
    }
    const QueryAnswer::Row& row = answer.rows.front();
    state.in_recovery = row[0] == "t";
    state.read_only = row[1] == "on";
    state.timeline = number_in<std::uint32_t>(row[2], 16).value_or(0);
    state.position = number_in<std::uint64_t>(row[3], 10);
    return state;
}

// Keywords of a connection string that concern several hosts, or more than reaching one.
bool is_of_all_hosts(const std::string& keyword) {
    constexpr std::array<std::string_view, 5> keywords{
        "host", "hostaddr", "port", "target_session_attrs", "load_balance_hosts"};
    return std::ranges::find(keywords, keyword) != keywords.end();
}

} // namespace

// The time limit is part of the source, so that a changed one gets a lane of its own.
QuerySource server_state_source(const config::HealthCheck& check,
                                const config::Conninfo& upstream,
                                const config::UpstreamHost& host) {
    QuerySource source{{{"tcp_user_timeout", std::to_string(check.timeout.count())}}, query};
    auto& pairs = source.conninfo;
    for (const auto& [keyword, value] : upstream.given)
        if (!is_of_all_hosts(keyword)) pairs.emplace_back(keyword, value);
    if (!host.host.empty()) pairs.emplace_back("host", host.host);
    if (!host.hostaddr.empty()) pairs.emplace_back("hostaddr", host.hostaddr);
    pairs.emplace_back("port", std::to_string(host.port));
    for (const auto& [keyword, value] : check.login)
        pairs.emplace_back(keyword, value);
    return source;
}

ServerStates::Lane::Asked ServerStates::ask(const QuerySource& source,
                                            std::chrono::milliseconds timeout,
                                            Lane::Deliver deliver) {
    const std::lock_guard lock(mutex_);
    const QueryShape shape{name, columns, 1, true, false, timeout, timeout};
    Lane* const lane = lane_for(lanes_, source, [&] {
        return std::make_unique<Lane>(
            PoolBounds{1, 1, 1},
            work_of<Lane>(
                source,
                shape,
                [](QueryAnswer answer, const std::string&) { return state_in(std::move(answer)); },
                [](const ServerState&) { return Lane::Clock::duration::zero(); }));
    });
    if (lane != nullptr) return lane->ask({}, std::move(deliver));
    ServerState too_many;
    too_many.error = "too many lookups";
    return too_many;
}

void ServerStates::close(std::chrono::milliseconds patience) {
    const std::lock_guard lock(mutex_);
    close_lanes(lanes_, patience);
}

} // namespace pgmoat::lookups

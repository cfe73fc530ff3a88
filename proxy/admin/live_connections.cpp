#include "proxy/admin/live_connections.h"

#include <algorithm>
#include <cstdint>
#include <functional>

namespace pgmoat::admin {

namespace {

// The id of the oldest that still belongs to the newest `count_max`. Ids are given in order.
std::uint64_t oldest_wanted(const SessionTable& table, std::size_t count_max) {
    std::vector<std::uint64_t> ids;
    ids.reserve(table.live());
    table.for_each([&ids](const SessionRow& row) { ids.push_back(row.id()); });
    if (ids.size() <= count_max) return 0;
    const auto place = ids.begin() + static_cast<std::ptrdiff_t>(count_max) - 1;
    std::nth_element(ids.begin(), place, ids.end(), std::greater<>());
    return *place;
}

} // namespace

LiveConnections copy_newest(const SessionTable& table, std::size_t count_max) {
    LiveConnections copy;
    if (count_max == 0) {
        copy.live = table.live();
        return copy;
    }
    const std::uint64_t oldest = oldest_wanted(table, count_max);
    copy.newest.reserve(std::min(count_max, table.live()));
    table.for_each([&](const SessionRow& row) {
        ++copy.live;
        if (row.id() >= oldest && copy.newest.size() < count_max)
            copy.newest.push_back({row.facts(), state_of(row)});
    });
    std::sort(copy.newest.begin(), copy.newest.end(), [](const auto& a, const auto& b) {
        return a.state.id > b.state.id;
    });
    return copy;
}

} // namespace pgmoat::admin

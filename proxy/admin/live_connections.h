// The newest live connections, copied out of the session table: the table is locked while facts are
// copied and no longer, so that pages are made from the copy in peace.
#pragma once

#include "proxy/describe.h"
#include "proxy/session_table.h"

#include <cstddef>
#include <vector>

namespace pgmoat::admin {

struct LiveConnection {
    SessionFacts facts;
    ConnectionState state;
};

struct LiveConnections {
    std::size_t live = 0;               // all of them
    std::vector<LiveConnection> newest; // the newest in front
};

[[nodiscard]] LiveConnections copy_newest(const SessionTable& table, std::size_t count_max);

} // namespace pgmoat::admin

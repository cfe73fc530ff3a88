// What Patroni's REST interface says of a cluster: the answer to GET /cluster, and the hosts of an
// upstream in it. Pure.
// Source: Patroni, utils.py, cluster_as_json(); documentation "Patroni REST API".
#pragma once

#include "proxy/config/config.h"
#include "proxy/upstream/role_book.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::upstream {

struct ClusterMember {
    std::string host;
    std::uint16_t port = 0;
    bool leads = false;     // has the leader key
    bool stands_by = false; // of a standby cluster: even its leader is none that can be written to
    std::string state;      // "running", "streaming", "starting", ...
    std::optional<std::uint64_t> lag_bytes;
    std::optional<config::HttpAddress> api; // of this member

    [[nodiscard]] bool is_running() const {
        return state == "running" || state == "streaming" || state == "in archive recovery";
    }
};

struct Cluster {
    std::vector<ClusterMember> members;
    std::string error; // not empty: it is no answer of Patroni's

    // Has the leader key of a cluster that can be written to; null: none has.
    [[nodiscard]] const ClusterMember* leader() const;
};

[[nodiscard]] Cluster read_cluster(std::string_view json);

// What the leader's own REST interface says to GET /primary. The key comes before the promotion: a
// member that has it may still be a standby.
enum class LeaderSays { primary, not_primary, nothing };

// In the order of `hosts`. A host is the member with its name or its address, and its port. One that
// has not the leader key is no primary, whoever has it: a primary must stop when it has lost the key,
// and one that hangs does not.
// `silence`: why the leader says nothing.
[[nodiscard]] std::vector<SeenHost> seen_in(const Cluster& cluster,
                                            std::span<const config::UpstreamHost> hosts,
                                            LeaderSays leader,
                                            const std::string& silence);

} // namespace pgmoat::upstream

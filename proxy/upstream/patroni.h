// Parses the answer of Patroni's REST API to GET /cluster, and finds the hosts of an upstream in
// it. Pure. Source: Patroni, utils.py, cluster_as_json(); documentation "Patroni REST API".
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
    bool stands_by = false; // of a standby cluster: its leader is read-only, too
    std::string state;      // "running", "streaming", "starting", ...
    std::optional<std::uint64_t> lag_bytes;
    std::optional<config::HttpAddress> api; // of this member

    [[nodiscard]] bool is_running() const {
        return state == "running" || state == "streaming" || state == "in archive recovery";
    }
};

struct Cluster {
    std::vector<ClusterMember> members;
    std::string error; // not empty: not an answer of Patroni's

    // The member with the leader key, if the cluster can be written to; null: none.
    [[nodiscard]] const ClusterMember* leader() const;
};

[[nodiscard]] Cluster read_cluster(std::string_view json);

// The leader's own answer to GET /primary. A member gets the leader key before it is promoted, so
// it may still be a standby.
enum class LeaderSays { primary, not_primary, nothing };

// In the order of `hosts`. A host is the member with the same name or address, and the same port. A
// host without the leader key is no primary, whoever has the key: a primary must stop when it has lost
// it, and one that hangs does not.
// `silence`: why the leader gave no answer.
[[nodiscard]] std::vector<SeenHost> seen_in(const Cluster& cluster,
                                            std::span<const config::UpstreamHost> hosts,
                                            LeaderSays leader,
                                            const std::string& silence);

} // namespace pgmoat::upstream

// The roles of which a user is a member: runs `role_query` on the upstream over pgmoat's own
// connection. One connection for each upstream, kept while it is used; a failure is an answer.
// Sessions use Roles, from any thread.
#pragma once

#include "proxy/config/config.h"
#include "proxy/hba/evaluate/questions.h"
#include "proxy/lookups/lookup_pool.h"
#include "proxy/lookups/query_connection.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace pgmoat::lookups {

using RoleSource = QuerySource;

// The upstream's own keywords and values, then those of role_query_conninfo.
[[nodiscard]] RoleSource role_source(const config::Config& config,
                                     const config::Conninfo& upstream);

// Blocks, within the bounds of limits.h. For the command line.
[[nodiscard]] hba::UserRoles look_up_roles(const RoleSource& source, const std::string& user);

class Roles {
  public:
    using Lane =
        LookupPool<std::string, hba::UserRoles>; // by user; its single worker has the connection

    [[nodiscard]] Lane::Asked
    ask(const RoleSource& source, const std::string& user, Lane::Deliver deliver);
    void close(std::chrono::milliseconds patience);

  private:
    Lane* lane_of(const RoleSource& source);

    std::mutex mutex_;
    std::map<RoleSource, std::unique_ptr<Lane>> lanes_;
};

} // namespace pgmoat::lookups

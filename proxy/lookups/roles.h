// What roles a user is a member of: `role_query`, asked on the upstream through a login of
// pgmoat's own. One connection for each upstream, kept while it is used; failures are answers.
// Sessions ask Roles, from any thread.
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
        LookupPool<std::string, hba::UserRoles>; // by user; one worker holds the connection

    [[nodiscard]] Lane::Asked
    ask(const RoleSource& source, const std::string& user, Lane::Deliver deliver);
    void close(std::chrono::milliseconds patience);

  private:
    Lane* lane_of(const RoleSource& source);

    std::mutex mutex_;
    std::map<RoleSource, std::unique_ptr<Lane>> lanes_;
};

} // namespace pgmoat::lookups

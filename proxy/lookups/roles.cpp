#include "proxy/lookups/roles.h"

#include "proxy/lookups/query_lanes.h"

#include <memory>
#include <utility>

namespace pgmoat::lookups {

using hba::UserRoles;

namespace {

constexpr QueryShape role_shape{"role_query", 1, roles_of_user_max, false};

UserRoles roles_in(QueryAnswer answer) {
    UserRoles roles;
    roles.error = std::move(answer.error);
    for (QueryAnswer::Row& row : answer.rows)
        if (row.front()) roles.roles.insert(std::move(*row.front()));
    return roles;
}

Roles::Lane::Work work_for(const RoleSource& source) {
    return work_of<Roles::Lane>(
        source,
        role_shape,
        [](QueryAnswer answer, const std::string&) { return roles_in(std::move(answer)); },
        [](const UserRoles& answer) -> Roles::Lane::Clock::duration {
            return answer.error.empty() ? roles_kept : failed_roles_kept;
        });
}

} // namespace

RoleSource role_source(const config::Config& config, const config::Conninfo& upstream) {
    return source_of(config.role_query, upstream, config.role_query_conninfo);
}

UserRoles look_up_roles(const RoleSource& source, const std::string& user) {
    return roles_in(QueryConnection(source, role_shape).ask(user, {}));
}

Roles::Lane::Asked
Roles::ask(const RoleSource& source, const std::string& user, Lane::Deliver deliver) {
    const std::lock_guard lock(mutex_);
    if (Lane* const lane = lane_of(source)) return lane->ask(user, std::move(deliver));
    return UserRoles{{}, "too many lookups"};
}

Roles::Lane* Roles::lane_of(const RoleSource& source) {
    return lane_for(lanes_, source, [&source] {
        return std::make_unique<Lane>(PoolBounds{1, users_waiting_max, users_cached_max},
                                      work_for(source));
    });
}

void Roles::close(std::chrono::milliseconds patience) {
    const std::lock_guard lock(mutex_);
    close_lanes(lanes_, patience);
}

} // namespace pgmoat::lookups

#include "proxy/lookups/roles.h"

#include "proxy/lookups/query_connection.h"

namespace pgmoat::lookups {

using hba::UserRoles;

namespace {

constexpr QueryShape shape{"role_query", 1, roles_of_user_max, false};

UserRoles roles_in(QueryAnswer answer) {
    UserRoles roles;
    roles.error = std::move(answer.error);
    for (QueryAnswer::Row& row : answer.rows)
        if (row.front()) roles.roles.insert(std::move(*row.front()));
    return roles;
}

Roles::Lane::Work work_for(const RoleSource& source) {
    Roles::Lane::Work work;
    work.new_worker = [source] {
        // Shared because a std::function must be copyable; nobody else has it.
        return [connection = std::make_shared<QueryConnection>(source, shape)](
                   const std::string& user, const std::stop_token& stop) {
            return roles_in(connection->ask(user, stop));
        };
    };
    work.keep_for = [](const UserRoles& answer) -> Roles::Lane::Clock::duration {
        return answer.error.empty() ? roles_kept : failed_roles_kept;
    };
    work.too_many.error = "too many lookups";
    return work;
}

} // namespace

RoleSource role_source(const config::Config& config, const config::Conninfo& upstream) {
    RoleSource source{{}, config.role_query};
    for (const auto* pairs : {&upstream.given, &config.role_query_conninfo})
        for (const auto& [keyword, value] : *pairs)
            source.conninfo.emplace_back(keyword, value);
    return source;
}

UserRoles look_up_roles(const RoleSource& source, const std::string& user) {
    return roles_in(QueryConnection(source, shape).ask(user, {}));
}

Roles::Lane::Asked
Roles::ask(const RoleSource& source, const std::string& user, Lane::Deliver deliver) {
    const std::lock_guard lock(mutex_);
    if (Lane* const lane = lane_of(source)) return lane->ask(user, std::move(deliver));
    return UserRoles{{}, "too many lookups"};
}

// Sources that a reload left behind make room for those of the new configuration.
Roles::Lane* Roles::lane_of(const RoleSource& source) {
    if (const auto known = lanes_.find(source); known != lanes_.end()) return known->second.get();
    if (lanes_.size() >= role_sources_max)
        std::erase_if(lanes_, [](const auto& lane) { return lane.second->is_quiet(); });
    if (lanes_.size() >= role_sources_max) return nullptr;
    const PoolBounds bounds{1, users_waiting_max, users_cached_max};
    auto lane = std::make_unique<Lane>(bounds, work_for(source));
    return lanes_.emplace(source, std::move(lane)).first->second.get();
}

void Roles::close(std::chrono::milliseconds patience) {
    const std::lock_guard lock(mutex_);
    const auto until = Lane::Clock::now() + patience;
    for (const auto& [source, lane] : lanes_)
        lane->close(std::chrono::milliseconds(0));
    for (const auto& [source, lane] : lanes_) {
        const auto left = until - Lane::Clock::now();
        lane->close(std::max(std::chrono::duration_cast<std::chrono::milliseconds>(left),
                             std::chrono::milliseconds(0)));
    }
}

} // namespace pgmoat::lookups

#include "proxy/lookups/secrets.h"

#include "proxy/lookups/query_lanes.h"
#include "tls/scram_keys.h"

#include <utility>

namespace pgmoat::lookups {

namespace {

constexpr QueryShape shape{"auth_query", 2, 1, true};

void wipe(std::string& text) {
    tls::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

// A NULL, an MD5 hash or a password in the clear is no secret that a login can be bridged with.
UserSecret secret_in(QueryAnswer answer, const std::string& user) {
    UserSecret found;
    found.error = std::move(answer.error);
    if (!found.error.empty() || answer.rows.empty()) return found;
    QueryAnswer::Row& row = answer.rows.front();
    if (!row[0]) return found; // what a function without a row gives
    if (row[0] != user)
        found.error = "auth_query gives the secret of another user";
    else if (row[1])
        found.secret = protocol::parse_scram_secret(*row[1]);
    if (row[1]) wipe(*row[1]);
    return found;
}

Secrets::Lane::Work work_for(const QuerySource& source) {
    return work_of<Secrets::Lane>(
        source, shape, secret_in, [](const UserSecret& answer) -> Secrets::Lane::Clock::duration {
            return answer.secret ? secret_kept : no_secret_kept;
        });
}

} // namespace

QuerySource secret_source(const config::Config& config, const config::Conninfo& upstream) {
    if (config.auth_query_conninfo.empty()) return {};
    return source_of(config.auth_query, upstream, config.auth_query_conninfo);
}

SecretQuestion::SecretQuestion(const QuerySource& source) : connection_(source, shape) {}

UserSecret SecretQuestion::ask(const std::string& user) {
    return secret_in(connection_.ask(user, {}), user);
}

Secrets::Lane::Asked Secrets::ask(const QuerySource& source,
                                  const std::string& user,
                                  bool again,
                                  Lane::Deliver deliver) {
    const std::lock_guard lock(mutex_);
    Lane* const lane = lane_of(source);
    if (lane == nullptr) return UserSecret{std::nullopt, "too many lookups"};
    if (again) lane->forget(user);
    return lane->ask(user, std::move(deliver));
}

Secrets::Lane* Secrets::lane_of(const QuerySource& source) {
    return lane_for(lanes_,
                    source,
                    {secret_workers, users_waiting_max, users_cached_max},
                    [&source] { return work_for(source); });
}

void Secrets::close(std::chrono::milliseconds patience) {
    const std::lock_guard lock(mutex_);
    close_lanes(lanes_, patience);
}

} // namespace pgmoat::lookups

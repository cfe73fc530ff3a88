#include "proxy/lookups/secrets.h"

#include "tls/scram_keys.h"

#include <algorithm>
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
    Secrets::Lane::Work work;
    work.new_worker = [source] {
        // Shared because a std::function must be copyable; nobody else has it.
        return [connection = std::make_shared<QueryConnection>(source, shape)](
                   const std::string& user, const std::stop_token& stop) {
            return secret_in(connection->ask(user, stop), user);
        };
    };
    work.keep_for = [](const UserSecret& answer) -> Secrets::Lane::Clock::duration {
        return answer.secret ? secret_kept : no_secret_kept;
    };
    work.too_many.error = "too many lookups";
    return work;
}

} // namespace

QuerySource secret_source(const config::Config& config, const config::Conninfo& upstream) {
    if (config.auth_query_conninfo.empty()) return {};
    QuerySource source{{}, config.auth_query};
    for (const auto* pairs : {&upstream.given, &config.auth_query_conninfo})
        for (const auto& [keyword, value] : *pairs)
            source.conninfo.emplace_back(keyword, value);
    return source;
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

// Sources that a reload left behind make room for those of the new configuration.
Secrets::Lane* Secrets::lane_of(const QuerySource& source) {
    if (const auto known = lanes_.find(source); known != lanes_.end()) return known->second.get();
    if (lanes_.size() >= role_sources_max)
        std::erase_if(lanes_, [](const auto& lane) { return lane.second->is_quiet(); });
    if (lanes_.size() >= role_sources_max) return nullptr;
    const PoolBounds bounds{secret_workers, users_waiting_max, users_cached_max};
    auto lane = std::make_unique<Lane>(bounds, work_for(source));
    return lanes_.emplace(source, std::move(lane)).first->second.get();
}

void Secrets::close(std::chrono::milliseconds patience) {
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

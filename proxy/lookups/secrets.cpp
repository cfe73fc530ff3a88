#include "proxy/lookups/secrets.h"

#include "proxy/lookups/query_lanes.h"
#include "tls/scram_keys.h"

#include <algorithm>
#include <utility>

namespace pgmoat::lookups {

namespace {

constexpr QueryShape secret_shape{"auth_query", 2, 1, true};

void wipe(std::string& text) {
    tls::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

// Logins cannot be bridged with a NULL, an MD5 hash or a plaintext password.
UserSecret secret_in(QueryAnswer answer, const std::string& user) {
    UserSecret found;
    found.error = std::move(answer.error);
    if (!found.error.empty() || answer.rows.empty()) return found;
    QueryAnswer::Row& row = answer.rows.front();
    if (!row[0]) return found; // a function without a result row returns NULLs
    if (row[0] != user)
        found.error = "auth_query gives the secret of another user";
    else if (row[1])
        found.secret = protocol::parse_scram_secret(*row[1]);
    if (row[1]) wipe(*row[1]);
    return found;
}

} // namespace

QuerySource secret_source(const config::Config& config, const config::Conninfo& upstream) {
    if (config.auth_query_conninfo.empty()) return {};
    return source_of(config.auth_query, upstream, config.auth_query_conninfo);
}

SecretQuestion::SecretQuestion(const QuerySource& source) : connection_(source, secret_shape) {}

UserSecret SecretQuestion::ask(const std::string& user) {
    return secret_in(connection_.ask(user, {}), user);
}

Secrets::Secrets(Connect connect) : connect_(std::move(connect)) {}

Secrets::Ask Secrets::connect_to_server(const QuerySource& source) {
    // Shared only because a std::function must be copyable.
    return [connection = std::make_shared<QueryConnection>(source, secret_shape)](
               const std::string& user, const std::stop_token& stop) {
        return secret_in(connection->ask(user, stop), user);
    };
}

Secrets::Asked
Secrets::ask(const QuerySource& source, const std::string& user, bool again, Deliver deliver) {
    const std::lock_guard lock(mutex_);
    Lane* const lane = lane_of(source);
    if (lane == nullptr) return UserSecret{std::nullopt, "too many lookups", {}};
    if (again) {
        lane->pool.forget(user);
        lane->last->forget(user);
    }
    auto asked = lane->pool.ask(user, std::move(deliver));
    if (auto* answer = std::get_if<UserSecret>(&asked)) return std::move(*answer);
    return Pending{std::move(std::get<Subscription>(asked)),
                   lane->last->find(user),
                   Clock::now() + stale_after};
}

Secrets::Pool::Work Secrets::work_for(const QuerySource& source,
                                      std::shared_ptr<LastAnswers> last) const {
    Pool::Work work;
    work.new_worker = [connect = connect_, source, last = std::move(last)] {
        return [ask = connect(source), last](const std::string& user, const std::stop_token& stop) {
            const auto begin = Clock::now();
            UserSecret answer = last->note(user, ask(user, stop));
            answer.took = std::min<Clock::duration>(Clock::now() - begin, kept_answer_wait_max);
            return answer;
        };
    };
    work.keep_for = [](const UserSecret&) -> Clock::duration { return secret_kept; };
    work.too_many.error = "too many lookups";
    return work;
}

Secrets::Lane* Secrets::lane_of(const QuerySource& source) {
    const auto make = [&] {
        auto last = std::make_shared<LastAnswers>();
        auto work = work_for(source, last);
        return std::make_unique<Lane>(
            PoolBounds{secret_workers, users_waiting_max, users_cached_max},
            std::move(work),
            std::move(last));
    };
    return lane_for(lanes_, source, make);
}

UserSecret Secrets::LastAnswers::note(const std::string& user, UserSecret answer) {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    std::erase_if(entries_,
                  [now](const auto& entry) { return now - entry.second.at > stale_secret_kept; });
    const auto known = entries_.find(user);
    if (!answer.error.empty()) return known == entries_.end() ? answer : known->second.answer;
    if (known == entries_.end() && entries_.size() >= users_cached_max)
        entries_.erase(std::ranges::min_element(
            entries_, {}, [](const auto& entry) { return entry.second.at; }));
    entries_.insert_or_assign(user, Entry{answer, now});
    return answer;
}

std::optional<UserSecret> Secrets::LastAnswers::find(const std::string& user) {
    const std::lock_guard lock(mutex_);
    const auto known = entries_.find(user);
    if (known == entries_.end() || Clock::now() - known->second.at > stale_secret_kept)
        return std::nullopt;
    return known->second.answer;
}

void Secrets::LastAnswers::forget(const std::string& user) {
    const std::lock_guard lock(mutex_);
    entries_.erase(user);
}

void Secrets::close(std::chrono::milliseconds patience) {
    const std::lock_guard lock(mutex_);
    close_lanes(lanes_, patience);
}

} // namespace pgmoat::lookups

// The SCRAM secrets of users: runs `auth_query` over pgmoat's own connections, a few for each
// upstream. Answers are cached briefly, so that a storm of logins causes one query; older ones are
// used while the server does not answer. Sessions use Secrets, from any thread.
//
// The time of a login must not show whether a user exists. So an answer without a secret is cached
// and reused exactly as long as one with a secret. And a cached answer says how long its query
// took, so that a login that gets it waits that long.
#pragma once

#include "protocol/scram_secret.h"
#include "proxy/config/config.h"
#include "proxy/lookups/lookup_pool.h"
#include "proxy/lookups/query_connection.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>

namespace pgmoat::lookups {

// No secret and no error: the user is unknown, or has no SCRAM secret.
struct UserSecret {
    std::optional<protocol::ScramSecret> secret;
    std::string error;
    std::chrono::steady_clock::duration took{0}; // of the query; at most kept_answer_wait_max
};

// The upstream's own keywords and values, then those of auth_query_conninfo. Empty if that is not
// set.
[[nodiscard]] QuerySource secret_source(const config::Config& config,
                                        const config::Conninfo& upstream);

// Queries over one connection, and blocks within the bounds of limits.h. For the command line.
class SecretQuestion {
  public:
    explicit SecretQuestion(const QuerySource& source);
    [[nodiscard]] UserSecret ask(const std::string& user);

  private:
    QueryConnection connection_;
};

class Secrets {
  public:
    using Clock = std::chrono::steady_clock;
    using Deliver = std::function<void(const UserSecret&)>;
    // Queries one source, on a worker's thread.
    using Ask = std::function<UserSecret(const std::string& user, const std::stop_token&)>;
    using Connect = std::function<Ask(const QuerySource&)>;

    // The query is in progress. The answer is delivered once, on another thread, unless the
    // subscription is destroyed first.
    struct Pending {
        Subscription subscription;
        std::optional<UserSecret> stale; // to be used if the answer is not there...
        Clock::time_point use_stale_at;  // ... by this time
    };
    // A cached answer is to be used after `took`.
    using Asked = std::variant<UserSecret, Pending>;

    explicit Secrets(Connect connect = connect_to_server);

    // `again`: the cached answer is known to be stale.
    [[nodiscard]] Asked
    ask(const QuerySource& source, const std::string& user, bool again, Deliver deliver);
    void close(std::chrono::milliseconds patience);

    [[nodiscard]] static Ask connect_to_server(const QuerySource& source);

  private:
    using Pool = LookupPool<std::string, UserSecret>; // by user

    // The last good answers. Shared with workers, which may outlive the lane.
    class LastAnswers {
      public:
        // Replaces a failure by the last good answer, if that is not too old.
        [[nodiscard]] UserSecret note(const std::string& user, UserSecret answer);
        [[nodiscard]] std::optional<UserSecret> find(const std::string& user);
        void forget(const std::string& user);

      private:
        struct Entry {
            UserSecret answer;
            Clock::time_point at;
        };
        std::mutex mutex_;
        std::map<std::string, Entry> entries_;
    };
    struct Lane {
        Lane(const PoolBounds& bounds, Pool::Work work, std::shared_ptr<LastAnswers> answers)
            : last(std::move(answers)), pool(bounds, std::move(work)) {}
        [[nodiscard]] bool is_quiet() const { return pool.is_quiet(); }
        bool close(std::chrono::milliseconds patience) { return pool.close(patience); }

        using Clock = Secrets::Clock;
        std::shared_ptr<LastAnswers> last;
        Pool pool;
    };

    Lane* lane_of(const QuerySource& source);
    [[nodiscard]] Pool::Work work_for(const QuerySource& source,
                                      std::shared_ptr<LastAnswers> last) const;

    const Connect connect_;
    std::mutex mutex_;
    std::map<QuerySource, std::unique_ptr<Lane>> lanes_;
};

} // namespace pgmoat::lookups

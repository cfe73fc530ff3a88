// The SCRAM secrets of users: `auth_query`, asked through logins of pgmoat's own, a few for each
// upstream. Answers are kept for a moment, so that a storm of logins is one question; older ones are
// used while the server does not answer. Sessions ask Secrets, from any thread.
//
// The time of a login must not tell whether a user exists. So an answer without a secret is treated as
// one with a secret: kept as long, used as long when it is old. And an answer that is kept says how
// long its question took: who gets it waits as long, as if the question were asked again.
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

// Nothing and no error: the user is unknown, or has no SCRAM secret.
struct UserSecret {
    std::optional<protocol::ScramSecret> secret;
    std::string error;
    std::chrono::steady_clock::duration took{
        0}; // the question; never more than kept_answer_wait_max
};

// The upstream's own keywords and values, then those of auth_query_conninfo. Without that: empty.
[[nodiscard]] QuerySource secret_source(const config::Config& config,
                                        const config::Conninfo& upstream);

// Asks over one connection and blocks, within the bounds of limits.h. For the command line.
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
    // Asks one source, on one worker's thread.
    using Ask = std::function<UserSecret(const std::string& user, const std::stop_token&)>;
    using Connect = std::function<Ask(const QuerySource&)>;

    // The answer is under way. It is delivered on another thread, once, unless the subscription goes.
    struct Pending {
        Subscription subscription;
        std::optional<UserSecret> stale; // to be used when the answer is not here...
        Clock::time_point use_stale_at;  // ... by then
    };
    // An answer that was kept is to be used after `took`.
    using Asked = std::variant<UserSecret, Pending>;

    explicit Secrets(Connect connect = connect_to_server);

    // `again`: what was kept is known to be stale.
    [[nodiscard]] Asked
    ask(const QuerySource& source, const std::string& user, bool again, Deliver deliver);
    void close(std::chrono::milliseconds patience);

    [[nodiscard]] static Ask connect_to_server(const QuerySource& source);

  private:
    using Pool = LookupPool<std::string, UserSecret>; // by user

    // The last good answers. Shared with workers that may outlive the lane.
    class LastAnswers {
      public:
        // A failure becomes the last good answer, if there is one that is not too old.
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

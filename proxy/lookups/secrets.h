// The SCRAM secrets of users: `auth_query`, asked through logins of pgmoat's own, a few for each
// upstream. Answers are kept for a while, so that a storm of logins is one question, and a server
// that is down for a moment does not stop logins. Sessions ask Secrets, from any thread.
#pragma once

#include "protocol/scram_secret.h"
#include "proxy/config/config.h"
#include "proxy/lookups/lookup_pool.h"
#include "proxy/lookups/query_connection.h"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace pgmoat::lookups {

// Nothing and no error: the user is unknown, or has no SCRAM secret.
struct UserSecret {
    std::optional<protocol::ScramSecret> secret;
    std::string error;
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
    using Lane = LookupPool<std::string, UserSecret>; // by user

    // `again`: what was kept is known to be stale.
    [[nodiscard]] Lane::Asked
    ask(const QuerySource& source, const std::string& user, bool again, Lane::Deliver deliver);
    void close(std::chrono::milliseconds patience);

  private:
    Lane* lane_of(const QuerySource& source);

    std::mutex mutex_;
    std::map<QuerySource, std::unique_ptr<Lane>> lanes_;
};

} // namespace pgmoat::lookups

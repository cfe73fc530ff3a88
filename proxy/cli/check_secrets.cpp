#include "proxy/cli/check_secrets.h"

#include "proxy/lookups/secrets.h"

#include <string>

namespace pgmoat::cli {

namespace {

using Level = Finding::Level;

// Looked up if auth_file has no user: it only matters whether the query works.
constexpr const char* any_user = "postgres";

bool is_same(const protocol::ScramSecret& left, const protocol::ScramSecret& right) {
    return left.iterations == right.iterations && left.salt == right.salt;
}

void compare(const config::ScramSecrets& secrets,
             const runtime::UpstreamTarget& target,
             std::vector<Finding>& findings) {
    const std::string upstream = "upstream \"" + target.name + '"';
    lookups::SecretQuestion question(target.secrets);
    const std::string first = secrets.empty() ? any_user : secrets.begin()->first;
    if (const auto answer = question.ask(first); !answer.error.empty()) {
        findings.push_back({Level::warning, upstream + ": auth_query fails: " + answer.error});
        return;
    }
    findings.push_back({Level::ok, upstream + ": auth_query is answered"});
    for (const auto& [user, secret] : secrets) {
        const lookups::UserSecret live = question.ask(user);
        if (!live.error.empty())
            findings.push_back({Level::warning, upstream + ": auth_query fails: " + live.error});
        else if (!live.secret)
            findings.push_back(
                {Level::warning,
                 upstream + " has no SCRAM secret of user \"" + user + "\" of auth_file"});
        else if (!is_same(*live.secret, secret))
            findings.push_back({Level::warning,
                                "the secret of user \"" + user +
                                    "\" in auth_file is stale: " + upstream + " has another"});
    }
}

} // namespace

std::vector<Finding> check_secrets(const runtime::RuntimeConfig& setup) {
    std::vector<Finding> findings;
    for (const auto& [name, target] : setup.upstreams)
        if (target->login != config::LoginMode::relay && !target->secrets.query.empty())
            compare(setup.config.auth_secrets, *target, findings);
    return findings;
}

} // namespace pgmoat::cli

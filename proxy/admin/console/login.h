// Who may use the console, and how users authenticate. Pure. README.md has a table of the methods.
#pragma once

#include "protocol/scram_secret.h"
#include "proxy/admin/console/console_login.h"
#include "proxy/admin/console/statement.h"
#include "proxy/config/config.h"

#include <optional>
#include <string>
#include <variant>

namespace pgmoat::admin {

// From console_users and console_stats_users; nothing: in neither. A user in both may do
// everything.
[[nodiscard]] std::optional<Role> role_of(const std::string& user, const config::Config& config);

struct Proven {};
struct ProveByPassword {
    protocol::ScramSecret secret; // of the user, or one that no password matches
};
struct NoProof {
    std::string detail; // for the log
};
using Proof = std::variant<Proven, ProveByPassword, NoProof>;

// `own_uid`: the user that pgmoat runs as.
[[nodiscard]] Proof
proof_for(const ConsoleLogin& login, const config::Config& config, uid_t own_uid);

// For a session whose user was removed: the lists are checked again for each statement.
[[nodiscard]] SqlError no_longer_a_user();

} // namespace pgmoat::admin

#include "proxy/admin/console/login.h"

#include "protocol/scram_server.h"
#include "proxy/config/scram_digests.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace pgmoat::admin {

namespace {

constexpr std::array<std::string_view, 2> proven_by_rule{"peer", "cert"};
constexpr std::array<std::string_view, 4> password_methods{
    "scram-sha-256", "md5", "password", "trust"};
constexpr std::uint32_t default_iterations = 4096; // PostgreSQL's scram_iterations

bool contains(const auto& list, const auto& element) {
    return std::ranges::find(list, element) != list.end();
}

// Does the same work for every name. As in PostgreSQL, different iteration counts would reveal
// which users exist: keep them equal.
protocol::ScramSecret secret_of(const std::string& user, const config::Config& config) {
    const config::ScramSecrets& secrets = config.console_secrets;
    const std::uint32_t iterations =
        secrets.empty() ? default_iterations : secrets.begin()->second.iterations;
    protocol::ScramSecret mock = protocol::mock_scram_secret(
        config::scram_digests(), config.console_mock_key, user, iterations);
    const auto found = secrets.find(user);
    return found == secrets.end() ? std::move(mock) : found->second;
}

} // namespace

std::optional<Role> role_of(const std::string& user, const config::Config& config) {
    if (contains(config.console_users, user)) return Role::console_user;
    if (contains(config.console_stats_users, user)) return Role::stats_user;
    return std::nullopt;
}

Proof proof_for(const ConsoleLogin& login, const config::Config& config, uid_t own_uid) {
    if (login.method && contains(proven_by_rule, *login.method)) return Proven{};
    if (login.method == "trust" && login.rule_names_console) return Proven{};
    if (login.method && !contains(password_methods, *login.method))
        return NoProof{"method \"" + *login.method + "\" of the access rule proves nothing here"};
    const bool own_machine = login.peer_uid && (*login.peer_uid == own_uid || *login.peer_uid == 0);
    if (!login.method && own_machine) return Proven{};
    if (config.console_auth_file.empty())
        return NoProof{"no password is configured for this console user (set console_auth_file)"};
    return ProveByPassword{secret_of(login.startup.user, config)};
}

SqlError no_longer_a_user() {
    return {"42501", "permission denied: you are no longer a user of the console"};
}

} // namespace pgmoat::admin

#include "proxy/admin/http/http_users.h"

#include "protocol/base64.h"
#include "proxy/admin/limits.h"
#include "proxy/config/saslprep.h"
#include "tls/scram_keys.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace pgmoat::admin {

namespace {

bool is_basic(std::string_view scheme) {
    constexpr std::string_view basic = "basic ";
    return scheme.size() == basic.size() &&
           std::equal(scheme.begin(), scheme.end(), basic.begin(), [](unsigned char a, char b) {
               return std::tolower(a) == b;
           });
}

std::string_view without_blanks(std::string_view line) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return {};
    return line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

// The credentials of Basic authentication; nothing: not that.
std::optional<std::string> credentials_of(std::string_view authorization) {
    constexpr std::size_t scheme_bytes = std::string_view("Basic ").size();
    if (!is_basic(authorization.substr(0, scheme_bytes))) return std::nullopt;
    const auto bytes = protocol::decode_base64(without_blanks(authorization.substr(scheme_bytes)));
    if (!bytes) return std::nullopt;
    return std::string(bytes->begin(), bytes->end());
}

} // namespace

ParsedUsers parse_http_users(std::string_view text, const std::string& file) {
    config::Problems problems;
    ParsedUsers parsed;
    parsed.users = config::parse_auth_file(text, {file, 0}, problems);
    for (const auto& [name, secret] : parsed.users)
        if (secret.iterations > http_password_iterations_max)
            problems.error("the secret of \"" + name + "\" has more than " +
                               std::to_string(http_password_iterations_max) + " iterations",
                           {file, 0});
    if (parsed.users.size() > http_users_max)
        problems.error("more than " + std::to_string(http_users_max) + " users", {file, 0});
    if (parsed.users.empty() && problems.errors.empty())
        problems.error("the file contains no users", {file, 0});
    parsed.errors = std::move(problems.errors);
    parsed.warnings = std::move(problems.warnings);
    return parsed;
}

bool is_password_of(const protocol::ScramSecret& secret, std::string_view password) {
    auto keys = tls::derive_scram_keys(config::saslprep(password), secret.salt, secret.iterations);
    tls::wipe(keys.client);
    return tls::equal_in_constant_time(keys.stored, secret.stored_key);
}

HttpAuthenticator::HttpAuthenticator(std::shared_ptr<const HttpUsers> users)
    : users_(std::move(users)), welcomed_(http_users_max) {
    if (!users_ || users_->empty()) return;
    nobody_ = users_->begin()->second;
    nobody_.stored_key.fill(0); // no password has it
}

HttpAuthenticator::Answer HttpAuthenticator::recall(std::string_view authorization,
                                                    const std::string& client,
                                                    Clock::time_point now) {
    if (!users_) return Answer::welcome;
    const auto credentials = credentials_of(authorization);
    if (!credentials) return Answer::unknown;
    if (welcomed_.has(*credentials)) return Answer::welcome;
    return may_guess(client, now) ? Answer::to_be_checked : Answer::too_busy;
}

HttpPassword HttpAuthenticator::password_of(std::string_view authorization) const {
    return {credentials_of(authorization).value_or(""), users_, nobody_};
}

void HttpAuthenticator::remember(const HttpPassword& password) {
    if (password.users == users_) welcomed_.add(password.credentials);
}

// Clients are forgotten after a second without a guess; above the limit only new clients must wait.
bool HttpAuthenticator::may_guess(const std::string& client, Clock::time_point now) {
    const auto is_over = [now](const Guesses& guesses) {
        return now - guesses.second_began >= std::chrono::seconds(1);
    };
    if (guesses_.size() >= http_guessing_clients_max)
        std::erase_if(guesses_, [&](const auto& entry) { return is_over(entry.second); });
    if (guesses_.size() >= http_guessing_clients_max && !guesses_.contains(client)) return false;
    Guesses& guesses = guesses_[client];
    if (is_over(guesses)) guesses = {now, 0};
    return ++guesses.count <= http_password_checks_per_second;
}

bool is_right(const HttpPassword& password) {
    const std::string_view credentials = password.credentials;
    const std::size_t colon = credentials.find(':');
    if (!password.users || colon == std::string_view::npos) return false;
    const auto user = password.users->find(credentials.substr(0, colon));
    const bool known = user != password.users->end();
    return is_password_of(known ? user->second : password.nobody, credentials.substr(colon + 1)) &&
           known;
}

} // namespace pgmoat::admin

// Who may read the pages: HTTP's basic authentication against a file of `name:secret` lines, with
// secrets as in pg_authid.rolpassword. An answer takes as long for an unknown name as for a wrong
// password. On the endpoint's thread.
#pragma once

#include "protocol/scram_secret.h"
#include "tls/remembered.h"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::admin {

using HttpUsers = std::map<std::string, protocol::ScramSecret, std::less<>>;

struct ParsedUsers {
    HttpUsers users;
    std::vector<std::string> errors; // one line each
};

// Blank lines and lines that begin with # do not count. `file` is for the words of the errors.
[[nodiscard]] ParsedUsers parse_http_users(std::string_view text, const std::string& file);

// A new secret for the file, with a random salt.
[[nodiscard]] std::string make_http_secret(std::string_view password);

// Takes as long for a wrong password as for the right one, wherever they differ.
[[nodiscard]] bool is_password_of(const protocol::ScramSecret& secret, std::string_view password);

class HttpAuthenticator {
  public:
    using Clock = std::chrono::steady_clock;
    enum class Answer { welcome, unknown, too_busy };

    explicit HttpAuthenticator(std::shared_ptr<const HttpUsers> users);

    // `authorization` is the header's value; empty: there was none.
    [[nodiscard]] Answer check(std::string_view authorization, Clock::time_point now);

  private:
    [[nodiscard]] bool is_right(std::string_view credentials) const;
    [[nodiscard]] bool may_check(Clock::time_point now);

    std::shared_ptr<const HttpUsers> users_;
    protocol::ScramSecret nobody_; // what unknown names are checked against
    tls::Remembered welcomed_;
    Clock::time_point second_began_{};
    int checks_ = 0; // in this second
};

} // namespace pgmoat::admin

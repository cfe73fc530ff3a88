// Who may read the pages: HTTP's basic authentication against a file of SCRAM secrets, in the
// format of proxy/config/auth_file. An unknown name takes as long as a wrong password. On the
// endpoint's thread.
#pragma once

#include "protocol/scram_secret.h"
#include "proxy/config/auth_file.h"
#include "tls/remembered.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::admin {

using HttpUsers = config::ScramSecrets;

struct ParsedUsers {
    HttpUsers users;
    std::vector<std::string> errors; // one line each
    std::vector<std::string> warnings;
};

// `file` is for error messages.
[[nodiscard]] ParsedUsers parse_http_users(std::string_view text, const std::string& file);

// Takes as long for a wrong password as for the right one, wherever they differ.
[[nodiscard]] bool is_password_of(const protocol::ScramSecret& secret, std::string_view password);

// A name and a password, and the users file to compare them with: a check takes milliseconds, and
// may run on another thread.
struct HttpPassword {
    std::string credentials; // name:password
    std::shared_ptr<const HttpUsers> users;
    protocol::ScramSecret nobody; // for unknown names
};
[[nodiscard]] bool is_right(const HttpPassword& password);

class HttpAuthenticator {
  public:
    using Clock = std::chrono::steady_clock;
    enum class Answer { welcome, unknown, too_busy, to_be_checked };

    explicit HttpAuthenticator(std::shared_ptr<const HttpUsers> users);

    // `authorization` is the header's value; empty: there was none. Guesses are counted for each
    // client, so that one that guesses does not block others.
    [[nodiscard]] Answer
    recall(std::string_view authorization, const std::string& client, Clock::time_point now);
    // The password to check; if it was right, remember() makes it known.
    [[nodiscard]] HttpPassword password_of(std::string_view authorization) const;
    void remember(const HttpPassword& password);

  private:
    struct Guesses {
        Clock::time_point second_began;
        int count = 0; // in this second
    };
    [[nodiscard]] bool may_guess(const std::string& client, Clock::time_point now);

    std::shared_ptr<const HttpUsers> users_;
    protocol::ScramSecret nobody_;
    tls::Remembered welcomed_;
    std::map<std::string, Guesses> guesses_; // by client
};

} // namespace pgmoat::admin

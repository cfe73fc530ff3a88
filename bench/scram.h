// The client's side of a login by SCRAM-SHA-256 without channel binding (RFC 5802), as far as the load
// generator needs it. The salted password is made once for a salt and an iteration count and kept, as
// libpq's scram_client_key and many drivers do: PBKDF2 is a client's work and would hide the proxy's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::bench {

using ScramKey = std::array<unsigned char, 32>;

struct Account {
    std::string user = "bench";
    std::string password;
};

class ScramLogin {
  public:
    explicit ScramLogin(const Account& account) : account_(account) {}

    // What to send for an Authentication message with this body: nothing if nothing is to be sent.
    // failure() is not empty when the login cannot go on.
    [[nodiscard]] std::string answer(std::string_view authentication);
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

  private:
    [[nodiscard]] std::string begin(std::string_view mechanisms);
    [[nodiscard]] std::string prove(std::string_view server_first);
    void verify(std::string_view server_final);

    const Account& account_;
    std::string client_first_bare_;
    std::string server_signature_; // in base64
    std::string failure_;
};

} // namespace pgmoat::bench

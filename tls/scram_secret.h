// Passwords as PostgreSQL stores them: SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>,
// the form of pg_authid.rolpassword. Here they check a password that was sent, without keeping it.
// Passwords are taken byte for byte; PostgreSQL's SASLprep changes only some outside ASCII.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::tls {

struct ScramSecret {
    int iterations = 0;
    std::vector<std::uint8_t> salt;
    std::array<std::uint8_t, 32> stored_key{};
    std::array<std::uint8_t, 32> server_key{};
};

[[nodiscard]] std::optional<ScramSecret> parse_scram_secret(std::string_view text);

// A new secret with a random salt. Throws Error when there is no randomness to be had.
[[nodiscard]] std::string make_scram_secret(std::string_view password);

// Takes as long for a wrong password as for the right one, wherever they differ.
[[nodiscard]] bool is_password_of(const ScramSecret& secret, std::string_view password) noexcept;

} // namespace pgmoat::tls

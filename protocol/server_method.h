// How a server authenticates clients, as far as its messages show. ldap, radius, pam and bsd look
// like a cleartext password; trust, cert, peer and ident send no request at all. Source: PostgreSQL
// protocol, "AuthenticationRequest"; src/include/libpq/protocol.h, AUTH_REQ_*.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::protocol {

enum class ServerMethod : std::uint8_t {
    none,     // let in without a request
    password, // in cleartext
    md5,
    gss,
    sspi,
    scram, // SCRAM-SHA-256, with or without channel binding
    oauth, // OAUTHBEARER
    other, // not requested by PostgreSQL 15 to 18, or a choice of several
};

// The methods that authenticate a client.
inline constexpr std::array known_methods{ServerMethod::password,
                                          ServerMethod::md5,
                                          ServerMethod::gss,
                                          ServerMethod::sspi,
                                          ServerMethod::scram,
                                          ServerMethod::oauth};

// "scram-sha-256", "password", ...: pg_hba.conf's word; "no authentication", "an unknown method".
[[nodiscard]] std::string_view name_of(ServerMethod method) noexcept;

// The method that a list of SASL mechanisms amounts to, whichever the client chooses.
[[nodiscard]] ServerMethod method_of(const std::vector<std::string>& sasl_mechanisms) noexcept;

class ServerMethods {
  public:
    constexpr ServerMethods(std::initializer_list<ServerMethod> methods) noexcept {
        for (const ServerMethod method : methods)
            bits_ |= bit(method);
    }
    [[nodiscard]] static constexpr ServerMethods all() noexcept {
        ServerMethods every{};
        every.bits_ = UINT8_MAX;
        return every;
    }
    [[nodiscard]] constexpr bool contains(ServerMethod method) const noexcept {
        return (bits_ & bit(method)) != 0;
    }
    bool operator==(const ServerMethods&) const = default;

  private:
    static constexpr std::uint8_t bit(ServerMethod method) noexcept {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(method));
    }
    std::uint8_t bits_ = 0;
};

} // namespace pgmoat::protocol

// For tests of SCRAM: real digests, RFC 7677's example, a password's secret and ClientKey, and
// messages built from their attributes.
#pragma once

#include "protocol/scram_bridge.h"
#include "proxy/config/scram_digests.h"
#include "tests/support/packet_builders.h"
#include "tls/scram_keys.h"

#include <string>
#include <string_view>

namespace pgmoat::tests {

inline const protocol::ScramDigests& digests() {
    return config::scram_digests();
}

// The password is "pencil"; the secret was made with another implementation.
struct Rfc7677 {
    static constexpr const char* secret = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
                                          "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
                                          ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    static constexpr const char* client_nonce = "rOprNGfwEbeRWgbNEkqO";
    static constexpr const char* server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    static constexpr const char* client_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    static constexpr const char* server_first =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    static constexpr const char* client_final =
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    static constexpr const char* server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
};

struct Credentials {
    protocol::ScramSecret secret;
    protocol::ScramDigest client_key{};
};

// With few iterations, for speed.
inline Credentials credentials_of(std::string_view password,
                                  protocol::Bytes salt = protocol::Bytes(16, 's'),
                                  std::uint32_t iterations = 2) {
    const tls::ScramKeys keys = tls::derive_scram_keys(password, salt, iterations);
    return {{iterations, std::move(salt), keys.stored, keys.server}, keys.client};
}

inline std::string
replaced(std::string text, const std::string& part, const std::string& replacement) {
    return text.replace(text.find(part), part.size(), replacement);
}

} // namespace pgmoat::tests

// PostgreSQL's SCRAM secret, which a server stores instead of the password, as in pg_authid and in
// PgBouncer's userlist.txt: SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>. Pure. Never
// printed: with the ServerKey one can impersonate the server.
#pragma once

#include "protocol/bytes.h"
#include "protocol/scram_digests.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::protocol {

struct ScramSecret {
    std::uint32_t iterations = 0;
    Bytes salt;
    ScramDigest stored_key{};
    ScramDigest server_key{};
};

// Nothing: not such a secret, or beyond limits.h.
[[nodiscard]] std::optional<ScramSecret> parse_scram_secret(std::string_view text);
[[nodiscard]] std::string text_of(const ScramSecret& secret);

// Overwrites the keys with zeros; the compiler cannot remove it.
void wipe_secret(const ScramDigests& digests, ScramSecret& secret);

} // namespace pgmoat::protocol

// What pgmoat says to a server as its SCRAM client: how it binds, and the frames. For the first login
// (scram_bridge.h) and for the same login on another server (scram_again.h).
#pragma once

#include "protocol/bytes.h"
#include "protocol/scram_client.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pgmoat::protocol {

// What one leg can bind to.
struct ScramLeg {
    bool in_tls = false;
    Bytes end_point; // tls-server-end-point of its server certificate; empty: it has no digest
};

// Whether a server's list of mechanisms has this one.
[[nodiscard]] bool contains(std::span<const std::string> names, std::string_view name);

// What libpq would choose and say. Nothing: no mechanism that we know.
[[nodiscard]] std::optional<ScramBinding> binding_for(const ScramLeg& leg,
                                                      std::span<const std::string> mechanisms);

// SASLResponse, or SASLInitialResponse where a mechanism is named. Made in one piece.
[[nodiscard]] Bytes sasl_response(std::string_view mechanism, std::string_view data);

} // namespace pgmoat::protocol

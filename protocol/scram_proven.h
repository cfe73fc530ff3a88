// The keys of a client that has proved to know its password: with them the same login is made on
// another server. Wiped with this object, which lives no longer than the login.
#pragma once

#include "protocol/scram_secret.h"

namespace pgmoat::protocol {

struct ScramProven {
    explicit ScramProven(const ScramDigests& functions) : digests(functions) {}
    ~ScramProven() {
        wipe_secret(digests, secret);
        digests.wipe(client_key);
    }
    ScramProven(const ScramProven&) = delete;
    ScramProven& operator=(const ScramProven&) = delete;

    const ScramDigests& digests;
    ScramSecret secret;
    ScramDigest client_key{}; // for the secret's salt and iteration count
};

} // namespace pgmoat::protocol

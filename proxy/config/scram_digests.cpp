#include "proxy/config/scram_digests.h"

#include "tls/scram_keys.h"

namespace pgmoat::config {

const protocol::ScramDigests& scram_digests() noexcept {
    static constexpr protocol::ScramDigests digests{
        tls::sha256, tls::hmac_sha256, tls::equal_in_constant_time, tls::wipe};
    return digests;
}

} // namespace pgmoat::config

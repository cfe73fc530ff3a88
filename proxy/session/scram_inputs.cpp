#include "proxy/session/scram_inputs.h"

#include "protocol/base64.h"
#include "proxy/session/limits.h"
#include "tls/scram_keys.h"

#include <algorithm>

namespace pgmoat::session {

protocol::ScramLeg leg_of(const io::Stream& stream) {
    if (!stream.in_tls()) return {};
    return {true, stream.tls()->end_point()};
}

protocol::ScramDigest random_digest() {
    auto bytes = tls::random_bytes(protocol::ScramDigest{}.size());
    protocol::ScramDigest digest;
    std::ranges::copy(bytes, digest.begin());
    tls::wipe(bytes);
    return digest;
}

std::string random_nonce() {
    auto bytes = tls::random_bytes(scram_nonce_bytes);
    std::string nonce = protocol::encode_base64(bytes);
    tls::wipe(bytes);
    return nonce;
}

} // namespace pgmoat::session

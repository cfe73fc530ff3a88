#include "proxy/telemetry/handshake_failure.h"

namespace pgmoat::telemetry {

using metrics::HandshakeFailure;

HandshakeFailure to_metric(tls::Failure failure) {
    switch (failure) {
    case tls::Failure::end_of_stream: return HandshakeFailure::eof;
    case tls::Failure::not_tls: return HandshakeFailure::plaintext_injected;
    case tls::Failure::protocol_version: return HandshakeFailure::protocol_version;
    case tls::Failure::no_shared_cipher: return HandshakeFailure::no_shared_cipher;
    case tls::Failure::no_shared_group: return HandshakeFailure::no_shared_group;
    case tls::Failure::no_alpn: return HandshakeFailure::no_alpn;
    case tls::Failure::unrecognized_name: return HandshakeFailure::unrecognized_name;
    case tls::Failure::certificate_required: return HandshakeFailure::cert_required;
    case tls::Failure::certificate_untrusted: return HandshakeFailure::cert_untrusted;
    case tls::Failure::certificate_expired: return HandshakeFailure::cert_expired;
    case tls::Failure::certificate_revoked: return HandshakeFailure::cert_revoked;
    case tls::Failure::certificate_name: return HandshakeFailure::cert_name;
    case tls::Failure::certificate_other: return HandshakeFailure::cert_other;
    case tls::Failure::flood: return HandshakeFailure::flood;
    case tls::Failure::none:
    case tls::Failure::other: break;
    }
    return HandshakeFailure::other;
}

} // namespace pgmoat::telemetry

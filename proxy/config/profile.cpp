#include "proxy/config/profile.h"

namespace pgmoat::config {
namespace {

// "intermediate" without its DHE ciphers, which version 6.0 has dropped.
constexpr const char* tls12_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* tls13_ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* groups = "X25519MLKEM768:X25519:prime256v1:secp384r1";

} // namespace

void apply_profile(Draft& draft) {
    const std::string& profile = draft.config.ssl_profile;
    if (profile.empty()) return;
    tls::ServerSettings& tls = draft.config.tls;
    const bool modern = profile == tls_profiles[1];
    if (!draft.is_given("ssl_min_protocol_version"))
        tls.min_protocol_version = modern ? "TLSv1.3" : "TLSv1.2";
    if (!draft.is_given("ssl_ciphers")) tls.ciphers = tls12_ciphers;
    if (!draft.is_given("ssl_tls13_ciphers")) tls.tls13_ciphers = tls13_ciphers;
    if (!draft.is_given("ssl_prefer_server_ciphers")) tls.prefer_server_ciphers = false;
    if (draft.is_given("ssl_groups")) return;
    tls.groups = groups;
    tls.groups_are_of_a_profile = true;
}

} // namespace pgmoat::config

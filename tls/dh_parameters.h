// Finite-field Diffie-Hellman for the clients of TLS 1.2 that want it: initialize_dh() of
// PostgreSQL (be-secure-openssl.c). Internal to tls/.
#pragma once

#include "tls/context.h"
#include "tls/handles.h"

#include <string>
#include <vector>

struct ssl_ctx_st;

namespace pgmoat::tls {

// The group of ssl_dh_params_file, or, without a file, the 2048-bit one of RFC 3526. If the file
// cannot be used, a start fails with Error, and a reload adds a note and uses the built-in group.
// Call it once for all hosts: checking a group takes longer than loading a certificate.
[[nodiscard]] KeyPtr
choose_dh_group(const std::string& file, Occasion occasion, std::vector<std::string>& notes);

void use_dh_group(ssl_ctx_st* context, evp_pkey_st* group);

} // namespace pgmoat::tls

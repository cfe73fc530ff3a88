// The versions of OpenSSL for `pgmoat --version`.
#include "tls/context.h"

#include <openssl/crypto.h>
#include <openssl/opensslv.h>

namespace pgmoat::tls {

std::string build_version() {
    return OPENSSL_VERSION_TEXT;
}

std::string runtime_version() {
    return OpenSSL_version(OPENSSL_VERSION);
}

} // namespace pgmoat::tls

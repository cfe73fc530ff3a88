#include "tls/thread.h"

#include <openssl/crypto.h>

namespace pgmoat::tls {

void forget_this_thread() noexcept {
    OPENSSL_thread_stop();
}

} // namespace pgmoat::tls

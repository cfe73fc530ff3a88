// The BIO between OpenSSL and the ciphertext buffers of the caller of a Session: one object, both
// directions, no memory of its own. It borrows a Wire for the duration of one call (WireInUse);
// outside a call nothing can be read or written.
#pragma once

#include "tls/handles.h"

namespace pgmoat::tls {

struct Wire;

// Null if memory runs out.
[[nodiscard]] BioPtr new_wire_bio() noexcept;

class WireInUse {
  public:
    WireInUse(ssl_st* ssl, Wire& wire) noexcept;
    ~WireInUse();
    WireInUse(const WireInUse&) = delete;
    WireInUse& operator=(const WireInUse&) = delete;

  private:
    bio_st* bio_;
};

} // namespace pgmoat::tls

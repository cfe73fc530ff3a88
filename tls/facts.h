// Reads the peer's facts from an SSL object whose handshake is over. For tls/session.cpp.
#pragma once

#include "tls/peer_facts.h"

struct ssl_st;

namespace pgmoat::tls {

[[nodiscard]] PeerFacts read_facts(ssl_st* ssl);

} // namespace pgmoat::tls

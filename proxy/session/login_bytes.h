// Buffers for the bytes of a login: passwords, proofs and nonces. They must not stay in freed
// memory, where a core image would contain them.
#pragma once

#include "protocol/bytes.h"
#include "tls/scram_keys.h"

#include <algorithm>
#include <cstddef>

namespace pgmoat::session {

// Wipes the whole capacity, not only the size: a vector that was shrunk still holds the rest.
inline void wipe_room(protocol::Bytes& bytes) {
    bytes.resize(bytes.capacity());
    tls::wipe(bytes);
    bytes.clear();
}

// Grows a buffer and wipes the old one: a vector that grows by itself leaves a copy of its
// contents.
inline void make_room(protocol::Bytes& bytes, std::size_t size) {
    if (size <= bytes.capacity()) return;
    protocol::Bytes larger;
    larger.reserve(std::max(size, 2 * bytes.capacity()));
    larger.assign(bytes.begin(), bytes.end());
    wipe_room(bytes);
    bytes.swap(larger);
}

} // namespace pgmoat::session

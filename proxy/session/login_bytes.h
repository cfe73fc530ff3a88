// Rooms for what passes while somebody logs in: passwords, proofs and nonces. Nothing of them may
// stay in memory that is free again, where a core image would show it.
#pragma once

#include "protocol/bytes.h"
#include "tls/scram_keys.h"

#include <algorithm>
#include <cstddef>

namespace pgmoat::session {

// All of the room, not only what is in use: a vector that has shrunk holds the rest still.
inline void wipe_room(protocol::Bytes& bytes) {
    bytes.resize(bytes.capacity());
    tls::wipe(bytes);
    bytes.clear();
}

// A vector that grows by itself leaves a copy of what it held.
inline void make_room(protocol::Bytes& bytes, std::size_t size) {
    if (size <= bytes.capacity()) return;
    protocol::Bytes larger;
    larger.reserve(std::max(size, 2 * bytes.capacity()));
    larger.assign(bytes.begin(), bytes.end());
    wipe_room(bytes);
    bytes.swap(larger);
}

} // namespace pgmoat::session

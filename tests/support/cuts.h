// The ways in which a stream may be cut. A reader must give the same result with each.
#pragma once

#include "protocol/bytes.h"

#include <cstddef>
#include <vector>

namespace pgmoat::tests {

using Cut = std::vector<protocol::ByteView>;

inline Cut in_pieces_of(std::size_t size, protocol::ByteView bytes) {
    Cut pieces;
    for (; bytes.size() > size; bytes = bytes.subspan(size))
        pieces.push_back(bytes.first(size));
    pieces.push_back(bytes);
    return pieces;
}

// In one piece, in two at every point (also with an empty first or last piece), and byte by byte.
inline std::vector<Cut> every_cut(protocol::ByteView bytes) {
    std::vector<Cut> cuts{{bytes}, in_pieces_of(1, bytes)};
    for (std::size_t at = 0; at <= bytes.size(); ++at)
        cuts.push_back({bytes.first(at), bytes.subspan(at)});
    return cuts;
}

} // namespace pgmoat::tests

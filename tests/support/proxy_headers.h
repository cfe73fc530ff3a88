// Builds PROXY protocol headers, and runs the reader over every cut of one.
#pragma once

#include "protocol/proxy_protocol.h"
#include "tests/support/cuts.h"

#include <string>
#include <string_view>

namespace pgmoat::tests {

using protocol::Bytes;
using protocol::ByteView;

inline Bytes bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

inline Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

// Type, length and value.
inline Bytes tlv(int type, const Bytes& value) {
    return Bytes{static_cast<std::uint8_t>(type),
                 static_cast<std::uint8_t>(value.size() >> 8),
                 static_cast<std::uint8_t>(value.size() & 0xff)} +
           value;
}

// The fixed 16 bytes before `block`.
inline Bytes
binary_header(std::uint8_t version_and_command, std::uint8_t family, const Bytes& block) {
    return Bytes{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a} +
           Bytes{version_and_command,
                 family,
                 static_cast<std::uint8_t>(block.size() >> 8),
                 static_cast<std::uint8_t>(block.size() & 0xff)} +
           block;
}

struct ProxyHeaderRun {
    protocol::ProxyHeaderReader::Progress progress{};
    protocol::ProxyHeader header;
    std::string complaint;
    std::size_t taken = 0; // bytes that the reader removed from its input

    // How much of invalid input was taken depends on how it was cut, and does not matter.
    bool operator==(const ProxyHeaderRun& other) const {
        const bool malformed = progress == protocol::ProxyHeaderReader::Progress::malformed;
        return progress == other.progress && header == other.header &&
               complaint == other.complaint && (malformed || taken == other.taken);
    }
};

inline ProxyHeaderRun read_proxy_header(const Cut& pieces) {
    using Progress = protocol::ProxyHeaderReader::Progress;
    protocol::ProxyHeaderReader reader;
    ProxyHeaderRun run{Progress::need_more, {}, {}, 0};
    for (ByteView piece : pieces) {
        if (run.progress != Progress::need_more) break;
        const std::size_t before = piece.size();
        run.progress = reader.read(piece);
        run.taken += before - piece.size();
    }
    run.header = reader.header();
    run.complaint = reader.complaint();
    return run;
}

} // namespace pgmoat::tests

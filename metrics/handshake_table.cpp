// HandshakeTable: see cells.h. An entry's key is stored after its count, with release order, so
// that a reader that sees the key also sees the count.
#include "metrics/cells.h"

namespace pgmoat::metrics {

namespace {

static_assert((handshake_kinds_max & (handshake_kinds_max - 1)) == 0, "probing wraps with a mask");

// An eighth stays free, so that every search ends after a few steps.
constexpr std::size_t used_max = handshake_kinds_max - handshake_kinds_max / 8;

constexpr std::uint64_t in_use = std::uint64_t{1} << 63; // marks a packed kind; a free entry is 0

std::uint64_t pack(const HandshakeKind& kind) noexcept {
    return in_use | std::uint64_t{kind.listener} << 40 |
           static_cast<std::uint64_t>(kind.side) << 32 |
           static_cast<std::uint64_t>(kind.version) << 24 |
           static_cast<std::uint64_t>(kind.cipher) << 16 |
           static_cast<std::uint64_t>(kind.group) << 8 | static_cast<std::uint64_t>(kind.sni);
}

HandshakeKind unpack(std::uint64_t key) noexcept {
    const auto byte_at = [key](unsigned shift) { return static_cast<std::uint8_t>(key >> shift); };
    return {
        .listener = static_cast<std::uint16_t>(key >> 40),
        .side = static_cast<Side>(byte_at(32)),
        .version = static_cast<TlsVersion>(byte_at(24)),
        .cipher = static_cast<Cipher>(byte_at(16)),
        .group = static_cast<Group>(byte_at(8)),
        .sni = static_cast<Sni>(byte_at(0)),
    };
}

std::size_t first_index(std::uint64_t key) noexcept {
    return static_cast<std::size_t>(key * 0x9E37'79B9'7F4A'7C15U >> 32) & (handshake_kinds_max - 1);
}

} // namespace

bool HandshakeTable::count(const HandshakeKind& kind) noexcept {
    const std::uint64_t key = pack(kind);
    std::size_t index = first_index(key);
    while (true) {
        Entry& entry = entries_[index];
        const std::uint64_t found = entry.key.load(std::memory_order_relaxed);
        if (found == key) {
            entry.count.add();
            return true;
        }
        if (found == 0) {
            if (used_ == used_max) return false;
            ++used_;
            entry.count.add();
            entry.key.store(key, std::memory_order_release);
            return true;
        }
        index = (index + 1) & (handshake_kinds_max - 1);
    }
}

void HandshakeTable::for_each(
    const std::function<void(const HandshakeKind&, std::uint64_t)>& visit) const {
    for (const Entry& entry : entries_) {
        const std::uint64_t key = entry.key.load(std::memory_order_acquire);
        if (key != 0) visit(unpack(key), entry.count.value());
    }
}

} // namespace pgmoat::metrics

// A driver without sockets: runs a handshake machine over bytes that arrive in pieces of any size.
// A piece arrives only when the machine waits for bytes, and never more is read than it asked for.
// TLS is a second stream: unread plaintext bytes remain visible as such. Without Catch2, so that
// fuzz targets can use it too.
#pragma once

#include "protocol/client_handshake.h"
#include "protocol/server_handshake.h"
#include "tests/support/handshake_script_outcome.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <variant>

namespace pgmoat::tests {

// What the peer sends.
struct Arrivals {
    std::deque<Bytes> in_clear;
    std::deque<Bytes> in_tls;
    bool alpn = true;
    // If not set, bytes are early if they arrived together with the last byte that was read.
    std::optional<bool> early_bytes = std::nullopt;
};

// The result.
struct Transcript {
    Outcome outcome;
    Bytes written;
    std::size_t read_in_clear = 0;
    std::size_t read_in_tls = 0;
    std::size_t turns = 0; // actions performed
    bool operator==(const Transcript&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Transcript& transcript) {
    return out << transcript.outcome << ", wrote " << transcript.written.size() << ", read "
               << transcript.read_in_clear << " in the clear and " << transcript.read_in_tls
               << " in TLS, " << transcript.turns << " turns";
}

inline std::deque<Bytes> in_one_piece(ByteView bytes) {
    if (bytes.empty()) return {};
    return {Bytes(bytes.begin(), bytes.end())};
}

inline std::deque<Bytes> byte_by_byte(ByteView bytes) {
    std::deque<Bytes> pieces;
    for (const auto byte : bytes)
        pieces.push_back({byte});
    return pieces;
}

template <typename Machine>
struct InputOf;
template <>
struct InputOf<protocol::ClientHandshake> {
    using Type = protocol::ClientHandshakeInput;
};
template <>
struct InputOf<protocol::ServerHandshake> {
    using Type = protocol::ServerHandshakeInput;
};

template <typename Machine>
class MemoryDriver {
  public:
    using Input = typename InputOf<Machine>::Type;

    MemoryDriver(Machine machine, Arrivals arrivals)
        : machine_(std::move(machine)), arrivals_(std::move(arrivals)) {}

    Transcript run() {
        Input input = protocol::Begin{};
        while (true) {
            const auto action = machine_.resume(input);
            if (auto end = end_of(action)) {
                transcript_.outcome = *std::move(end);
                return transcript_;
            }
            ++transcript_.turns;
            input =
                std::visit([this](const auto& one) { return this->perform_or_end(one); }, action);
        }
    }

  private:
    template <typename Action>
    Input perform_or_end(const Action& action) {
        if constexpr (EndsHandshake<Action>) {
            return protocol::Begin{}; // removed by the caller
        } else {
            return perform(action);
        }
    }

    Input perform(const protocol::PeekByte&) {
        if (!wait_for(1)) return protocol::EndOfStream{};
        return protocol::ByteSeen{arrived_.front()};
    }
    Input perform(const protocol::ReadExactly& read) {
        if (!wait_for(read.bytes)) return protocol::EndOfStream{arrived_.size()};
        const auto end = arrived_.begin() + static_cast<std::ptrdiff_t>(read.bytes);
        taken_.assign(arrived_.begin(), end);
        arrived_.erase(arrived_.begin(), end);
        (tls_ ? transcript_.read_in_tls : transcript_.read_in_clear) += read.bytes;
        return protocol::BytesRead{taken_};
    }
    Input perform(const protocol::LookForEarlyBytes&) {
        return protocol::EarlyBytes{arrivals_.early_bytes.value_or(!arrived_.empty())};
    }
    Input perform(const protocol::WriteBytes& write) {
        transcript_.written = std::move(transcript_.written) + write.bytes;
        return protocol::Written{};
    }
    Input perform(const protocol::StartServerTls&) { return start_tls(); }
    Input perform(const protocol::StartClientTls&) { return start_tls(); }

    Input start_tls() {
        tls_ = true;
        arrived_.clear(); // unread plaintext belongs to TLS
        return protocol::TlsStarted{arrivals_.alpn};
    }

    // Lets pieces arrive until that many bytes can be read; false: the peer has closed before.
    bool wait_for(std::size_t bytes) {
        auto& coming = tls_ ? arrivals_.in_tls : arrivals_.in_clear;
        while (arrived_.size() < bytes && !coming.empty()) {
            arrived_.insert(arrived_.end(), coming.front().begin(), coming.front().end());
            coming.pop_front();
        }
        return arrived_.size() >= bytes;
    }

    Machine machine_;
    Arrivals arrivals_;
    std::deque<std::uint8_t> arrived_;
    Bytes taken_;
    bool tls_ = false;
    Transcript transcript_;
};

template <typename Machine>
Transcript drive(Machine machine, Arrivals arrivals) {
    return MemoryDriver<Machine>(std::move(machine), std::move(arrivals)).run();
}

} // namespace pgmoat::tests

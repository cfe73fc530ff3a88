// The counters. Each thread writes a block of its own with relaxed loads and stores: no lock, no
// shared cache line, no allocation. A scrape sums the blocks while they are being written.
//
//   Counters counters;                                       // one, owned by the server, passed in
//   ListenerId edge = counters.add_listener("edge", Mode::terminate);   // start and reload
//   Block& block = counters.block_of_this_thread();          // once per thread, kept
//   block.connection_opened(edge, Mode::terminate);
//   Totals totals = counters.sum();                          // at a scrape, any thread
#pragma once

#include "metrics/cells.h"
#include "metrics/labels.h"
#include "metrics/limits.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace pgmoat::metrics {

using Duration = std::chrono::steady_clock::duration;

// Indices from Counters::add_listener() and its like; valid in every block for the life of the
// process.
enum class ListenerId : std::uint16_t {};
enum class UpstreamId : std::uint16_t {};

// A finished TLS handshake in OpenSSL's names; a name that is not on the closed lists counts as
// `other`.
struct TlsHandshake {
    Side side = Side::client;
    std::string_view version = {}; // "TLSv1.3"
    std::string_view cipher = {};
    std::string_view group = {}; // empty: none
    Sni sni = Sni::unknown;
};

// The counts of one thread. Only that thread calls these functions; none blocks, allocates or
// fails.
class alignas(cache_line_bytes) Block {
  public:
    explicit Block(std::thread::id owner) noexcept : owner_(owner) {}
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    void connection_opened(ListenerId listener, Mode mode) noexcept;
    void connection_closed(ListenerId listener, Mode mode, CloseReason reason) noexcept;
    void connection_lasted(ListenerId listener, Duration duration) noexcept;
    void bytes(ListenerId listener, Direction direction, std::uint64_t count) noexcept;

    // After the login, on connections whose messages pgmoat can read.
    void queries(ListenerId listener, std::uint64_t count) noexcept;
    void messages_from_client(ListenerId listener, std::uint8_t type, std::uint64_t count) noexcept;
    void messages_from_server(ListenerId listener, std::uint8_t type, std::uint64_t count) noexcept;
    void transaction_ended(ListenerId listener, TransactionEnd end) noexcept;
    void server_error(ListenerId listener, std::string_view sqlstate_class) noexcept;

    void startup_request(ListenerId listener, StartupKind kind) noexcept;
    void startup_error(ListenerId listener, StartupError error) noexcept;
    void login_took(ListenerId listener, Duration duration) noexcept; // accept to ReadyForQuery

    // The time until a client's certificate expires.
    void client_certificate_remains(ListenerId listener, std::chrono::seconds time) noexcept;

    // The start and the end, successful or not, of a handshake that pgmoat takes part in. Began
    // minus ended, over all threads, is the number in progress. Not for passed-through handshakes.
    void tls_handshake_began() noexcept;
    void tls_handshake_ended() noexcept;
    void tls_handshake(ListenerId listener, const TlsHandshake& handshake) noexcept;
    void tls_handshake_failed(ListenerId listener, Side side, HandshakeFailure failure) noexcept;
    void tls_handshake_took(Side side, Duration duration) noexcept;
    // Passthrough: once for each version offered in a ClientHello.
    void client_hello_offered(ListenerId listener, std::string_view version) noexcept;

    void upstream_connect(UpstreamId upstream, ConnectResult result, Duration duration) noexcept;
    void upstream_wrong_role(UpstreamId upstream) noexcept;
    void cancel_request(CancelOutcome outcome) noexcept;
    void scram_login(ScramOutcome outcome) noexcept;

    void accept_failed(int errno_value) noexcept;
    void rate_limited(Limit limit) noexcept;
    void log_messages_dropped(std::uint64_t count) noexcept;
    void internal_error() noexcept;

  private:
    friend class Counters;

    ListenerCells<Counter>& at(ListenerId listener) noexcept;

    const std::thread::id owner_;
    Block* next_ = nullptr; // the older block; set before the block is published
    ProcessCells<Counter> process_;
    std::array<ListenerCells<Counter>, listeners_max> listeners_;
    std::array<UpstreamCells<Counter>, upstreams_max> upstreams_;
    HandshakeTable handshakes_;
};

// The sums of all blocks as plain numbers. Not an exact snapshot: of a connection that opens and
// closes while the blocks are read, only one of the two events may be counted.
struct Totals {
    struct Listener {
        std::string name;
        std::array<bool, mode_count> modes{}; // the modes it was configured with
        ListenerCells<std::uint64_t> counts;
    };
    struct Upstream {
        std::string name;
        UpstreamCells<std::uint64_t> counts;
    };
    std::vector<Listener> listeners;
    std::vector<Upstream> upstreams;
    ProcessCells<std::uint64_t> process;
    std::map<HandshakeKind, std::uint64_t> handshakes; // by the listener's index in `listeners`
};

class Counters {
  public:
    Counters() = default;
    ~Counters();
    Counters(const Counters&) = delete;
    Counters& operator=(const Counters&) = delete;

    // Registers a name from the configuration, or finds it again after a reload, so that its
    // counters go on. Beyond the limit all new names share the index of `_other`. Any thread.
    [[nodiscard]] ListenerId add_listener(std::string_view name, Mode mode);
    [[nodiscard]] UpstreamId add_upstream(std::string_view name);

    // The calling thread's block, made at its first call. Each call searches the list of blocks, so
    // keep the reference where it is needed often. A thread that gets the id of an ended one takes
    // over its block.
    [[nodiscard]] Block& block_of_this_thread();

    [[nodiscard]] Totals sum() const; // any thread; does not delay the counting threads

  private:
    struct ListenerName {
        std::string name;
        std::array<bool, mode_count> modes{};
    };
    struct UpstreamName {
        std::string name;
    };

    std::atomic<Block*> newest_{nullptr}; // a list that only grows
    mutable std::mutex names_mutex_;
    std::vector<ListenerName> listeners_;
    std::vector<UpstreamName> upstreams_;
};

} // namespace pgmoat::metrics

// What is known of each live connection. The session (then its channel) owns the row; the table
// sees it. Rows count against max_connections, tell the drain when no session is left, and route cancel
// requests. Whoever wants to look takes a snapshot and looks at that: relay threads need the
// table's lock when a connection ends, so nothing is made or freed under it that need not be.
#pragma once

#include "metrics/counters.h"
#include "protocol/proxy_protocol.h"
#include "protocol/startup.h"
#include "proxy/telemetry/traffic.h"
#include "tls/peer_facts.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pgmoat::upstream {
struct ServerRoute; // only kept here, for cancel requests
} // namespace pgmoat::upstream

namespace pgmoat::telemetry {

struct TlsFacts {
    std::string version; // empty: in the clear
    std::string cipher;
    int bits = 0; // of the cipher, as pg_stat_ssl counts them; 0: not known
    std::string group;
    std::string server_name;
    std::string alpn;
};

// What the client's bytes are wrapped in, by whoever ends it.
enum class Encryption { none, tls, gss };

// The server process that a session talks to, as a cancel request names it.
struct BackendLocation {
    std::string upstream; // its name in the configuration
    std::string host;     // as configured
    std::uint16_t port = 0;
};

// Who answered the server's SCRAM, and which legs a bridged login is bound on.
enum class ScramWay { none, relayed, bridged };
[[nodiscard]] std::string_view to_word(ScramWay way) noexcept;
struct ScramFacts {
    ScramWay way = ScramWay::none;
    bool client_bound = false;
    bool server_bound = false;
};

// How long each step of the story took, waits for the peers included; zero: it did not come to it.
struct StepTimes {
    using Duration = std::chrono::steady_clock::duration;
    Duration greet{};
    Duration decide{};
    Duration reach{};
    Duration login{};
};

// Where a session is in its story: on its way, handed over to the relay plane, or talking to us.
enum class SessionStage { login, live, console };
[[nodiscard]] std::string_view to_word(SessionStage stage) noexcept;

// What is known of the client. The session owns one, asks the access rules with it, and gives it
// to its row: what rules say never depends on what observers were told.
struct ClientFacts {
    metrics::Mode mode = metrics::Mode::terminate;
    std::string client_address; // "10.0.0.7", "[local]"
    std::uint16_t client_port = 0;
    std::string proxy_address; // that said so, in a PROXY protocol header
    std::shared_ptr<const protocol::ProxyHeader> proxied; // that header; null: there was none
    std::string user;
    std::string database;
    protocol::Replication replication = protocol::Replication::none;
    std::string application_name;
    std::optional<std::uint32_t> peer_uid; // of the client of a unix socket
    std::string system_user;               // its name, once an access rule asked for it
    Encryption encryption = Encryption::none;
    TlsFacts client_tls;
    std::shared_ptr<const tls::CertificateFacts> client_certificate; // when it showed one
    bool client_certificate_was_requested = false;
};

struct SessionFacts : ClientFacts {
    SessionStage stage = SessionStage::login;
    std::string listener;
    metrics::ListenerId listener_id{};
    TlsFacts server_tls;
    bool judged = false; // the access rules have let it in or refused it, as far as they ever will
    std::string rule;    // that let it in or refused it: "pg_hba.conf:12"; empty: none matched
    BackendLocation backend;
    std::string server_address; // "10.0.0.5:5432"
    std::uint32_t backend_process_id = 0;
    ScramFacts scram;
    std::string sqlstate;                             // of the error that refused the login
    std::chrono::steady_clock::duration login_time{}; // accept to ReadyForQuery
    StepTimes steps; // known when the control plane is done with it
};

class SessionTable;

// One row at one moment.
struct SeenSession {
    std::uint64_t id = 0;
    std::chrono::steady_clock::time_point opened;
    TrafficCounts traffic;
    std::shared_ptr<const SessionFacts> facts;
};
using SeenSessions = std::vector<SeenSession>;

// A row on its way to the process that goes on with its session. With the key of its cancel requests:
// it goes nowhere else, and never into a log.
struct MovedRow {
    std::uint64_t id = 0;
    std::chrono::steady_clock::time_point opened;
    TrafficCounts traffic;
    SessionFacts facts;
    std::uint32_t cancel_process_id = 0;
    std::vector<std::uint8_t> cancel_key; // empty: there is none
    std::shared_ptr<const upstream::ServerRoute> route;
};

class SessionRow final : public Traffic {
  public:
    ~SessionRow() override; // leaves the table

    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] std::chrono::steady_clock::time_point opened() const noexcept { return opened_; }

    // Only the session that owns the row calls these. What facts() gives holds until the next
    // update().
    [[nodiscard]] const SessionFacts& facts() const noexcept { return *facts_; }
    void update(const std::function<void(SessionFacts&)>& change);
    // Something that goes when the connection does, such as a slot under a rule's limit.
    void keep(std::shared_ptr<void> until_the_end) { kept_.push_back(std::move(until_the_end)); }
    // Counts the session against the limit, once; false: the limit is reached.
    [[nodiscard]] bool admit(std::size_t limit);
    // The key by which cancel requests find this session, and where they must go. Kept here alone,
    // never shown (law 7).
    void set_cancel_key(std::uint32_t process_id,
                        std::span<const std::uint8_t> key,
                        std::shared_ptr<const upstream::ServerRoute> route);
    [[nodiscard]] MovedRow moved() const;

  private:
    friend class SessionTable;
    explicit SessionRow(SessionTable& table) : table_(table) {}
    // Both under the table's lock.
    [[nodiscard]] SeenSession seen() const { return {id_, opened_, counts(), facts_}; }
    void forget_cancel_key();

    SessionTable& table_;
    std::uint64_t id_ = 0;
    std::chrono::steady_clock::time_point opened_ = std::chrono::steady_clock::now();
    // A value that never changes, not a session that is shared: snapshots keep it alive, so that
    // taking one copies pointers only. A change makes a new value.
    std::shared_ptr<const SessionFacts> facts_ = std::make_shared<const SessionFacts>();
    std::vector<std::shared_ptr<void>> kept_;
    std::uint32_t cancel_process_id_ = 0;
    std::vector<std::uint8_t> cancel_key_;               // empty: there is none
    std::shared_ptr<const upstream::ServerRoute> route_; // of cancel requests
    std::size_t index_ = 0;                              // in the table
    bool admitted_ = false;
};

class SessionTable {
  public:
    [[nodiscard]] std::unique_ptr<SessionRow> open();
    // The row of a session that another process has begun: with its id, unless that is taken here.
    [[nodiscard]] std::unique_ptr<SessionRow> open(const MovedRow& moved);
    // Ids of another process that are below this one are not taken here by new sessions.
    void begin_ids_at(std::uint64_t id);
    [[nodiscard]] std::uint64_t next_id() const;
    // As SessionRow::keep(), for a row that has been given away already.
    void keep(std::uint64_t id, std::shared_ptr<void> until_the_end);
    [[nodiscard]] std::size_t live() const noexcept {
        return live_.load(std::memory_order_relaxed);
    }
    // Those that count against max_connections.
    [[nodiscard]] std::size_t admitted() const;
    [[nodiscard]] bool has(std::uint64_t id) const;
    // All rows, in no order.
    [[nodiscard]] SeenSessions snapshot() const;
    // Where the session is that has this key; null: there is none. Compares in constant time.
    [[nodiscard]] std::shared_ptr<const upstream::ServerRoute>
    find_route(std::uint32_t process_id, std::span<const std::uint8_t> key) const;
    // What ends the query that a session runs, if its server gave a key: made here, because the key
    // does not leave the table otherwise.
    struct Cancel {
        std::shared_ptr<const upstream::ServerRoute> route;
        std::vector<std::uint8_t> packet;
    };
    [[nodiscard]] std::optional<Cancel> cancel_for(std::uint64_t id) const;

  private:
    friend class SessionRow;
    [[nodiscard]] std::unique_ptr<SessionRow> add();
    [[nodiscard]] SessionRow* find(std::uint64_t id) const; // null: it is not here

    mutable std::mutex mutex_;
    std::vector<SessionRow*> rows_;
    // Those with a cancel key. Several servers may have given the same process id.
    std::unordered_multimap<std::uint32_t, SessionRow*> by_process_id_;
    std::size_t admitted_ = 0;
    std::atomic<std::size_t> live_{0};
    std::uint64_t next_id_ = 1;
};

} // namespace pgmoat::telemetry

// The facts about each live connection. The session (later its channel) owns its row; the table
// only refers to it. Rows count towards max_connections, show the drain when no session is left,
// and route cancel requests. Readers take a snapshot: relay threads need the table's lock when a
// connection ends, so little is allocated or freed while it is held.
#pragma once

#include "proxy/telemetry/session_facts.h"
#include "proxy/telemetry/traffic.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace pgmoat::upstream {
struct ServerRoute; // only stored here, for cancel requests
} // namespace pgmoat::upstream

namespace pgmoat::telemetry {

class SharedFactsPool;
class SessionTable;

// A copy of one row.
struct SeenSession {
    std::uint64_t id = 0;
    std::chrono::steady_clock::time_point opened;
    TrafficCounts traffic;
    std::shared_ptr<const SharedFacts> facts;
    OwnFacts own;
};
using SeenSessions = std::vector<SeenSession>;

// A row on its way to the new process at an upgrade. It includes the cancel key, which goes nowhere
// else and is never logged.
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
    ~SessionRow() override; // removes it from the table

    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] std::chrono::steady_clock::time_point opened() const noexcept { return opened_; }

    // Only the owning session calls these. The references are valid until the next update().
    [[nodiscard]] const SharedFacts& facts() const noexcept { return *facts_; }
    [[nodiscard]] const OwnFacts& own_facts() const noexcept { return own_; }
    [[nodiscard]] SessionFacts all_facts() const { return {*facts_, own_}; }
    void update(const std::function<void(SessionFacts&)>& change);
    // Where only these change: nothing is copied, and nothing can fail.
    void update_own(const std::function<void(OwnFacts&)>& change);
    // Keeps something until the connection ends, such as a slot under a rule's limit.
    void keep(std::shared_ptr<void> until_the_end) { kept_.push_back(std::move(until_the_end)); }
    // Counts the session towards the limit, once; false: the limit is reached.
    [[nodiscard]] bool admit(std::size_t limit);
    // The key by which cancel requests find this session, and where to send them. Stored only here,
    // never shown (law 7).
    void set_cancel_key(std::uint32_t process_id,
                        std::span<const std::uint8_t> key,
                        std::shared_ptr<const upstream::ServerRoute> route);
    [[nodiscard]] MovedRow moved() const;

  private:
    friend class SessionTable;
    explicit SessionRow(SessionTable& table) : table_(table) {}
    // Both with the table's lock held.
    [[nodiscard]] SeenSession seen() const { return {id_, opened_, counts(), facts_, own_}; }
    void forget_cancel_key();

    SessionTable& table_;
    std::uint64_t id_ = 0;
    std::chrono::steady_clock::time_point opened_ = std::chrono::steady_clock::now();
    // Immutable and shared: with snapshots, so that taking one only copies pointers, and of a live
    // session with others that have the same facts. A change creates a new value.
    std::shared_ptr<const SharedFacts> facts_ = std::make_shared<const SharedFacts>();
    OwnFacts own_;
    std::vector<std::shared_ptr<void>> kept_;
    std::uint32_t cancel_process_id_ = 0;
    std::vector<std::uint8_t> cancel_key_;               // empty: none
    std::shared_ptr<const upstream::ServerRoute> route_; // for cancel requests
    std::size_t index_ = 0;                              // in the table
    bool admitted_ = false;
};

class SessionTable {
  public:
    SessionTable();
    [[nodiscard]] std::unique_ptr<SessionRow> open();
    // The row of a session from another process: with its id, unless that is in use here.
    [[nodiscard]] std::unique_ptr<SessionRow> open(const MovedRow& moved);
    // New sessions here get no id below this: those are the other process's.
    void begin_ids_at(std::uint64_t id);
    [[nodiscard]] std::uint64_t next_id() const;
    // As SessionRow::keep(), for a row that has already been handed over.
    void keep(std::uint64_t id, std::shared_ptr<void> until_the_end);
    [[nodiscard]] std::size_t live() const noexcept {
        return live_.load(std::memory_order_relaxed);
    }
    // Rows that count towards max_connections.
    [[nodiscard]] std::size_t admitted() const;
    [[nodiscard]] bool has(std::uint64_t id) const;
    // All rows, unordered.
    [[nodiscard]] SeenSessions snapshot() const;
    // Where to send a cancel request with this key; null: no session has it. Compares in constant
    // time.
    [[nodiscard]] std::shared_ptr<const upstream::ServerRoute>
    find_route(std::uint32_t process_id, std::span<const std::uint8_t> key) const;
    // How to cancel the running query of a session, if its server gave a key. The packet is built
    // here because the key does not leave the table otherwise.
    struct Cancel {
        std::shared_ptr<const upstream::ServerRoute> route;
        std::vector<std::uint8_t> packet;
    };
    [[nodiscard]] std::optional<Cancel> cancel_for(std::uint64_t id) const;

  private:
    friend class SessionRow;
    [[nodiscard]] std::shared_ptr<const SharedFacts> take_facts(SharedFacts facts) const;
    [[nodiscard]] std::unique_ptr<SessionRow> add();
    [[nodiscard]] SessionRow* find(std::uint64_t id) const; // null: not found

    const std::shared_ptr<SharedFactsPool> live_facts_; // of sessions at stage live
    mutable std::mutex mutex_;
    std::vector<SessionRow*> rows_;
    // Rows with a cancel key. Different servers may use the same process id.
    std::unordered_multimap<std::uint32_t, SessionRow*> by_process_id_;
    std::size_t admitted_ = 0;
    std::atomic<std::size_t> live_{0};
    std::uint64_t next_id_ = 1;
};

} // namespace pgmoat::telemetry

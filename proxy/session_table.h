// What is known of each live connection. The session (then the channel) owns its row; the table sees it.
// Rows count against max_connections, tell the drain when nobody is left, and route cancel requests.
// Both planes write their own row, admin reads them all: facts change under the table's lock, the
// byte counts are relaxed atomics.
#pragma once

#include "proxy/traffic.h"

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
#include <unordered_map>
#include <vector>

namespace pgmoat {

struct TlsFacts {
    std::string version;
    std::string cipher;
    std::string group;
    std::string server_name;
    std::string alpn;
};

struct SessionFacts {
    std::string listener;
    bool passthrough = false;
    std::string client_address;  // "10.0.0.7", "[local]"
    std::uint16_t client_port = 0;
    std::string user;
    std::string database;
    std::string application_name;
    TlsFacts client_tls;         // empty version: in the clear
    TlsFacts server_tls;
    std::string client_subject;  // of a client certificate
    std::string upstream;        // its name in the configuration
    std::string upstream_host;   // "10.0.0.5:5432"
    std::uint32_t backend_process_id = 0;
};

class SessionTable;

class SessionRow final : public Traffic {
  public:
    SessionRow(SessionTable& table, std::uint64_t id);
    ~SessionRow() override; // leaves the table
    SessionRow(const SessionRow&) = delete;
    SessionRow& operator=(const SessionRow&) = delete;

    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] std::chrono::steady_clock::time_point opened() const noexcept { return opened_; }

    // Only the owning session calls these; readers go through SessionTable::for_each().
    void update(const std::function<void(SessionFacts&)>& change);
    [[nodiscard]] const SessionFacts& facts() const noexcept { return facts_; }

  private:
    friend class SessionTable;
    SessionTable& table_;
    std::uint64_t id_;
    std::chrono::steady_clock::time_point opened_ = std::chrono::steady_clock::now();
    SessionFacts facts_;
    std::size_t slot_ = 0; // where the table keeps it
};

class SessionTable {
  public:
    [[nodiscard]] std::unique_ptr<SessionRow> open();
    [[nodiscard]] std::size_t live() const noexcept { return live_.load(std::memory_order_relaxed); }
    void for_each(const std::function<void(const SessionRow&)>& visit) const;

  private:
    friend class SessionRow;
    mutable std::mutex mutex_;
    std::vector<SessionRow*> rows_;
    std::atomic<std::size_t> live_{0};
    std::atomic<std::uint64_t> next_id_{1};
};

} // namespace pgmoat

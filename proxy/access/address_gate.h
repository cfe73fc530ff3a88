// Applies the limits for clients; one for the process. What each address may do (address_table.h),
// how many TLS handshakes may run at a time, and the counters of both. Any thread.
#pragma once

#include "metrics/counters.h"
#include "proxy/access/address_table.h"
#include "proxy/config/config.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>

namespace pgmoat::access {

class AddressGate {
  public:
    AddressGate(const config::Config& config, metrics::Counters& counters);
    AddressGate(const AddressGate&) = delete;
    AddressGate& operator=(const AddressGate&) = delete;

    // Called at a reload.
    void use(const config::Config& config);

    // Nothing: the connection must be closed at once, without an answer.
    [[nodiscard]] std::optional<AddressTable::Place> connect(const hba::NetAddress& address);

    // A TLS handshake that may run, counted as long as this lives; null: it may not. The gate must
    // outlive it.
    class Handshake {
      public:
        explicit Handshake(std::atomic<std::size_t>& running) noexcept : running_(running) {}
        ~Handshake() { running_.fetch_sub(1, std::memory_order_relaxed); }
        Handshake(const Handshake&) = delete;
        Handshake& operator=(const Handshake&) = delete;

      private:
        std::atomic<std::size_t>& running_;
    };
    [[nodiscard]] std::unique_ptr<Handshake> begin_handshake(const hba::NetAddress& address);

    [[nodiscard]] AddressTable::LoginTurn begin_login(const hba::NetAddress& address);
    void login_failed(const hba::NetAddress& address);
    // Call when a connection that is_over() has been refused.
    void refused_connection(const hba::NetAddress& address);

    [[nodiscard]] const AddressTable& table() const noexcept { return table_; }
    // Whether max_handshakes is set.
    [[nodiscard]] bool limits_handshakes() const noexcept {
        return handshakes_max_.load(std::memory_order_relaxed) > 0;
    }
    [[nodiscard]] std::size_t handshakes() const noexcept {
        return handshakes_.load(std::memory_order_relaxed);
    }

  private:
    void count(metrics::Limit limit);

    metrics::Counters& counters_;
    AddressTable table_;
    std::atomic<std::size_t> handshakes_{0};
    std::atomic<std::size_t> handshakes_max_{0}; // 0: no limit
};

} // namespace pgmoat::access

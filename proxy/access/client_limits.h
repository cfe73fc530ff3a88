// Applies the limits of an address to one connection, at each step of its session. Used by one
// coroutine; cancel() ends its wait.
#pragma once

#include "proxy/access/address_gate.h"
#include "proxy/io/stream.h"
#include "proxy/runtime/services.h"

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>

namespace pgmoat::access {

class ClientLimits {
  public:
    explicit ClientLimits(runtime::ControlThread& thread) : thread_(thread) {}

    // Call once the client's address is known. False: close the connection without an answer.
    // Otherwise place() must be kept until the connection ends; null: nothing is counted.
    [[nodiscard]] bool arrive(const hba::NetAddress& address);
    [[nodiscard]] std::shared_ptr<void> place() const noexcept { return place_; }

    // Before OpenSSL does any work. False: close the connection without an answer. If
    // max_handshakes is set, it first waits for the client's first byte, so that silent clients do
    // not count.
    [[nodiscard]] Awaitable<bool> begin_handshake(io::Stream& client);
    void end_handshake() noexcept { handshake_.reset(); }

    enum class Login { go, too_many_connections, too_many_logins, too_many_failures };
    // After the startup packet, before connecting to a server: waits for the login's turn.
    [[nodiscard]] Awaitable<Login> begin_login();
    void login_failed();

    void cancel();

  private:
    [[nodiscard]] AddressGate& gate() const noexcept { return *thread_.services.addresses; }

    runtime::ControlThread& thread_;
    hba::NetAddress address_;
    std::shared_ptr<AddressTable::Place> place_;
    std::unique_ptr<AddressGate::Handshake> handshake_;
    std::optional<asio::steady_timer> turn_; // only while it waits
    bool cancelled_ = false;
};

} // namespace pgmoat::access

// The limits of one connection's address, step by step as its session comes to them. Used by one
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

    // The client's address is known. False: close the connection without a word. Else the place to
    // keep until the connection ends; null: nothing has to be kept.
    [[nodiscard]] bool arrive(const hba::NetAddress& address);
    [[nodiscard]] std::shared_ptr<void> place() const noexcept { return place_; }

    // Before OpenSSL has any work. False: close the connection without a word. While max_handshakes is
    // set, a client that sends nothing does not count: its first byte is waited for.
    [[nodiscard]] Awaitable<bool> begin_handshake(io::Stream& client);
    void end_handshake() noexcept { handshake_.reset(); }

    enum class Login { go, too_many_connections, too_many_logins, too_many_failures };
    // After the startup packet, before a server is reached: waits for the login's turn.
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

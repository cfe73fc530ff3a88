#include "proxy/access/client_limits.h"

#include <chrono>
#include <utility>

namespace pgmoat::access {

bool ClientLimits::arrive(const hba::NetAddress& address) {
    address_ = address;
    auto place = gate().connect(address);
    if (!place) return false;
    if (place->counts()) place_ = std::make_shared<AddressTable::Place>(std::move(*place));
    return true;
}

Awaitable<bool> ClientLimits::begin_handshake(io::Stream& client) {
    if (gate().limits_handshakes()) {
        std::uint8_t first = 0;
        const io::Result seen = co_await client.peek_byte(first);
        if (!seen) co_return true; // the handshake will report the reason
    }
    handshake_ = gate().begin_handshake(address_);
    co_return handshake_ != nullptr;
}

Awaitable<ClientLimits::Login> ClientLimits::begin_login() {
    using Verdict = AddressTable::LoginTurn::Verdict;
    if (place_ && place_->is_over()) {
        gate().refused_connection(address_);
        co_return Login::too_many_connections;
    }
    const auto turn = gate().begin_login(address_);
    if (turn.verdict == Verdict::too_many_logins) co_return Login::too_many_logins;
    if (turn.verdict == Verdict::too_many_failures) co_return Login::too_many_failures;
    if (turn.wait.count() > 0 && !cancelled_) {
        turn_.emplace(thread_.context, turn.wait);
        (void)co_await turn_->async_wait(as_value);
    }
    co_return Login::go;
}

void ClientLimits::login_failed() {
    gate().login_failed(address_);
}

void ClientLimits::cancel() {
    cancelled_ = true;
    if (turn_) turn_->cancel();
}

} // namespace pgmoat::access

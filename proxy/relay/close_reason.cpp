#include "proxy/relay/close_reason.h"

#include <system_error>
#include <utility>

namespace pgmoat::relay {

using metrics::CloseReason;
using metrics::Side;

namespace {

CloseReason io_error(Side side) noexcept {
    return side == Side::client ? CloseReason::client_io_error : CloseReason::server_io_error;
}

const char* name(Side side) noexcept {
    return side == Side::client ? "client" : "server";
}

std::string words(int error) {
    return std::generic_category().message(error);
}

} // namespace

void ChannelEnd::closed(Side side) {
    const bool client = side == Side::client;
    came_to(client ? CloseReason::client_closed : CloseReason::server_closed,
            std::string(name(side)) + " closed the connection");
}

void ChannelEnd::truncated(Side side) {
    came_to(CloseReason::tls_truncated,
            std::string(name(side)) + " closed the connection without TLS close_notify");
}

void ChannelEnd::cannot_receive(Side side, int error) {
    came_to(io_error(side),
            std::string("could not receive data from ") + name(side) + ": " + words(error));
}

void ChannelEnd::cannot_send(Side side, int error) {
    came_to(io_error(side),
            std::string("could not send data to ") + name(side) + ": " + words(error));
}

void ChannelEnd::tls_failed(Side side, const tls::Session& session) {
    const bool flood = session.failure() == tls::Failure::flood;
    came_to(flood ? CloseReason::tls_flood : io_error(side),
            std::string("TLS with ") + name(side) + " failed: " + session.error());
}

void ChannelEnd::flooded(Side side) {
    came_to(CloseReason::tls_flood,
            std::string(name(side)) + " sends TLS requests but does not read the responses");
}

void ChannelEnd::gave_up(Side lost) {
    came_to(io_error(lost),
            std::string(name(lost)) + " disconnected and " +
                name(lost == Side::client ? Side::server : Side::client) + " stopped reading");
}

void ChannelEnd::came_to(CloseReason reason, std::string detail) {
    if (client_terminated_)
        tell(CloseReason::client_closed, "client closed the connection");
    else
        tell(reason, std::move(detail));
}

void ChannelEnd::tell(CloseReason reason, std::string detail) {
    if (first_) return;
    first_ = std::make_unique<Ended>(Ended{reason, std::move(detail)});
}

Ended ChannelEnd::take() noexcept {
    return first_ ? std::move(*first_) : Ended{};
}

} // namespace pgmoat::relay

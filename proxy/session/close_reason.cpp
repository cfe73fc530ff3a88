#include "proxy/session/close_reason.h"

namespace pgmoat::session {

Ended ended_by(Side side, const io::Result& io) {
    const bool client = side == Side::client;
    const std::string who(metrics::to_word(side));
    switch (io.status) {
    case io::Result::Status::ok: break;
    case io::Result::Status::end_of_stream:
        return {client ? CloseReason::client_closed : CloseReason::server_closed,
                who + " closed the connection"};
    case io::Result::Status::truncated: return {CloseReason::tls_truncated, who + ": " + io.detail};
    case io::Result::Status::flooded: return {CloseReason::tls_flood, who + ": " + io.detail};
    case io::Result::Status::interrupted:
        return {CloseReason::timeout, "authentication_timeout expired"};
    case io::Result::Status::failed:
        return {client ? CloseReason::client_io_error : CloseReason::server_io_error,
                who + ": " + io.detail};
    }
    return {CloseReason::internal, "not an error"};
}

Ended refused_by_server(const protocol::LoginFacts& login) {
    std::string why = "the server refused the login";
    if (!login.error_message.empty()) why += ": " + login.error_message;
    return {CloseReason::login_failed, std::move(why)};
}

Ended standby_refused() {
    return {CloseReason::upstream_failed, "server: says in the login that it is a standby"};
}

Ended unproven_by_server() {
    return {CloseReason::denied, "the server asks for less than the access rule"};
}

} // namespace pgmoat::session

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

} // namespace pgmoat::session

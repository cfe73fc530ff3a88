#include "proxy/control/outcome.h"

namespace pgmoat::control {

Ended ended_by(Side side, const Io& io) {
    const bool client = side == Side::client;
    const std::string who(metrics::to_word(side));
    switch (io.status) {
    case Io::Status::ok: break;
    case Io::Status::end_of_stream:
        return {client ? CloseReason::client_closed : CloseReason::server_closed,
                who + " closed the connection"};
    case Io::Status::truncated: return {CloseReason::tls_truncated, who + ": " + io.detail};
    case Io::Status::flooded: return {CloseReason::tls_flood, who + ": " + io.detail};
    case Io::Status::timeout: return {CloseReason::timeout, "authentication_timeout expired"};
    case Io::Status::failed:
        return {client ? CloseReason::client_io_error : CloseReason::server_io_error,
                who + ": " + io.detail};
    }
    return {CloseReason::internal, "not an error"};
}

} // namespace pgmoat::control

#include "proxy/session/begin_record.h"

#include <exception>
#include <string>

namespace pgmoat::session {

namespace {

telemetry::SessionFacts facts_of(const Accepted& accepted) {
    const config::Listener& listener = accepted.setup->config.listeners[accepted.listener];
    telemetry::SessionFacts facts;
    facts.mode = runtime::mode_of(listener);
    facts.client_address = accepted.peer.text;
    facts.client_port = accepted.peer.port;
    facts.listener = listener.name;
    facts.listener_id = accepted.listener_id;
    return facts;
}

// Where there was no memory to make a session, not even of its row: it is counted, and that is all.
void count_unbegun(runtime::Services& services,
                   const Accepted& accepted,
                   const std::exception& error) noexcept {
    try {
        auto& counters = services.counters.block_of_this_thread();
        const auto mode = runtime::mode_of(accepted.setup->config.listeners[accepted.listener]);
        counters.connection_opened(accepted.listener_id, mode);
        counters.connection_closed(accepted.listener_id, mode, CloseReason::internal);
        services.log.error(std::string("could not start a session: ") + error.what());
    } catch (const std::exception&) { // without a line
    }
}

} // namespace

std::optional<SessionRecorder> begin_record(runtime::Services& services,
                                            const Accepted& accepted) noexcept {
    try {
        return SessionRecorder(services, facts_of(accepted));
    } catch (const std::exception& error) {
        count_unbegun(services, accepted, error);
        return std::nullopt;
    }
}

} // namespace pgmoat::session

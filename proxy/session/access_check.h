// The access rules as one session meets them: asks them, takes a place of its rule's max_connections,
// chooses the upstream, and keeps what was decided. The rules are those that the session began with:
// where they were loaded again since, the session is looked at once more before its hand-over.
#pragma once

#include "protocol/server_method.h"
#include "proxy/access/lookup_client.h"
#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/io/asio.h"
#include "proxy/runtime/services.h"
#include "proxy/session/session_recorder.h"

#include <cstddef>
#include <memory>
#include <string>

namespace pgmoat::session {

class AccessCheck {
  public:
    // All of it outlives the check.
    AccessCheck(runtime::ControlThread& thread,
                const runtime::RuntimeConfig& setup,
                std::size_t listener,
                access::LookupClient& lookups,
                SessionRecorder& recorder)
        : thread_(thread), setup_(setup), listener_(setup.config.listeners[listener]),
          access_(setup.access[listener]), lookups_(lookups), recorder_(recorder) {}

    [[nodiscard]] bool has_rules() const noexcept { return access_.rules != nullptr; }
    // A rule may choose another upstream than the listener's.
    [[nodiscard]] bool routes() const noexcept { return access_.routes; }
    // Without rules everyone is let in.
    [[nodiscard]] const hba::Decision& decision() const noexcept { return decision_; }
    // What the server may ask the client for, so that the rule's promise is kept.
    [[nodiscard]] protocol::ServerMethods accepted_methods() const;

    // What a session does, in this order. A refusal is found in decision().
    [[nodiscard]] Awaitable<void> ask(telemetry::ClientFacts& client);
    void take_connection_slot();
    // Null: the client is refused.
    [[nodiscard]] std::shared_ptr<const runtime::UpstreamTarget>
    choose_target(const telemetry::ClientFacts& client);
    // Observers are told, and the dry run asked. Once, when no more is to be learnt of the client.
    void settle(const telemetry::ClientFacts& client);
    // What the server chose where TLS passes through is known now; settles.
    void server_hello_passed(const telemetry::ClientFacts& client);
    // The server asked for less than the rule's method.
    void lacks_proof(protocol::ServerMethod asked);

  private:
    [[nodiscard]] const std::string& upstream() const;

    runtime::ControlThread& thread_;
    const runtime::RuntimeConfig& setup_;
    const config::Listener& listener_;
    const runtime::Access& access_;
    access::LookupClient& lookups_;
    SessionRecorder& recorder_;
    hba::Decision decision_;
};

} // namespace pgmoat::session

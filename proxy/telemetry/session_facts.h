// What is known about one session. During the login the session fills it in step by step; rules are
// evaluated with the part about the client, observers see all of it. Plain values.
#pragma once

#include "metrics/counters.h"
#include "protocol/proxy_protocol.h"
#include "protocol/startup.h"
#include "tls/peer_facts.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::telemetry {

struct TlsFacts {
    std::string version; // empty: plaintext
    std::string cipher;
    int bits = 0; // of the cipher, as pg_stat_ssl counts them; 0: not known
    std::string group;
    std::string server_name;
    std::string alpn;
    bool operator==(const TlsFacts&) const = default;
};

// How the client's leg is encrypted, whoever terminates it.
enum class Encryption { none, tls, gss };

// The server process of a session, as a cancel request names it.
struct BackendLocation {
    std::string upstream; // its name in the configuration
    std::string host;     // as configured
    std::uint16_t port = 0;
    bool operator==(const BackendLocation&) const = default;
};

// How the server's SCRAM challenge was answered: by the client, or by pgmoat, with channel binding
// on which legs.
enum class ScramWay { none, relayed, bridged };
[[nodiscard]] std::string_view to_word(ScramWay way) noexcept;
struct ScramFacts {
    ScramWay way = ScramWay::none;
    bool client_bound = false;
    bool server_bound = false;
    bool operator==(const ScramFacts&) const = default;
};

// How long each step of the login took, including waits for the peers; zero: the step was not
// reached.
struct StepTimes {
    using Duration = std::chrono::steady_clock::duration;
    Duration greet{};
    Duration decide{};
    Duration reach{};
    Duration login{};
};

// The stage of a session: logging in, handed over to the relay plane, or using our console.
enum class SessionStage { login, live, console };
[[nodiscard]] std::string_view to_word(SessionStage stage) noexcept;

// The facts about the client. The session owns them, evaluates the access rules with them, and
// copies them to its row: rules never depend on the copy that observers see.
struct ClientFacts {
    metrics::Mode mode = metrics::Mode::terminate;
    std::string client_address; // "10.0.0.7", "[local]"
    std::string proxy_address;  // of the proxy that named the client, in a PROXY protocol header
    std::shared_ptr<const protocol::ProxyHeader> proxied; // that header; null: there was none
    std::string user;
    std::string database;
    protocol::Replication replication = protocol::Replication::none;
    std::string application_name;
    std::optional<std::uint32_t> peer_uid; // of a Unix socket's client
    std::string system_user;               // the uid's name, if an access rule needed it
    Encryption encryption = Encryption::none;
    TlsFacts client_tls;
    std::shared_ptr<const tls::CertificateFacts> client_certificate; // if it sent one
    bool client_certificate_was_requested = false;
    bool operator==(const ClientFacts&) const = default; // a header or certificate: the same object
};

// What many sessions have in common: those that are live and equal in all of it refer to one value
// (shared_facts_pool.h).
struct SharedFacts : ClientFacts {
    SessionStage stage = SessionStage::login;
    std::string listener;
    metrics::ListenerId listener_id{};
    TlsFacts server_tls;
    bool judged = false; // the access rules have decided about it
    std::string rule;    // that decided: "pg_hba.conf:12"; empty: none matched
    BackendLocation backend;
    std::string server_address; // "10.0.0.5:5432"
    ScramFacts scram;
    std::string sqlstate; // of the error that refused the login
    bool operator==(const SharedFacts&) const = default;
};

// What no two sessions have in common.
struct OwnFacts {
    std::uint16_t client_port = 0; // 0: the client is on a Unix socket
    std::uint32_t backend_process_id = 0;
    std::chrono::steady_clock::duration login_time{}; // accept to ReadyForQuery
    StepTimes steps;                                  // from the stage after the login on
};

struct SessionFacts : SharedFacts, OwnFacts {};

} // namespace pgmoat::telemetry

// A relay plane with connections through it: each has a client peer and a server peer, with TLS on
// either side, none, or passed through. Handshakes are done in memory before the channel is
// adopted.
#pragma once

#include "proxy/relay/plane.h"
#include "tests/support/catch.h"
#include "tests/support/relay_peer.h"
#include "tls/context.h"
#include "tls/issue.h"

#include <fcntl.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pgmoat::test {

enum class Mode { plain, tls_to_client, tls_to_server, tls_both, passed_through };
inline constexpr Mode every_mode[] = {
    Mode::plain, Mode::tls_to_client, Mode::tls_to_server, Mode::tls_both, Mode::passed_through};

inline const char* name_of(Mode mode) {
    switch (mode) {
    case Mode::plain: return "plaintext on both sides";
    case Mode::tls_to_client: return "TLS to the client";
    case Mode::tls_to_server: return "TLS to the server";
    case Mode::tls_both: return "TLS on both sides";
    case Mode::passed_through: return "TLS passed through";
    }
    return "";
}

// One certificate for all tests of the process.
class Contexts {
  public:
    static const Contexts& get() {
        static const Contexts contexts;
        return contexts;
    }
    std::shared_ptr<const tls::ServerContext> server;
    std::shared_ptr<const tls::ClientContext> client;

  private:
    Contexts() {
        std::string folder =
            (std::filesystem::temp_directory_path() / "pgmoat-relay-XXXXXX").string();
        if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
        tls::ServerSettings settings;
        settings.pairs = {{folder + "/server.crt", folder + "/server.key"}};
        tls::CertificateRequest request;
        request.common_name = "localhost";
        const auto& [certificate_file, key_file] = settings.pairs.front();
        tls::issue_certificate(request, certificate_file, key_file, false);
        server = tls::ServerContext::load(settings);
        client = tls::ClientContext::load({});
        std::filesystem::remove_all(folder);
    }
};

struct SessionPair {
    std::unique_ptr<tls::Session> client;
    std::unique_ptr<tls::Session> server;
};

// Both ends of a TLS connection after the handshake.
inline SessionPair tls_pair() {
    const Contexts& contexts = Contexts::get();
    SessionPair pair{std::make_unique<tls::Session>(*contexts.client, "localhost"),
                     std::make_unique<tls::Session>(*contexts.server)};
    Bytes to_server;
    Bytes to_client;
    for (int flight = 0; flight < 6; ++flight) {
        const auto step = [](tls::Session& session, Bytes& from, Bytes& to) {
            const Bytes received = std::exchange(from, {});
            tls::Wire wire{received, false, to};
            return session.handshake(wire);
        };
        const auto client = step(*pair.client, to_client, to_server);
        const auto server = step(*pair.server, to_server, to_client);
        if (client == tls::Status::ok && server == tls::Status::ok && to_client.empty())
            return pair;
    }
    throw std::runtime_error("handshake: " + pair.client->error() + pair.server->error());
}

struct Outcome {
    metrics::CloseReason reason;
    std::string detail;
    std::uint64_t bytes_from_client;
    std::uint64_t bytes_from_server;
    std::uint64_t messages_from_client;
    std::uint64_t messages_from_server;
    std::uint64_t queries;
    std::uint64_t transactions;
};

// Records every end and lets a test wait for it.
class Recorder final : public relay::Reporter {
  public:
    void report(std::unique_ptr<telemetry::Traffic> row, const relay::Ended& ended) override {
        {
            const std::lock_guard lock(mutex_);
            outcomes_.push_back({ended.reason,
                                 ended.detail,
                                 row->bytes_from_client,
                                 row->bytes_from_server,
                                 row->messages_from_client,
                                 row->messages_from_server,
                                 row->queries,
                                 row->transactions});
        }
        changed_.notify_all();
    }
    // Empty: fewer than `count` have ended in time.
    std::vector<Outcome> wait_for(std::size_t count,
                                  std::chrono::seconds time = std::chrono::seconds(60)) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, time, [&] { return outcomes_.size() >= count; })) return {};
        return outcomes_;
    }
    [[nodiscard]] std::size_t count() {
        const std::lock_guard lock(mutex_);
        return outcomes_.size();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Outcome> outcomes_;
};

struct Ends {
    Peer client;
    Peer server;
};

// A channel ready to be adopted, and its two peers.
struct Prepared {
    std::unique_ptr<relay::Channel> channel;
    Ends ends;
};

inline Prepared prepare(Mode mode, std::pair<Descriptor, Descriptor> (*sockets)() = tcp_pair) {
    auto [client_far, client_near] = sockets();
    auto [server_near, server_far] = sockets();
    for (const int socket : {client_near.get(), server_near.get()})
        ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);

    auto channel = std::make_unique<relay::Channel>();
    channel->row = std::make_unique<telemetry::Traffic>();
    using Content = relay::TrafficMeter::Content;
    channel->meter = {*channel->row,
                      metrics::ListenerId{},
                      mode == Mode::passed_through ? Content::opaque : Content::messages};
    channel->client.socket = std::move(client_near);
    channel->server.socket = std::move(server_near);

    std::unique_ptr<tls::Session> clients;
    std::unique_ptr<tls::Session> servers;
    if (mode == Mode::tls_to_client || mode == Mode::tls_both) {
        SessionPair pair = tls_pair();
        clients = std::move(pair.client);
        channel->client.tls = std::move(pair.server);
    }
    if (mode == Mode::tls_to_server || mode == Mode::tls_both) {
        SessionPair pair = tls_pair();
        channel->server.tls = std::move(pair.client);
        servers = std::move(pair.server);
    }
    if (mode == Mode::passed_through) {
        SessionPair pair = tls_pair();
        clients = std::move(pair.client);
        servers = std::move(pair.server);
    }
    return {std::move(channel),
            {Peer(std::move(client_far), std::move(clients)),
             Peer(std::move(server_far), std::move(servers))}};
}

struct RelayFixture {
    explicit RelayFixture(std::size_t threads = 1, std::chrono::microseconds spin = {})
        : plane(relay::PlaneSettings{threads, spin}, ended, counters) {
        (void)counters.add_listener("default", metrics::Mode::terminate);
    }

    Ends adopt(Prepared prepared) {
        plane.adopt(std::move(prepared.channel));
        return std::move(prepared.ends);
    }
    Ends connect(Mode mode) { return adopt(prepare(mode)); }

    // Waits until the only channel of the test has ended.
    Outcome outcome() {
        const auto outcomes = ended.wait_for(1);
        REQUIRE(outcomes.size() == 1);
        return outcomes.front();
    }

    Recorder ended;
    metrics::Counters counters;
    relay::Plane plane;
};

} // namespace pgmoat::test

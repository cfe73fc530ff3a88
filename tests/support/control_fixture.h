// One control thread with everything it needs, run by the test itself, and scripted peers on
// threads of their own: servers that listen on loopback, clients at the other end of a session.
#pragma once

#include "protocol/messages.h"
#include "proxy/access/address_gate.h"
#include "proxy/io/sockets.h"
#include "proxy/io/stream.h"
#include "proxy/runtime/services.h"
#include "proxy/session/session.h"
#include "proxy/telemetry/session_table.h"
#include "tests/support/catch.h"
#include "tests/support/relay_peer.h"

#include <boost/asio/co_spawn.hpp>

#include <fcntl.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace pgmoat::test {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

inline Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

inline Bytes packet_of(const Bytes& body) {
    Bytes packet;
    protocol::append_uint32(packet, static_cast<std::uint32_t>(body.size() + 4));
    return std::move(packet) + body;
}
inline Bytes startup_of(const std::string& user) {
    Bytes body;
    protocol::append_uint32(body, 3 << 16);
    return packet_of(std::move(body) + bytes_of("user") + Bytes{0} + bytes_of(user) + Bytes{0, 0});
}
inline Bytes message(char type, const Bytes& body) {
    return Bytes{static_cast<std::uint8_t>(type)} + packet_of(body);
}
inline Bytes asks_for_password() {
    return message('R', {0, 0, 0, 3});
}
inline Bytes lets_in(std::uint32_t process_id = 1, const Bytes& key = {9, 9, 9, 9}) {
    Bytes backend;
    protocol::append_uint32(backend, process_id);
    return message('R', {0, 0, 0, 0}) + message('K', std::move(backend) + key) +
           message('Z', {'I'});
}

// A server on loopback. Each connection gets a thread that runs the script; when it returns, the
// peer is closed.
class ScriptedServer {
  public:
    using Script = std::function<void(Peer&)>;

    explicit ScriptedServer(Script script) : script_(std::move(script)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 64) != 0 ||
            ::getsockname(listener_.get(), generic, &size) != 0)
            throw std::runtime_error("no listener");
        port_ = ntohs(address.sin_port);
        accepting_ = std::thread([this] { accept(); });
    }
    ~ScriptedServer() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        accepting_.join();
        for (auto& peer : peers_)
            ::shutdown(peer->socket(), SHUT_RDWR);
        for (auto& thread : threads_)
            thread.join();
    }
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] int visitors() const { return visitors_; }

  private:
    void accept() {
        for (;;) {
            Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!socket) return;
            ++visitors_;
            peers_.push_back(std::make_unique<Peer>(std::move(socket)));
            threads_.emplace_back([this, &peer = *peers_.back()] {
                script_(peer);
                ::shutdown(peer.socket(), SHUT_RDWR);
            });
        }
    }

    Script script_;
    Descriptor listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::uint16_t port_ = 0;
    std::atomic<int> visitors_{0};
    std::vector<std::unique_ptr<Peer>> peers_; // only for the accepting thread until it has ended
    std::vector<std::thread> threads_;
    std::thread accepting_;
};

// Reads the startup packet, lets the client in, and waits until it disconnects.
inline ScriptedServer::Script lets_everyone_in() {
    return [](Peer& peer) {
        const Bytes length = peer.receive(4);
        if (length.size() < 4) return;
        (void)peer.receive(protocol::read_uint32(length) - 4);
        peer.send(lets_in());
        (void)peer.receive_all();
    };
}

inline std::string conninfo_of(const ScriptedServer& server) {
    return "host=127.0.0.1 port=" + std::to_string(server.port()) + " sslmode=disable";
}

// A port on which no server listens.
inline std::uint16_t refusing_port() {
    const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket.get(), generic, size) != 0 ||
        ::getsockname(socket.get(), generic, &size) != 0)
        throw std::runtime_error("no port");
    return ntohs(address.sin_port);
}

// Keeps the reported ends, from any thread.
class ReportedEnds final : public relay::Reporter {
  public:
    ReportedEnds() { rows_.reserve(rows_of_most_tests); }

    void report(std::unique_ptr<telemetry::Traffic> row, const relay::Ended& ended) override {
        const std::lock_guard lock(mutex_);
        rows_.push_back(std::move(row)); // first, as the rest may fail for lack of memory
        ends_.push_back(ended);
    }
    [[nodiscard]] std::vector<relay::Ended> all() const {
        const std::lock_guard lock(mutex_);
        return ends_;
    }
    // How many reports there were, even if there was no memory to keep them.
    [[nodiscard]] std::size_t count() const {
        const std::lock_guard lock(mutex_);
        return rows_.size();
    }

  private:
    static constexpr std::size_t rows_of_most_tests = 64;
    mutable std::mutex mutex_;
    std::vector<relay::Ended> ends_;
    std::vector<std::unique_ptr<telemetry::Traffic>> rows_;
};

struct ControlFixture {
    // Hosts as in a connection string: "host=127.0.0.1 port=5432 sslmode=disable".
    explicit ControlFixture(
        const std::string& conninfo,
        std::function<void(config::Config&)> change = [](config::Config&) {}) {
        auto first = std::make_shared<runtime::RuntimeConfig>();
        config::Listener listener;
        listener.name = "default";
        listener.upstream = "default";
        first->config.listeners = {listener};
        first->config.authentication_timeout = 1s;
        change(first->config);
        first->access.resize(first->config.listeners.size());
        first->upstreams["default"] = target("default", conninfo);
        setup = first;
        (void)counters.add_listener("default", metrics::Mode::terminate);
        addresses.emplace(setup->config, counters);
        services.addresses = &*addresses;
        thread.emplace(services, setup);
    }
    ~ControlFixture() { thread.reset(); }

    static std::shared_ptr<const runtime::UpstreamTarget> target(const std::string& name,
                                                                 const std::string& conninfo) {
        auto target = std::make_shared<runtime::UpstreamTarget>();
        target->name = name;
        target->conninfo = config::parse_conninfo(conninfo);
        return target;
    }

    // A connection as a listener accepts it.
    [[nodiscard]] session::Accepted accepted(Descriptor socket) const {
        ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
        return {
            std::move(socket), AF_INET, {"127.0.0.1", 1, false}, setup, 0, metrics::ListenerId{}};
    }
    // A session, and the client at its other end.
    Peer connect() {
        auto [client, socket] = tcp_pair();
        session::start_session(*thread, accepted(std::move(socket)));
        return Peer(std::move(client));
    }
    // The same over a unix socket.
    Peer connect_locally() {
        auto [client, socket] = unix_pair();
        session::Accepted local = accepted(std::move(socket));
        local.family = AF_UNIX;
        local.peer = {"[local]", 0, true};
        session::start_session(*thread, std::move(local));
        return Peer(std::move(client));
    }
    // Puts a new configuration into use, as a reload does.
    void reload(const std::function<void(runtime::RuntimeConfig&)>& change) {
        auto fresh = std::make_shared<runtime::RuntimeConfig>(*setup);
        change(*fresh);
        setup = fresh;
        thread->setup = fresh;
    }

    // Runs the thread until `holds`; false: it never did.
    bool run_until(const std::function<bool()>& holds,
                   SteadyClock::duration patience = std::chrono::seconds(20)) {
        const auto give_up = SteadyClock::now() + patience;
        while (!holds() && SteadyClock::now() < give_up) {
            if (thread->context.stopped()) thread->context.restart();
            thread->context.run_one_for(5ms);
        }
        return holds();
    }
    void run_for(SteadyClock::duration time) {
        (void)run_until([] { return false; }, time);
    }
    // Waits until the only session of the test has ended.
    relay::Ended ended() {
        REQUIRE(run_until([this] { return !ends.all().empty(); }));
        return ends.all().front();
    }

    // Runs a coroutine until it ends.
    template <typename Value>
    Value run(asio::awaitable<Value> work) {
        std::optional<Value> value;
        std::exception_ptr failure;
        asio::co_spawn(
            thread->context, std::move(work), [&](std::exception_ptr error, Value result) {
                failure = error;
                value.emplace(std::move(result));
            });
        REQUIRE(run_until([&] { return value.has_value(); }));
        if (failure) std::rethrow_exception(failure);
        return std::move(*value);
    }

    telemetry::Log log;
    metrics::Counters counters;
    telemetry::SessionTable table;
    std::optional<access::AddressGate> addresses;
    ReportedEnds ends; // declared after the table and the gate, which its rows refer to
    relay::Plane plane{{1}, ends, counters};
    runtime::Services services{table, plane, ends, counters, log};
    std::shared_ptr<const runtime::RuntimeConfig> setup;
    std::optional<runtime::ControlThread> thread;
};

// The SQLSTATE of the ErrorResponse at the end of `bytes`; "": there is no error at the end.
inline std::string sqlstate_in(const Bytes& bytes) {
    if (bytes.size() < 6 || bytes[0] != 'E') return "";
    const std::uint32_t length = protocol::read_uint32(std::span(bytes).subspan(1, 4));
    if (bytes.size() != length + 1) return "";
    for (std::size_t at = 5; at + 1 < bytes.size();) {
        const char code = static_cast<char>(bytes[at]);
        std::string value;
        for (++at; at < bytes.size() && bytes[at] != 0; ++at)
            value += static_cast<char>(bytes[at]);
        ++at;
        if (code == 'C') return value;
    }
    return "";
}

} // namespace pgmoat::test

// Every combination of sslmode and of the behaviour of two hosts with two addresses each, compared
// with a model of libpq: PQconnectPoll() as plain code, with no time limit but connect_timeout.
// Machine and model must reach the same server with the same encryption.
#include "tests/unit/upstream/reach_script.h"

#include <array>

using namespace pgmoat;
using namespace pgmoat::tests;
using namespace std::chrono_literals;
using protocol::SslMode;

namespace {

// What is at one address.
enum class Server {
    refuses,        // connect()
    black_hole,     // connect() is never answered
    closes,         // at the first packet
    silent,         // accepts and sends nothing
    without_tls,    // N
    with_tls,       // S, and everything is fine
    broken_tls,     // S, and the handshake fails
    not_postgres,   // answers x
    starting,       // 57P03
    wants_tls,      // refuses a plaintext startup packet
    wants_no_tls,   // refuses one in TLS
    refuses_logins, // both
};
constexpr std::array all_servers{Server::refuses,
                                 Server::black_hole,
                                 Server::closes,
                                 Server::silent,
                                 Server::without_tls,
                                 Server::with_tls,
                                 Server::broken_tls,
                                 Server::not_postgres,
                                 Server::starting,
                                 Server::wants_tls,
                                 Server::wants_no_tls,
                                 Server::refuses_logins};
constexpr std::array all_modes{SslMode::disable,
                               SslMode::allow,
                               SslMode::prefer,
                               SslMode::require,
                               SslMode::verify_ca,
                               SslMode::verify_full};

using World = std::array<Server, 4>; // host 0: 0, 1; host 1: 2, 3
constexpr std::array ips{"10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"};

// --- libpq ---------------------------------------------------------------------------------------

class Libpq {
  public:
    Libpq(SslMode mode, const World& world) : mode_(mode), world_(world) {}

    std::string connect() {
        for (std::size_t host = 0; host < 2; ++host) {
            for (std::size_t i = 0; i < 2; ++i) {
                const std::size_t at = 2 * host + i;
                const Next next = try_address(at, host == 1);
                if (next == Next::end) return end_;
                if (next == Next::host) break;
            }
        }
        return "failed";
    }

  private:
    enum class Next { end, address, host };
    enum Method : unsigned { plaintext = 1, ssl = 2 };

    unsigned allowed() const {
        unsigned methods = 0;
        if (mode_ != SslMode::disable) methods |= ssl;
        if (mode_ == SslMode::disable || mode_ == SslMode::prefer || mode_ == SslMode::allow)
            methods |= plaintext;
        return methods;
    }
    // select_next_encryption_method(); 0: none is left.
    unsigned next_method(unsigned failed) const {
        const unsigned left = allowed() & ~failed;
        if (mode_ == SslMode::allow && (left & plaintext) != 0) return plaintext;
        if ((left & ssl) != 0) return ssl;
        return left & plaintext;
    }

    Next end(std::string how) {
        end_ = std::move(how);
        return Next::end;
    }
    Next reached(std::size_t at, unsigned method) {
        return end(std::string("reached ") + ips[at] + ":5432" + (method == ssl ? " tls" : ""));
    }

    Next try_address(std::size_t at, bool last_host) {
        const Server server = world_[at];
        unsigned failed = 0;
        unsigned method = next_method(failed);
        for (;;) {
            if (server == Server::refuses || server == Server::black_hole) return Next::address;
            if (server == Server::closes) return end("failed");
            if (server == Server::silent) return Next::address; // after connect_timeout
            if (method == ssl) {
                if (server == Server::not_postgres) return end("failed");
                if (server == Server::without_tls) {
                    failed |= ssl;
                    method = next_method(failed);
                    if (method == 0) return end("failed"); // otherwise on this connection
                } else if (server == Server::broken_tls) {
                    failed |= ssl;
                    method = next_method(failed);
                    if (method == 0) return end("failed");
                    continue;
                }
            }
            if (server == Server::starting) {
                if (last_host) return reached(at, method); // the client sees the error
                return Next::host;
            }
            if (server == Server::not_postgres) return reached(at, method); // the client decides
            const bool error = server == Server::refuses_logins ||
                               (server == Server::wants_tls && method == plaintext) ||
                               (server == Server::wants_no_tls && method == ssl);
            if (!error) return reached(at, method);
            failed |= method;
            const unsigned following = next_method(failed);
            if (following == 0) return reached(at, method); // the client sees the error
            method = following;
        }
    }

    const SslMode mode_;
    const World& world_;
    std::string end_;
};

// --- the machine in the same world ---------------------------------------------------------------

class Driver {
  public:
    Driver(SslMode mode, const World& world) : world_(world), reach_(plan_for(mode)) {}

    std::string connect() {
        upstream::Step step = reach_.resume(now_, upstream::Begin{});
        for (int steps = 0; steps < 200; ++steps) {
            if (std::holds_alternative<upstream::Reached>(step.action))
                return describe(step.action);
            if (std::holds_alternative<upstream::GiveUp>(step.action)) return "failed";
            const upstream::Result result =
                std::visit([&](auto& a) { return perform(a); }, step.action);
            if (std::holds_alternative<upstream::TimedOut>(result)) {
                REQUIRE(step.until != Clock::time_point::max());
                now_ = step.until;
            }
            step = reach_.resume(now_, result);
        }
        return "no end";
    }

  private:
    static Plan plan_for(SslMode mode) {
        Plan plan;
        plan.hosts = {{"a", 5432, false, {address(ips[0]), address(ips[1])}},
                      {"b", 5432, false, {address(ips[2]), address(ips[3])}}};
        plan.sslmode = mode;
        plan.opening = startup_packet();
        plan.connect_timeout = 3s;
        return plan;
    }

    Server server() const { return world_[at_]; }

    upstream::Result perform(const upstream::Connect& connect) {
        for (std::size_t i = 0; i < ips.size(); ++i)
            if (lookups::to_text(connect.address) == lookups::to_text(address(ips[i]))) at_ = i;
        tls_ = false;
        if (server() == Server::refuses) return upstream::NotConnected{ECONNREFUSED};
        if (server() == Server::black_hole) return upstream::TimedOut{};
        return upstream::Connected{};
    }
    upstream::Result perform(const upstream::WriteBytes&) { return upstream::Written{}; }
    upstream::Result perform(const upstream::ReadExactly&) {
        if (server() == Server::closes) return upstream::EndOfStream{};
        if (server() == Server::silent) return upstream::TimedOut{};
        byte_ = {'S'};
        if (server() == Server::without_tls) byte_ = {'N'};
        if (server() == Server::not_postgres) byte_ = {'x'};
        return upstream::BytesRead{byte_};
    }
    upstream::Result perform(const upstream::LookForEarlyBytes&) {
        return upstream::EarlyBytes{false};
    }
    upstream::Result perform(const upstream::StartTls&) {
        if (server() == Server::broken_tls) return upstream::TlsFailed{"no"};
        tls_ = true;
        return upstream::TlsStarted{true};
    }
    upstream::Result perform(const upstream::SendOpening&) { return upstream::Written{}; }
    upstream::Result perform(const upstream::ReadAnswer&) {
        switch (server()) {
        case Server::closes: return upstream::EndOfStream{};
        case Server::silent: return upstream::TimedOut{};
        case Server::starting: byte_ = error_answer("57P03"); break;
        case Server::wants_tls: byte_ = tls_ ? authentication_ok() : error_answer("28000"); break;
        case Server::wants_no_tls:
            byte_ = tls_ ? error_answer("28000") : authentication_ok();
            break;
        case Server::refuses_logins: byte_ = error_answer("28P01"); break;
        case Server::not_postgres: byte_ = {'x'}; break;
        default: byte_ = authentication_ok();
        }
        return upstream::Received{byte_};
    }
    template <typename Other>
    upstream::Result perform(const Other&) {
        FAIL("not to be asked for");
        return upstream::Broken{};
    }

    const World& world_;
    Clock::time_point now_{1h};
    std::size_t at_ = 0;
    bool tls_ = false;
    Bytes byte_;
    Reach reach_;
};

} // namespace

TEST_CASE("in every world of two hosts with two addresses the machine ends where libpq does") {
    for (const SslMode mode : all_modes)
        for (const Server a : all_servers)
            for (const Server b : all_servers)
                for (const Server c : all_servers)
                    for (const Server d : all_servers) {
                        const World world{a, b, c, d};
                        const std::string libpq = Libpq(mode, world).connect();
                        const std::string ours = Driver(mode, world).connect();
                        if (libpq == ours) continue;
                        CAPTURE(static_cast<int>(mode),
                                static_cast<int>(a),
                                static_cast<int>(b),
                                static_cast<int>(c),
                                static_cast<int>(d));
                        REQUIRE(ours == libpq);
                    }
    SUCCEED();
}

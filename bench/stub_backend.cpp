// A stand-in for PostgreSQL that costs next to nothing: tens of thousands of connections, the same
// answer to every query. With a certificate it also accepts TLS, for passthrough runs.
// Two threads: one accepts, does handshakes and logins, and hands each session to the other, which
// answers queries. PostgreSQL has a process for each connection; with one thread for all, a storm
// of handshakes would delay the queries of steady sessions here rather than in the proxy.
// Any trouble of its own ends it: a measurement with a broken backend is worth nothing.

#include "bench/poller.h"
#include "bench/stub_session.h"

#include <CLI/CLI.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <vector>

namespace pgmoat::bench {
namespace {

constexpr int backlog = 4096;

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

int listen_on(const std::string& address, std::uint16_t port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &name.sin_addr);
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
        ::listen(descriptor, backlog) != 0) {
        fail("listen");
    }
    return descriptor;
}

// Serves sessions until they close; where `next` is given, only until they have logged in.
class SessionLoop {
  public:
    explicit SessionLoop(SessionLoop* next) : next_(next), wakeup_(::eventfd(0, EFD_NONBLOCK)) {
        if (wakeup_ < 0) {
            fail("eventfd");
        }
        poller_.add(wakeup_, this);
    }

    void accept_from(int listener, ssl_ctx_st* context) {
        listener_ = listener;
        context_ = context;
        poller_.add(listener_, nullptr);
    }

    // From another thread.
    void take_over(std::unique_ptr<StubSession> session) {
        const std::lock_guard lock(mutex_);
        arrivals_.push_back(std::move(session));
        (void)::eventfd_write(wakeup_, 1);
    }

    [[noreturn]] void run() {
        for (;;) {
            const auto timeout = std::chrono::milliseconds(again_.empty() ? 1000 : 0);
            for (const epoll_event& event : poller_.wait(timeout)) {
                if (event.data.ptr == nullptr) {
                    accept_all();
                } else if (event.data.ptr == this) {
                    add_arrivals();
                } else {
                    advance(static_cast<StubSession*>(event.data.ptr),
                            Poller::peer_closed(event.events));
                }
            }
            take_second_turns();
        }
    }

  private:
    void accept_all() {
        for (;;) {
            const int descriptor =
                ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (descriptor < 0) {
                if (errno == EAGAIN) {
                    return;
                }
                if (errno == ECONNABORTED) {
                    continue;
                }
                fail("accept");
            }
            const int on = 1;
            ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            add(std::make_unique<StubSession>(descriptor, context_));
        }
    }

    void add_arrivals() {
        eventfd_t count = 0;
        (void)::eventfd_read(wakeup_, &count);
        std::vector<std::unique_ptr<StubSession>> arrivals;
        {
            const std::lock_guard lock(mutex_);
            arrivals.swap(arrivals_);
        }
        for (std::unique_ptr<StubSession>& session : arrivals) {
            add(std::move(session));
        }
    }

    // The set reports what has arrived before, too.
    void add(std::unique_ptr<StubSession> session) {
        StubSession* key = session.get();
        sessions_.emplace(key, std::move(session));
        poller_.add(key->descriptor(), key);
    }

    void advance(StubSession* session, bool peer_closed) {
        const StubSession::Turn turn = session->advance(peer_closed);
        if (turn == StubSession::Turn::closed) {
            std::erase(again_, session);
            sessions_.erase(session);
        } else if (next_ != nullptr && session->logged_in()) {
            hand_over(session);
        } else if (turn == StubSession::Turn::wants_another &&
                   // An edge may come between two turns: once in the list is enough.
                   std::find(again_.begin(), again_.end(), session) == again_.end()) {
            again_.push_back(session);
        }
    }

    void hand_over(StubSession* session) {
        std::erase(again_, session);
        poller_.remove(session->descriptor());
        next_->take_over(std::move(sessions_.extract(session).mapped()));
    }

    void take_second_turns() {
        std::vector<StubSession*> turns;
        turns.swap(again_);
        for (StubSession* session : turns) {
            advance(session, false);
        }
    }

    SessionLoop* next_;
    int wakeup_;
    int listener_ = -1;
    ssl_ctx_st* context_ = nullptr;
    Poller poller_;
    std::unordered_map<StubSession*, std::unique_ptr<StubSession>> sessions_;
    std::vector<StubSession*> again_; // stopped for fairness, not for a full socket
    std::mutex mutex_;                // of arrivals_
    std::vector<std::unique_ptr<StubSession>> arrivals_;
};

} // namespace
} // namespace pgmoat::bench

int main(int argc, char** argv) {
    using namespace pgmoat::bench;
    std::string address = "127.0.0.1";
    std::uint16_t port = 5432;
    std::string cert;
    std::string key;
    CLI::App app("A PostgreSQL stand-in for measurements");
    app.add_option("--address", address, "IPv4 address to listen on")->capture_default_str();
    app.add_option("--port", port, "TCP port")->capture_default_str();
    CLI::Option* cert_option = app.add_option("--cert", cert, "certificate: accept TLS too");
    app.add_option("--key", key, "its private key")->needs(cert_option);
    CLI11_PARSE(app, argc, argv);
    try {
        std::signal(SIGPIPE, SIG_IGN);
        TlsContext context = cert.empty() ? nullptr : make_server_context(cert, key);
        SessionLoop serving(nullptr);
        SessionLoop arriving(&serving);
        arriving.accept_from(listen_on(address, port), context.get());
        std::puts("listening");
        std::fflush(stdout);
        std::thread([&serving] { serving.run(); }).detach();
        arriving.run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_stub_backend: %s\n", error.what());
        return 1;
    }
}

// Many clients on one thread and one epoll. Modes of load are short loops over it.
#pragma once

#include "bench/client.h"
#include "bench/poller.h"
#include "bench/target.h"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

namespace pgmoat::bench {

class Swarm {
  public:
    // `account` must outlive the swarm.
    Swarm(const Target& target,
          bool tls,
          const Account& account,
          Client::Goal goal = Client::Goal::login);
    ~Swarm();

    // Opens connections until `count` are logged in, few at a time. Throws std::runtime_error
    // with the first failure, or if it takes longer than two minutes.
    void grow_to(std::size_t count);

    // Starts one more connection.
    void open();
    void close(Client& client);

    // Waits briefly and calls on_ready(client) for each client that is ready.
    // A failed client is counted and stays, silent.
    template <typename OnReady>
    void poll(OnReady&& on_ready);
    // Calls visit(client) for all.
    template <typename Visit>
    void for_each(Visit&& visit);

    [[nodiscard]] std::size_t size() const noexcept { return clients_.size(); }
    [[nodiscard]] std::uint64_t errors() const noexcept { return errors_; }
    [[nodiscard]] const std::string& first_error() const noexcept { return first_error_; }
    // TLS version, cipher and group of the connection that was ready first.
    [[nodiscard]] const std::string& tls_description() const noexcept { return tls_description_; }

    // A client that could not send has failed outside poll(): same accounting.
    void note_failure(Client& client);

  private:
    void note_ready(const Client& client);

    Target target_;
    TlsContext context_; // null: plaintext
    const Account& account_;
    Client::Goal goal_;
    Poller poller_;
    std::unordered_map<Client*, std::unique_ptr<Client>> clients_;
    std::size_t opened_ = 0;
    std::uint64_t errors_ = 0;
    std::string first_error_;
    std::string tls_description_;
};

inline constexpr std::chrono::milliseconds poll_timeout{20};

template <typename OnReady>
void Swarm::poll(OnReady&& on_ready) {
    for (const epoll_event& event : poller_.wait(poll_timeout)) {
        Client& client = *static_cast<Client*>(event.data.ptr);
        const Client::Progress progress = client.advance(Poller::peer_closed(event.events));
        if (progress == Client::Progress::failed) {
            note_failure(client);
        } else if (progress == Client::Progress::ready) {
            note_ready(client);
            on_ready(client);
        }
    }
}

template <typename Visit>
void Swarm::for_each(Visit&& visit) {
    for (const auto& [client, owner] : clients_) {
        visit(*client);
    }
}

} // namespace pgmoat::bench

#include "bench/swarm.h"

#include <chrono>
#include <stdexcept>

namespace pgmoat::bench {
namespace {

// Handshakes in flight while growing: enough to keep a proxy busy, below any listen backlog.
constexpr std::size_t logins_at_once = 32;
constexpr std::chrono::seconds grow_time_max{120};

} // namespace

Swarm::Swarm(const Target& target, bool tls, const Account& account, Client::Goal goal)
    : target_(target), context_(tls ? make_client_context() : nullptr), account_(account),
      goal_(goal) {}

Swarm::~Swarm() = default;

void Swarm::open() {
    auto client = std::make_unique<Client>(target_, context_.get(), goal_, opened_++, account_);
    Client* key = client.get();
    clients_.emplace(key, std::move(client));
    poller_.add(key->descriptor(), key);
}

void Swarm::close(Client& client) {
    client.say_goodbye();
    clients_.erase(&client);
}

void Swarm::grow_to(std::size_t count) {
    const auto give_up = Clock::now() + grow_time_max;
    std::size_t ready = clients_.size();
    while (ready < count) {
        while (clients_.size() < count && clients_.size() < ready + logins_at_once) {
            open();
        }
        poll([&](Client&) { ++ready; });
        if (errors_ > 0) {
            throw std::runtime_error("login failed: " + first_error_);
        }
        if (Clock::now() > give_up) {
            throw std::runtime_error("only " + std::to_string(ready) + " of " +
                                     std::to_string(count) + " logins within two minutes");
        }
    }
}

void Swarm::note_failure(Client& client) {
    ++errors_;
    if (first_error_.empty()) {
        first_error_ = client.failure();
    }
}

void Swarm::note_ready(const Client& client) {
    if (tls_description_.empty()) {
        tls_description_ = client.tls_description();
    }
}

} // namespace pgmoat::bench

#include "proxy/access/address_gate.h"

#include <random>
#include <utility>

namespace pgmoat::access {
namespace {

using metrics::Limit;

SipKey random_key() {
    std::random_device random;
    const auto word = [&random] { return std::uint64_t{random()} << 32 | random(); };
    return {word(), word()};
}

} // namespace

AddressGate::AddressGate(const config::Config& config, metrics::Counters& counters)
    : counters_(counters),
      table_(static_cast<std::size_t>(config.address_table_size), random_key()) {
    use(config);
}

void AddressGate::use(const config::Config& config) {
    table_.set_limits(config.address_limits);
    handshakes_max_.store(static_cast<std::size_t>(config.max_handshakes),
                          std::memory_order_relaxed);
}

void AddressGate::count(Limit limit) {
    counters_.block_of_this_thread().rate_limited(limit);
}

std::optional<AddressTable::Place> AddressGate::connect(const hba::NetAddress& address) {
    auto place = table_.connect(address, Clock::now());
    if (!place) count(Limit::connections_per_address);
    return place;
}

// First the limit for all clients: it needs no look-up, and an address is not charged for a
// handshake that it did not get.
std::unique_ptr<AddressGate::Handshake>
AddressGate::begin_handshake(const hba::NetAddress& address) {
    const std::size_t max = handshakes_max_.load(std::memory_order_relaxed);
    const std::size_t before = handshakes_.fetch_add(1, std::memory_order_relaxed);
    auto handshake = std::make_unique<Handshake>(handshakes_);
    if (max > 0 && before >= max) {
        count(Limit::handshakes);
        return nullptr;
    }
    if (table_.begin_handshake(address, Clock::now())) return handshake;
    count(Limit::handshakes_per_address);
    return nullptr;
}

AddressTable::LoginTurn AddressGate::begin_login(const hba::NetAddress& address) {
    using Verdict = AddressTable::LoginTurn::Verdict;
    const auto turn = table_.begin_login(address, Clock::now());
    if (turn.verdict == Verdict::too_many_logins) count(Limit::logins_per_address);
    if (turn.verdict == Verdict::too_many_failures || turn.wait.count() > 0)
        count(Limit::failed_logins_per_address);
    return turn;
}

void AddressGate::refused_connection(const hba::NetAddress& address) {
    count(Limit::connections_per_address);
    table_.refused_connection(address, Clock::now());
}

void AddressGate::login_failed(const hba::NetAddress& address) {
    table_.login_failed(address, Clock::now());
}

} // namespace pgmoat::access

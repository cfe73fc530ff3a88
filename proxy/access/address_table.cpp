// Two candidate sets for each address, so that neither an unlucky hash nor a peer who wants one
// makes a set overflow while the table has room.
#include "proxy/access/address_table.h"

#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>

namespace pgmoat::access {
namespace {

std::size_t whole_sets(std::size_t entries) {
    const std::size_t bounded = std::clamp(entries, address_table_min, address_table_max);
    return (bounded + address_set_ways - 1) / address_set_ways * address_set_ways;
}

// Clears the bits behind the first `prefix`.
template <typename Bytes>
void mask(Bytes bytes, int prefix) noexcept {
    for (std::uint8_t& byte : bytes) {
        const int kept = std::clamp(prefix, 0, 8);
        byte &= static_cast<std::uint8_t>(0xff00 >> kept);
        prefix -= 8;
    }
}

} // namespace

AddressTable::AddressTable(std::size_t entries, const SipKey& key)
    : key_(key), entries_(whole_sets(entries)) {}

void AddressTable::set_limits(AddressLimits limits) {
    const std::lock_guard lock(mutex_);
    const bool others =
        limits.ipv4_prefix != limits_.ipv4_prefix || limits.ipv6_prefix != limits_.ipv6_prefix;
    limits_ = std::move(limits);
    // Live connections keep the place that they will leave; it only cannot be found any more.
    if (others)
        for (Entry& entry : entries_)
            entry.key = {}, entry.handshakes = {}, entry.logins = {}, entry.failures = {},
            entry.next_turn = {};
}

// Unix sockets have no address, and need no limit: who may use one is a matter of the file system.
std::optional<AddressTable::Key>
AddressTable::key_of(const hba::NetAddress& address) const noexcept {
    if (address.family == hba::Family::local) return {};
    const bool ipv4 = address.family == hba::Family::ipv4;
    const auto bytes = std::span{address.bytes}.first(ipv4 ? 4 : 16);
    for (const config::Network& network : limits_.exempt)
        if (network.contains(bytes)) return {};
    Key key{};
    key[0] = ipv4 ? 4 : 6;
    std::copy(bytes.begin(), bytes.end(), key.begin() + 1);
    mask(std::span{key}.subspan(1), ipv4 ? limits_.ipv4_prefix : limits_.ipv6_prefix);
    return key;
}

auto AddressTable::places_of(const Key& key) const noexcept
    -> std::array<std::size_t, 2 * address_set_ways> {
    const std::uint64_t hash = siphash(key_, key);
    const std::size_t sets = entries_.size() / address_set_ways;
    const std::array<std::size_t, 2> chosen{(hash & 0xffff'ffff) % sets, (hash >> 32) % sets};
    std::array<std::size_t, 2 * address_set_ways> places{};
    for (std::size_t i = 0; i < places.size(); ++i)
        places[i] = chosen[i / address_set_ways] * address_set_ways + i % address_set_ways;
    return places;
}

bool AddressTable::is_connected(const Entry& entry) noexcept {
    return entry.connections + entry.over > 0;
}

bool AddressTable::says_nothing(const Entry& entry, Clock::time_point now) const noexcept {
    return !is_connected(entry) && entry.handshakes.is_full(now) && entry.logins.is_full(now) &&
           entry.failures.is_full(now) && entry.next_turn <= now;
}

AddressTable::Entry* AddressTable::find(const Key& key, Clock::time_point now) noexcept {
    for (const std::size_t place : places_of(key)) {
        Entry& entry = entries_[place];
        if (entry.key != key) continue;
        entry.seen = now;
        return &entry;
    }
    return nullptr;
}

// The place of whichever address is the least loss. Nothing: all have live connections.
AddressTable::Entry* AddressTable::find_or_make(const Key& key, Clock::time_point now) noexcept {
    if (Entry* found = find(key, now)) return found;
    const auto places = places_of(key);
    std::array<std::size_t, 2> live{}; // in each of the two sets: the emptier one is filled first
    for (std::size_t i = 0; i < places.size(); ++i)
        if (is_connected(entries_[places[i]])) ++live[i / address_set_ways];

    Entry* least = nullptr;
    using Loss = std::tuple<bool, bool, std::size_t, Clock::time_point>;
    Loss least_loss;
    for (std::size_t i = 0; i < places.size(); ++i) {
        Entry& entry = entries_[places[i]];
        if (is_connected(entry)) continue;
        const bool free = says_nothing(entry, now);
        const Loss loss{
            !free, !entry.failures.is_full(now), free ? live[i / address_set_ways] : 0, entry.seen};
        if (least != nullptr && loss >= least_loss) continue;
        least = &entry;
        least_loss = loss;
    }
    if (least == nullptr) return nullptr;
    if (!says_nothing(*least, now)) ++evicted_;
    *least = Entry{};
    least->key = key;
    least->seen = now;
    return least;
}

std::optional<AddressTable::Place> AddressTable::connect(const hba::NetAddress& address,
                                                         Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    const auto key = key_of(address);
    if (!key) return Place{};
    Entry* entry = find_or_make(*key, now);
    if (entry == nullptr) {
        ++uncounted_;
        return Place{};
    }
    const bool over = limits_.connections > 0 && entry->connections >= limits_.connections;
    if (over && entry->over >= limits_.connections) return std::nullopt;
    ++(over ? entry->over : entry->connections);
    return Place{*this, static_cast<std::size_t>(entry - entries_.data()), over};
}

bool AddressTable::begin_handshake(const hba::NetAddress& address, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (!limits_.handshakes.limits()) return true;
    const auto key = key_of(address);
    Entry* entry = key ? find_or_make(*key, now) : nullptr;
    return entry == nullptr || entry->handshakes.take(limits_.handshakes, now);
}

// Logins after failed ones go one after another, each `delay` after the one before it.
AddressTable::LoginTurn AddressTable::begin_login(const hba::NetAddress& address,
                                                  Clock::time_point now) {
    using Verdict = LoginTurn::Verdict;
    const std::lock_guard lock(mutex_);
    if (!limits_.logins.limits() && !limits_.failed_logins.limits()) return {};
    const auto key = key_of(address);
    Entry* entry = key ? find_or_make(*key, now) : nullptr;
    if (entry == nullptr) return {};
    if (!entry->logins.take(limits_.logins, now)) return {Verdict::too_many_logins, {}};
    if (!entry->failures.is_exceeded(limits_.failed_logins, now)) return {};

    const auto turn = std::max(entry->next_turn, now) + limits_.delay;
    if (turn - now > limits_.delay * waiting_logins_max) return {Verdict::too_many_failures, {}};
    entry->next_turn = turn;
    return {Verdict::go, turn - now};
}

void AddressTable::login_failed(const hba::NetAddress& address, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (!limits_.failed_logins.limits()) return;
    const auto key = key_of(address);
    if (Entry* entry = key ? find_or_make(*key, now) : nullptr)
        entry->failures.add(limits_.failed_logins, now);
}

void AddressTable::release(std::size_t index, bool over) noexcept {
    const std::lock_guard lock(mutex_);
    std::uint32_t& count = over ? entries_[index].over : entries_[index].connections;
    assert(count > 0);
    --count;
}

AddressTable::Usage AddressTable::usage(Clock::time_point now) const {
    const std::lock_guard lock(mutex_);
    const auto in_use = std::count_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return !says_nothing(entry, now);
    });
    return {entries_.size(), static_cast<std::size_t>(in_use), evicted_, uncounted_};
}

std::vector<AddressTable::Busy> AddressTable::busiest(std::size_t at_most,
                                                      Clock::time_point now) const {
    std::vector<Busy> busy;
    {
        const std::lock_guard lock(mutex_);
        for (const Entry& entry : entries_) {
            const bool delayed = entry.failures.is_exceeded(limits_.failed_logins, now);
            if (entry.key == Key{} || (entry.connections == 0 && !delayed)) continue;
            hba::NetAddress address{entry.key[0] == 4 ? hba::Family::ipv4 : hba::Family::ipv6, {}};
            std::copy(entry.key.begin() + 1, entry.key.end(), address.bytes.begin());
            busy.push_back({address, entry.connections, delayed});
        }
    }
    const auto shown = std::min(at_most, busy.size());
    std::partial_sort(busy.begin(),
                      busy.begin() + static_cast<std::ptrdiff_t>(shown),
                      busy.end(),
                      [](const Busy& left, const Busy& right) {
                          return std::tuple{left.delayed, left.connections, left.address.bytes} >
                                 std::tuple{right.delayed, right.connections, right.address.bytes};
                      });
    busy.resize(shown);
    return busy;
}

AddressTable::Place::Place(Place&& other) noexcept
    : table_(std::exchange(other.table_, nullptr)), index_(other.index_), over_(other.over_) {}

AddressTable::Place& AddressTable::Place::operator=(Place&& other) noexcept {
    std::swap(table_, other.table_);
    std::swap(index_, other.index_);
    std::swap(over_, other.over_);
    return *this;
}

AddressTable::Place::~Place() {
    if (table_ != nullptr) table_->release(index_, over_);
}

} // namespace pgmoat::access

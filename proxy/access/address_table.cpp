// Each address has two candidate sets, so that neither an unlucky hash nor a peer who tries to
// cause collisions makes a set overflow while the table has room.
#include "proxy/access/address_table.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

namespace pgmoat::access {
namespace {

std::size_t whole_sets(std::size_t entries) {
    const std::size_t bounded = std::clamp(entries, address_table_min, address_table_max);
    return (bounded + address_set_ways - 1) / address_set_ways * address_set_ways;
}

// Clears the bits after the first `prefix`.
template <typename Bytes>
void mask(Bytes bytes, int prefix) noexcept {
    for (std::uint8_t& byte : bytes) {
        const int kept = std::clamp(prefix, 0, 8);
        byte &= static_cast<std::uint8_t>(0xff00 >> kept);
        prefix -= 8;
    }
}

std::uint64_t total(const AddressTable::Counts& counts) {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

// `kept` is a heap of the `at_most` greatest, with the least of them in front.
void keep_greatest(std::vector<AddressTable::Known>& kept,
                   std::size_t at_most,
                   const AddressTable::Known& one,
                   const auto& greater) {
    if (kept.size() == at_most) {
        if (kept.empty() || !greater(one, kept.front())) return;
        std::pop_heap(kept.begin(), kept.end(), greater);
        kept.pop_back();
    }
    kept.push_back(one);
    std::push_heap(kept.begin(), kept.end(), greater);
}

} // namespace

AddressTable::AddressTable(std::size_t entries, const SipKey& key)
    : key_(key), entries_(whole_sets(entries)) {}

void AddressTable::set_limits(AddressLimits limits) {
    const std::lock_guard lock(mutex_);
    const bool others =
        limits.ipv4_prefix != limits_.ipv4_prefix || limits.ipv6_prefix != limits_.ipv6_prefix;
    limits_ = std::move(limits);
    // With other prefixes old entries cannot be found. Live connections keep theirs until they end.
    if (others)
        for (Entry& entry : entries_)
            entry.key = {}, entry.handshakes = {}, entry.logins = {}, entry.failures = {},
            entry.refused = {}, entry.next_turn = {};
}

// Unix sockets have no address, and need no limit: file permissions control who may use them.
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

// The entry of the address, or the entry that is least missed when it is replaced. Null: all have
// live connections.
AddressTable::Entry* AddressTable::find_or_make(const Key& key, Clock::time_point now) noexcept {
    if (Entry* found = find(key, now)) return found;
    const auto places = places_of(key);
    std::array<std::size_t, 2> live{}; // in each of the two sets: the emptier set is filled first
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
    if (over && entry->over >= limits_.connections) {
        count_refusal(*entry, AddressLimit::connections);
        return std::nullopt;
    }
    ++(over ? entry->over : entry->connections);
    return Place{*this, static_cast<std::size_t>(entry - entries_.data()), over};
}

bool AddressTable::begin_handshake(const hba::NetAddress& address, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (!limits_.handshakes.limits()) return true;
    const auto key = key_of(address);
    Entry* entry = key ? find_or_make(*key, now) : nullptr;
    if (entry == nullptr || entry->handshakes.take(limits_.handshakes, now)) return true;
    count_refusal(*entry, AddressLimit::handshakes);
    return false;
}

void AddressTable::refused_connection(const hba::NetAddress& address, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    const auto key = key_of(address);
    if (Entry* entry = key ? find(*key, now) : nullptr)
        count_refusal(*entry, AddressLimit::connections);
}

// After failed logins the next ones are let through one at a time, each `delay` after the one
// before.
AddressTable::LoginTurn AddressTable::begin_login(const hba::NetAddress& address,
                                                  Clock::time_point now) {
    using Verdict = LoginTurn::Verdict;
    const std::lock_guard lock(mutex_);
    if (!limits_.logins.limits() && !limits_.failed_logins.limits()) return {};
    const auto key = key_of(address);
    Entry* entry = key ? find_or_make(*key, now) : nullptr;
    if (entry == nullptr) return {};
    if (!entry->logins.take(limits_.logins, now)) {
        count_refusal(*entry, AddressLimit::logins);
        return {Verdict::too_many_logins, {}};
    }
    if (!entry->failures.is_exceeded(limits_.failed_logins, now)) return {};

    count_refusal(*entry, AddressLimit::failed_logins);
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

void AddressTable::count_refusal(Entry& entry, AddressLimit limit) noexcept {
    std::uint32_t& count = entry.refused[static_cast<std::size_t>(limit)];
    if (count < std::numeric_limits<std::uint32_t>::max()) ++count;
}

bool AddressTable::is_reached(const Entry& entry,
                              AddressLimit limit,
                              Clock::time_point now) const noexcept {
    switch (limit) {
    case AddressLimit::connections:
        return limits_.connections > 0 && entry.connections >= limits_.connections;
    case AddressLimit::handshakes: return entry.handshakes.is_empty(limits_.handshakes, now);
    case AddressLimit::logins: return entry.logins.is_empty(limits_.logins, now);
    case AddressLimit::failed_logins: return entry.failures.is_exceeded(limits_.failed_logins, now);
    }
    return false;
}

AddressTable::Known AddressTable::known(const Entry& entry, Clock::time_point now) const {
    const bool ipv4 = entry.key[0] == 4;
    Known known;
    known.address.family = ipv4 ? hba::Family::ipv4 : hba::Family::ipv6;
    std::copy(entry.key.begin() + 1, entry.key.end(), known.address.bytes.begin());
    known.prefix = ipv4 ? limits_.ipv4_prefix : limits_.ipv6_prefix;
    known.used = {entry.connections,
                  entry.handshakes.used(limits_.handshakes, now),
                  entry.logins.used(limits_.logins, now),
                  entry.failures.used(limits_.failed_logins, now)};
    known.refused = entry.refused;
    known.delayed = is_reached(entry, AddressLimit::failed_logins, now);
    if (entry.next_turn > now && limits_.delay.count() > 0)
        known.waiting = static_cast<std::uint32_t>(
            (entry.next_turn - now + limits_.delay - Clock::duration{1}) / limits_.delay);
    return known;
}

AddressTable::Survey AddressTable::survey(std::size_t at_most, Clock::time_point now) const {
    const auto busier = [](const Known& left, const Known& right) {
        const auto weight = [](const Known& one) {
            return std::tuple{one.delayed, total(one.refused), one.used[0], one.address.bytes};
        };
        return weight(left) > weight(right);
    };
    const auto more_refused = [](std::size_t limit) {
        return [limit](const Known& left, const Known& right) {
            return std::tuple{left.refused[limit], left.address.bytes} >
                   std::tuple{right.refused[limit], right.address.bytes};
        };
    };
    Survey survey;
    for (std::size_t begin = 0; begin < entries_.size(); begin += addresses_per_look) {
        const std::lock_guard lock(mutex_);
        const std::size_t end = std::min(begin + addresses_per_look, entries_.size());
        for (std::size_t index = begin; index < end; ++index) {
            const Entry& entry = entries_[index];
            if (!says_nothing(entry, now)) ++survey.usage.in_use;
            if (entry.key == Key{}) continue;
            const Known address = known(entry, now);
            for (std::size_t limit = 0; limit < address_limit_count; ++limit) {
                Survey::OfLimit& of_limit = survey.limits[limit];
                of_limit.most = std::max(of_limit.most, address.used[limit]);
                if (is_reached(entry, static_cast<AddressLimit>(limit), now)) ++of_limit.addresses;
                if (address.refused[limit] > 0)
                    keep_greatest(of_limit.most_refused, at_most, address, more_refused(limit));
            }
            if (address.delayed || address.used[0] > 0 || total(address.refused) > 0)
                keep_greatest(survey.busiest, at_most, address, busier);
        }
        survey.usage.entries = entries_.size();
        survey.usage.evicted = evicted_;
        survey.usage.uncounted = uncounted_;
    }
    for (std::size_t limit = 0; limit < address_limit_count; ++limit) {
        auto& refused = survey.limits[limit].most_refused;
        std::sort_heap(refused.begin(), refused.end(), more_refused(limit));
    }
    std::sort_heap(survey.busiest.begin(), survey.busiest.end(), busier);
    return survey;
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

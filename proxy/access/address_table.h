// The client addresses and what each is limited by: live connections, rates of TLS handshakes and
// logins, failed logins. The table never grows: it is allocated once, and a new address replaces
// the least recently seen one that has no live connection. For any thread; every operation holds
// the lock for well under a microsecond.
//
//   accept          | connect()          | a Place to hold until the connection ends, or none
//   TLS handshake   | begin_handshake()  | yes or no, before OpenSSL does any work
//   startup packet  | begin_login()      | at once, after a wait, or refused
//   the server says | login_failed()     | counts it; after some failures, logins of that address wait
#pragma once

#include "proxy/access/limits.h"
#include "proxy/access/siphash.h"
#include "proxy/access/token_bucket.h"
#include "proxy/config/address_limits.h"
#include "proxy/hba/net_address.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace pgmoat::access {

using config::AddressLimits;

enum class AddressLimit { connections, handshakes, logins, failed_logins };
inline constexpr std::size_t address_limit_count = 4;

class AddressTable {
  public:
    // At least `entries` entries, rounded up to whole sets. `key` must be random and secret.
    AddressTable(std::size_t entries, const SipKey& key);
    AddressTable(const AddressTable&) = delete;
    AddressTable& operator=(const AddressTable&) = delete;

    // At a reload. Counts stay, unless the prefixes change.
    void set_limits(AddressLimits limits);

    // Counts a connection as long as this lives, even if there is no limit, so that a limit set by
    // a reload applies to it too. Not counted: an exempt address, a Unix socket, or an address for
    // which there was no room.
    class Place {
      public:
        Place() = default;
        Place(Place&& other) noexcept;
        Place& operator=(Place&& other) noexcept;
        ~Place();
        [[nodiscard]] bool counts() const noexcept { return table_ != nullptr; }
        // Above the limit: it may stay until its client has got the error, and must not log in.
        [[nodiscard]] bool is_over() const noexcept { return over_; }

      private:
        friend class AddressTable;
        Place(AddressTable& table, std::size_t index, bool over) noexcept
            : table_(&table), index_(index), over_(over) {}
        AddressTable* table_ = nullptr;
        std::size_t index_ = 0;
        bool over_ = false;
    };

    // Nothing: the address has as many connections as it may have, and as many again that wait for
    // their error. This one is closed without an answer.
    [[nodiscard]] std::optional<Place> connect(const hba::NetAddress& address,
                                               Clock::time_point now);
    [[nodiscard]] bool begin_handshake(const hba::NetAddress& address, Clock::time_point now);

    struct LoginTurn {
        enum class Verdict { go, too_many_logins, too_many_failures };
        Verdict verdict = Verdict::go;
        std::chrono::nanoseconds wait{0}; // before it may continue
    };
    [[nodiscard]] LoginTurn begin_login(const hba::NetAddress& address, Clock::time_point now);
    void login_failed(const hba::NetAddress& address, Clock::time_point now);

    // A connection above the limit has got its error.
    void refused_connection(const hba::NetAddress& address, Clock::time_point now);

    struct Usage {
        std::size_t entries = 0;
        std::size_t in_use = 0;      // entries that contain anything about an address
        std::uint64_t evicted = 0;   // addresses forgotten early, to make room
        std::uint64_t uncounted = 0; // connections let in without counting, as no entry was free
    };
    using Counts = std::array<std::uint32_t, address_limit_count>;
    struct Known {
        hba::NetAddress address; // with the bits after the prefix cleared
        int prefix = 0;
        Counts used{};        // connections; tokens used of each rate
        Counts refused{};     // by each limit, or delayed, as long as the address is remembered
        bool delayed = false; // its logins wait because of failed ones
        std::uint32_t waiting = 0; // logins waiting now
    };
    struct Survey {
        struct OfLimit {
            std::uint32_t most = 0;          // by one address
            std::size_t addresses = 0;       // addresses at the limit
            std::vector<Known> most_refused; // by this limit
        };
        Usage usage;
        std::array<OfLimit, address_limit_count> limits;
        std::vector<Known>
            busiest; // delayed ones first, then the most refused, then by connections
    };
    // Visits all entries and releases the lock regularly, so that no login has to wait. Lists have
    // up to `at_most` addresses each.
    [[nodiscard]] Survey survey(std::size_t at_most, Clock::time_point now) const;
    [[nodiscard]] Usage usage(Clock::time_point now) const { return survey(0, now).usage; }

  private:
    // 16 bytes and the family: 17 bytes that are hashed and compared.
    using Key = std::array<std::uint8_t, 17>;

    struct Entry {
        Key key{}; // all zeroes: unused (the family of an address is not 0)
        std::uint32_t connections = 0;
        std::uint32_t over = 0; // above the limit, until they have got their error
        TokenBucket handshakes;
        TokenBucket logins;
        TokenBucket failures;
        Counts refused{};
        Clock::time_point next_turn{}; // of a waiting login
        Clock::time_point seen{};
    };

    [[nodiscard]] std::optional<Key> key_of(const hba::NetAddress& address) const noexcept;
    [[nodiscard]] std::array<std::size_t, 2 * address_set_ways>
    places_of(const Key& key) const noexcept;
    [[nodiscard]] Entry* find(const Key& key, Clock::time_point now) noexcept;
    [[nodiscard]] Entry* find_or_make(const Key& key, Clock::time_point now) noexcept;
    [[nodiscard]] static bool is_connected(const Entry& entry) noexcept;
    [[nodiscard]] bool says_nothing(const Entry& entry, Clock::time_point now) const noexcept;
    void release(std::size_t index, bool over) noexcept;
    static void count_refusal(Entry& entry, AddressLimit limit) noexcept;
    [[nodiscard]] Known known(const Entry& entry, Clock::time_point now) const;
    [[nodiscard]] bool
    is_reached(const Entry& entry, AddressLimit limit, Clock::time_point now) const noexcept;

    const SipKey key_;
    mutable std::mutex mutex_;
    AddressLimits limits_;
    std::vector<Entry> entries_;
    std::uint64_t evicted_ = 0;
    std::uint64_t uncounted_ = 0;
};

} // namespace pgmoat::access

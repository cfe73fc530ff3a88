// What is remembered of the addresses that clients come from, to limit each: live connections,
// rates of TLS handshakes and logins, failed logins. The table never grows: it is allocated once,
// and an address that is new takes the place of one that has no live connection and was not seen
// for longest. Safe for all threads; every operation takes the lock for well under a microsecond.
//
//   accept          | connect()          | a Place to hold until the connection ends, or none
//   TLS handshake   | begin_handshake()  | yes or no, before OpenSSL does any work
//   startup packet  | begin_login()      | at once, after a wait, or refused
//   the server says | login_failed()     | counts; after some of them logins of that address wait
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
    // At least `entries` of them, rounded up to whole sets. `key` is random, and secret.
    AddressTable(std::size_t entries, const SipKey& key);
    AddressTable(const AddressTable&) = delete;
    AddressTable& operator=(const AddressTable&) = delete;

    // At a reload. What has been counted stays, unless the prefixes are others.
    void set_limits(AddressLimits limits);

    // A connection, as long as this lives: counted also while nothing limits it, so that a limit which a
    // reload brings holds from then on. Not counted: exempt, a unix socket, or there was no room left for
    // its address.
    class Place {
      public:
        Place() = default;
        Place(Place&& other) noexcept;
        Place& operator=(Place&& other) noexcept;
        ~Place();
        [[nodiscard]] bool counts() const noexcept { return table_ != nullptr; }
        // Beyond the limit: it may stay until its client can be told so, and must not log in.
        [[nodiscard]] bool is_over() const noexcept { return over_; }

      private:
        friend class AddressTable;
        Place(AddressTable& table, std::size_t index, bool over) noexcept
            : table_(&table), index_(index), over_(over) {}
        AddressTable* table_ = nullptr;
        std::size_t index_ = 0;
        bool over_ = false;
    };

    // Nothing: the address has as many connections as it may have, and as many again that wait to be
    // told so. This one is not worth another word.
    [[nodiscard]] std::optional<Place> connect(const hba::NetAddress& address,
                                               Clock::time_point now);
    [[nodiscard]] bool begin_handshake(const hba::NetAddress& address, Clock::time_point now);

    struct LoginTurn {
        enum class Verdict { go, too_many_logins, too_many_failures };
        Verdict verdict = Verdict::go;
        std::chrono::nanoseconds wait{0}; // before it may go
    };
    [[nodiscard]] LoginTurn begin_login(const hba::NetAddress& address, Clock::time_point now);
    void login_failed(const hba::NetAddress& address, Clock::time_point now);

    // A connection beyond the limit has been told so.
    void refused_connection(const hba::NetAddress& address, Clock::time_point now);

    struct Usage {
        std::size_t entries = 0;
        std::size_t in_use = 0;      // that say anything about an address
        std::uint64_t evicted = 0;   // addresses forgotten before their time, to make room
        std::uint64_t uncounted = 0; // connections let in uncounted: no room even so
    };
    using Counts = std::array<std::uint32_t, address_limit_count>;
    struct Known {
        hba::NetAddress address; // with the bits after the prefix cleared
        int prefix = 0;
        Counts used{};             // connections; events of each rate that time has not paid for
        Counts refused{};          // by each limit, or delayed, since the address is remembered
        bool delayed = false;      // its logins wait, after failed ones
        std::uint32_t waiting = 0; // logins that do so now
    };
    struct Survey {
        struct OfLimit {
            std::uint32_t most = 0;          // used by one address
            std::size_t addresses = 0;       // that can have no more now
            std::vector<Known> most_refused; // by this limit
        };
        Usage usage;
        std::array<OfLimit, address_limit_count> limits;
        std::vector<Known>
            busiest; // delayed ones first, then the most refused, then by connections
    };
    // Looks at every entry, with the lock let go again and again: no login waits for it. Lists have
    // `at_most` addresses each.
    [[nodiscard]] Survey survey(std::size_t at_most, Clock::time_point now) const;
    [[nodiscard]] Usage usage(Clock::time_point now) const { return survey(0, now).usage; }

  private:
    // Addresses of 16 bytes and a family: 17 bytes that are hashed and compared.
    using Key = std::array<std::uint8_t, 17>;

    struct Entry {
        Key key{}; // all zeroes: never used (the family of an address is not 0)
        std::uint32_t connections = 0;
        std::uint32_t over = 0; // beyond the limit, until they have been told
        TokenBucket handshakes;
        TokenBucket logins;
        TokenBucket failures;
        Counts refused{};
        Clock::time_point next_turn{}; // of a login that has to wait
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

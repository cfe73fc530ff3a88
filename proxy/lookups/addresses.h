// The addresses of servers' host names, through the system's resolver (nsswitch.conf, /etc/hosts,
// DNS) as libpq asks it, on threads of its own: a silent name server delays only callers that
// wait for its names. Answers are kept; one that is older than that is asked for again, and used all the
// same when the answer does not come soon or the name server fails. For any thread.
#pragma once

#include "proxy/lookups/lookup_pool.h"
#include "proxy/lookups/socket_address.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace pgmoat::lookups {

struct HostAddresses {
    std::vector<SocketAddress> found; // without a port, in the resolver's order
    std::string error;                // libpq's words, when there are none
    bool temporary = false;           // the name server failed; the name may well exist
    bool stale = false;               // older than it should be: nothing newer could be had
};

// Blocks for as long as the resolver does.
[[nodiscard]] HostAddresses look_up_addresses(const std::string& name);

class AddressBook {
  public:
    using Clock = std::chrono::steady_clock;
    using LookUp = std::function<HostAddresses(const std::string&)>;
    using Deliver = std::function<void(const HostAddresses&)>;

    // How long an answer is good: settings, so that a reload changes them for what is kept too.
    struct Kept {
        Clock::duration found;
        Clock::duration not_found;
    };
    // The answer is under way. It is delivered on another thread, once, unless the subscription goes.
    struct Pending {
        Subscription subscription;
        std::optional<HostAddresses> stale; // to be used when the answer is not here...
        Clock::time_point use_stale_at;     // ... by then
    };
    using Asked = std::variant<HostAddresses, Pending>;

    explicit AddressBook(LookUp look_up = look_up_addresses);

    [[nodiscard]] Asked ask(const std::string& name, const Kept& kept, Deliver deliver);
    // As for a pool.
    bool close(std::chrono::milliseconds patience) { return pool_.close(patience); }

  private:
    using Names = LookupPool<std::string, HostAddresses>;

    struct Entry {
        HostAddresses last;               // what the resolver said
        Clock::time_point asked_at;       // when it said that
        std::vector<SocketAddress> found; // the last time that there were any
        Clock::time_point found_at;
        std::optional<Clock::time_point> under_way_since;
    };
    // Shared with workers that may outlive the book.
    struct Pages {
        std::mutex mutex;
        std::map<std::string, Entry> entries;

        HostAddresses note(const std::string& name, HostAddresses answer);
        Entry& entry(const std::string& name);
    };
    [[nodiscard]] static std::optional<HostAddresses> stale(const Entry& entry,
                                                            Clock::time_point now);

    std::shared_ptr<Pages> pages_ = std::make_shared<Pages>();
    Names pool_;
};

} // namespace pgmoat::lookups

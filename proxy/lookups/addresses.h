// The addresses of servers' host names, through the system's resolver (nsswitch.conf, /etc/hosts,
// DNS) as libpq does, on threads of its own: a silent name server delays only callers that wait for
// its names. Answers are cached; an expired one is looked up again, and still used if the new
// answer is late or the name server fails. For any thread.
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
    std::string error;                // libpq's text, if there are no addresses
    bool temporary = false;           // the name server failed; the name may exist
    bool stale = false;               // expired, but nothing newer could be had
};

// Blocks as long as the resolver does.
[[nodiscard]] HostAddresses look_up_addresses(const std::string& name);

class AddressBook {
  public:
    using Clock = std::chrono::steady_clock;
    using LookUp = std::function<HostAddresses(const std::string&)>;
    using Deliver = std::function<void(const HostAddresses&)>;

    // How long an answer is cached. Settings, so that a reload also changes it for cached answers.
    struct Kept {
        Clock::duration found;
        Clock::duration not_found;
    };
    // The lookup is in progress. The answer is delivered once, on another thread, unless the
    // subscription is destroyed first.
    struct Pending {
        Subscription subscription;
        std::optional<HostAddresses> stale; // to be used if the answer is not there...
        Clock::time_point use_stale_at;     // ... by this time
    };
    using Asked = std::variant<HostAddresses, Pending>;

    explicit AddressBook(LookUp look_up = look_up_addresses);

    [[nodiscard]] Asked ask(const std::string& name, const Kept& kept, Deliver deliver);
    // As LookupPool::close().
    bool close(std::chrono::milliseconds patience) { return pool_.close(patience); }

  private:
    using Names = LookupPool<std::string, HostAddresses>;

    struct Entry {
        HostAddresses last;               // the resolver's latest answer
        Clock::time_point asked_at;       // when that came
        std::vector<SocketAddress> found; // from the latest answer that had any
        Clock::time_point found_at;
        std::optional<Clock::time_point> under_way_since;
    };
    // Shared with workers, which may outlive the book.
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

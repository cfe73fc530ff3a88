#include "proxy/lookups/addresses.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace pgmoat::lookups {

HostAddresses look_up_addresses(const std::string& name) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    HostAddresses answer;
    if (const int code = ::getaddrinfo(name.c_str(), nullptr, &hints, &found); code != 0) {
        const std::string why =
            code == EAI_SYSTEM ? std::generic_category().message(errno) : ::gai_strerror(code);
        answer.error = "could not translate host name \"" + name + "\" to address: " + why;
        answer.temporary = code != EAI_NONAME && code != EAI_NODATA;
        return answer;
    }
    for (const addrinfo* entry = found; entry; entry = entry->ai_next) {
        SocketAddress address;
        address.size = entry->ai_addrlen;
        std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
        answer.found.push_back(address);
    }
    ::freeaddrinfo(found);
    return answer;
}

AddressBook::AddressBook(LookUp look_up)
    : pool_({address_workers, addresses_waiting_max, 1},
            {[pages = pages_, look_up = std::move(look_up)] {
                 return [pages, look_up](const std::string& name, const std::stop_token&) {
                     return pages->note(name, look_up(name));
                 };
             },
             [](const HostAddresses&) { return Clock::duration::zero(); }, // the cache is in Pages
             HostAddresses{{}, "too many host names are being looked up", true, false}}) {}

AddressBook::Asked AddressBook::ask(const std::string& name, const Kept& kept, Deliver deliver) {
    const auto now = Clock::now();
    std::optional<HostAddresses> older;
    Clock::time_point since = now;
    {
        const std::lock_guard lock(pages_->mutex);
        Entry& entry = pages_->entry(name);
        const bool known = !entry.last.found.empty() || !entry.last.error.empty();
        older = stale(entry, now);
        if (known &&
            now - entry.asked_at < (entry.last.error.empty() ? kept.found : kept.not_found))
            return entry.last.temporary && older ? *older : entry.last;
        if (!entry.under_way_since) entry.under_way_since = now;
        since = *entry.under_way_since;
    }
    auto asked = pool_.ask(name, std::move(deliver));
    if (auto* subscription = std::get_if<Subscription>(&asked))
        return Pending{std::move(*subscription), std::move(older), since + stale_after};
    auto& answer = std::get<HostAddresses>(asked); // the queue is full
    {
        const std::lock_guard lock(pages_->mutex);
        pages_->entry(name).under_way_since.reset();
    }
    return answer.found.empty() && answer.temporary && older ? *older : std::move(answer);
}

// A name that no longer exists has no stale answer; one that cannot be resolved at the moment has.
std::optional<HostAddresses> AddressBook::stale(const Entry& entry, Clock::time_point now) {
    if (entry.found.empty() || now - entry.found_at > stale_kept) return std::nullopt;
    return HostAddresses{entry.found, {}, false, true};
}

HostAddresses AddressBook::Pages::note(const std::string& name, HostAddresses answer) {
    const auto now = Clock::now();
    const std::lock_guard lock(mutex);
    Entry& entry = this->entry(name);
    entry.last = answer;
    entry.asked_at = now;
    entry.under_way_since.reset();
    if (!answer.found.empty()) {
        entry.found = answer.found;
        entry.found_at = now;
    } else if (!answer.temporary) {
        entry.found.clear();
    }
    if (answer.temporary)
        if (auto older = stale(entry, now)) return *older;
    return answer;
}

// With the lock held. Names come from configurations: the oldest entries are those of earlier ones.
AddressBook::Entry& AddressBook::Pages::entry(const std::string& name) {
    const auto known = entries.find(name);
    if (known != entries.end()) return known->second;
    if (entries.size() >= addresses_cached_max)
        entries.erase(std::ranges::min_element(entries, {}, [](const auto& each) {
            return each.second.under_way_since ? Clock::time_point::max() : each.second.asked_at;
        }));
    return entries[name];
}

} // namespace pgmoat::lookups

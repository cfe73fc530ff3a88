#include "proxy/telemetry/shared_facts_pool.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace pgmoat::telemetry {

namespace {

// Of the facts in which sessions differ.
std::size_t hash_of(const SharedFacts& facts) noexcept {
    std::size_t hash = 0;
    for (const std::string* text : {&facts.client_address,
                                    &facts.user,
                                    &facts.database,
                                    &facts.application_name,
                                    &facts.client_tls.server_name,
                                    &facts.rule,
                                    &facts.server_address})
        hash = hash * 31 + std::hash<std::string>()(*text);
    for (const void* object : {static_cast<const void*>(facts.proxied.get()),
                               static_cast<const void*>(facts.client_certificate.get())})
        hash = hash * 31 + std::hash<const void*>()(object);
    return hash;
}

} // namespace

std::shared_ptr<const SharedFacts> SharedFactsPool::share(SharedFacts facts) {
    const std::size_t hash = hash_of(facts);
    if (auto known = find(hash, facts)) return known;
    // Another thread may have added an equal value since: both stay, and nothing is wrong.
    std::shared_ptr<const SharedFacts> value(
        new SharedFacts(std::move(facts)),
        [pool = shared_from_this(), hash](const SharedFacts* address) {
            pool->forget(hash, address);
            delete address;
        });
    const std::lock_guard lock(mutex_);
    entries_.emplace(hash, Entry{value.get(), value});
    return value;
}

std::size_t SharedFactsPool::size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

// Compares without the lock: a candidate that lost its last session meanwhile is freed by this
// thread, which takes the lock again.
std::shared_ptr<const SharedFacts> SharedFactsPool::find(std::size_t hash,
                                                         const SharedFacts& facts) const {
    std::vector<std::shared_ptr<const SharedFacts>> candidates;
    {
        const std::lock_guard lock(mutex_);
        const auto [begin, end] = entries_.equal_range(hash);
        for (auto at = begin; at != end; ++at)
            candidates.push_back(at->second.value.lock());
    }
    for (auto& candidate : candidates)
        if (candidate && *candidate == facts) return std::move(candidate);
    return nullptr;
}

void SharedFactsPool::forget(std::size_t hash, const SharedFacts* address) noexcept {
    const std::lock_guard lock(mutex_);
    auto [at, end] = entries_.equal_range(hash);
    while (at != end && at->second.address != address)
        ++at;
    if (at != end) entries_.erase(at);
}

} // namespace pgmoat::telemetry

// One value for all live sessions that have the same facts: ten thousand clients of an application
// differ in little but their ports, and the facts are the largest thing that an idle session holds.
// A value lives as long as a session or a snapshot refers to it. Any thread.
#pragma once

#include "proxy/telemetry/session_facts.h"

#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace pgmoat::telemetry {

class SharedFactsPool : public std::enable_shared_from_this<SharedFactsPool> {
  public:
    // The value that equals `facts`: one that is in use, if there is one.
    [[nodiscard]] std::shared_ptr<const SharedFacts> share(SharedFacts facts);
    // Different ones in use.
    [[nodiscard]] std::size_t size() const;

  private:
    struct Entry {
        const SharedFacts* address; // known when `value` has expired
        std::weak_ptr<const SharedFacts> value;
    };
    [[nodiscard]] std::shared_ptr<const SharedFacts> find(std::size_t hash,
                                                          const SharedFacts& facts) const;
    void forget(std::size_t hash, const SharedFacts* address) noexcept;

    mutable std::mutex mutex_;
    std::unordered_multimap<std::size_t, Entry> entries_; // by hash
};

} // namespace pgmoat::telemetry

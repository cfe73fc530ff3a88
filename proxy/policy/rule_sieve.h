// Passes over the rules that cannot match, at about a nanosecond each, so that thousands of rules
// cost microseconds. It may stop at a rule that does not match, never pass over one that does: the
// evaluation looks at what is left. Built once for a set of rules and never changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pgmoat::policy {

struct Candidate;
struct Rule;

// A connection as the sieve sees it.
struct SieveKey {
    std::uint64_t marks = 0;   // each must be among the marks of a rule
    std::uint64_t address = 0; // its first 64 bits; of IPv4 its 32
};
[[nodiscard]] SieveKey sieve_key(const Candidate& candidate);

class RuleSieve {
  public:
    explicit RuleSieve(const std::vector<Rule>& rules);

    // The first rule from `place` on that may match; behind the last one when there is none.
    [[nodiscard]] std::size_t next(std::size_t place, const SieveKey& key) const noexcept;

  private:
    struct Entry {
        std::uint64_t marks;
        std::uint64_t base;
        std::uint64_t mask;
    };
    std::vector<Entry> entries_;
};

} // namespace pgmoat::policy

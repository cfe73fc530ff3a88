// Skips rules that cannot match, at about a nanosecond each, so that thousands of rules cost
// microseconds. It may return a rule that does not match, but never skips one that does; the
// evaluation checks those returned. Built once for a set of rules and never changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace pgmoat::hba {

struct Candidate;
struct Rule;

class RuleIndex {
  public:
    using Positions = std::vector<std::uint32_t>; // of rules, ascending

    // A connection in the index's terms; valid for this index only.
    struct Key {
        std::uint64_t marks = 0;            // a rule must have all of these
        std::uint64_t address = 0;          // its first 64 bits; of IPv4 its 32
        const Positions* by_user = nullptr; // rules that name the user; nullptr: none does
    };

    explicit RuleIndex(const std::vector<Rule>& rules);

    [[nodiscard]] Key key(const Candidate& candidate) const;

    // The first rule from `position` on that may match; the number of rules if there is none.
    [[nodiscard]] std::size_t next(std::size_t position, const Key& key) const noexcept;

  private:
    struct Entry {
        std::uint64_t marks;
        std::uint64_t base;
        std::uint64_t mask;
        [[nodiscard]] bool may_match(const Key& key) const noexcept {
            const std::uint64_t lacking = key.marks & ~marks;
            const std::uint64_t outside = (key.address ^ base) & mask;
            return (lacking | outside) == 0;
        }
    };
    std::vector<Entry> entries_;
    // A rule whose users are only exact names is in the lists of those users; every other rule is
    // in the second list.
    std::unordered_map<std::string, Positions> by_user_;
    Positions open_;
};

} // namespace pgmoat::hba

#include "proxy/admin/console/suggest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace pgmoat::admin {

namespace {

// Levenshtein distance; two swapped letters count once.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + cost});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        before_last = std::exchange(last, row);
    }
    return last[b.size()];
}

} // namespace

std::string nearest_of(std::string_view word, std::span<const std::string> words) {
    constexpr std::size_t longest = 64;
    if (word.size() > longest) return {};
    // If half of a short word differs, it is another word.
    std::size_t least = 1 + std::min<std::size_t>(word.size() / 3, 3);
    std::string nearest;
    for (const std::string& candidate : words) {
        if (candidate.size() > longest) continue;
        const std::size_t away = distance(word, candidate);
        if (away >= least) continue;
        least = away;
        nearest = candidate;
    }
    return nearest;
}

} // namespace pgmoat::admin

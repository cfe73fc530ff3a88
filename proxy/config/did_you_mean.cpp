#include "proxy/config/did_you_mean.h"

#include "proxy/config/limits.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace pgmoat::config {

namespace {

// Levenshtein distance: insertions, deletions and replacements; two swapped letters count once.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::vector<std::size_t> row(b.size() + 1, i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = std::exchange(last, std::move(row));
    }
    return last.back();
}

} // namespace

std::string did_you_mean(std::string_view name, const std::vector<std::string_view>& known) {
    if (name.size() > limits::mistyped_name_bytes_max) return {};
    const std::string wanted = lower_case(name);
    // At most a third of the letters may differ; otherwise a short name would resemble everything.
    std::size_t least = wanted.size() / 3 + 1;
    std::string_view best;
    for (const std::string_view candidate : known) {
        const std::size_t far = distance(wanted, candidate);
        if (far >= least) continue;
        least = far;
        best = candidate;
    }
    return best.empty() ? "" : "Did you mean " + in_quotes(best) + "?";
}

} // namespace pgmoat::config

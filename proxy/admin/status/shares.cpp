#include "proxy/admin/status/shares.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace pgmoat::admin {

namespace {

// Counts live connections by a word of theirs; the words come from tables, so they are few.
class Tally {
  public:
    void count(std::string_view name) { ++counts_[name]; }

    [[nodiscard]] std::vector<Share> largest_first() const {
        std::vector<Share> shares;
        for (const auto& [name, count] : counts_)
            shares.push_back({std::string(name), count});
        std::stable_sort(shares.begin(), shares.end(), [](const auto& a, const auto& b) {
            return a.count > b.count;
        });
        return shares;
    }

  private:
    std::map<std::string_view, std::uint64_t> counts_;
};

} // namespace

Shares shares_of(const telemetry::SeenSessions& sessions) {
    Tally versions;
    Tally ciphers;
    Tally groups;
    for (const telemetry::SeenSession& session : sessions) {
        const telemetry::TlsFacts& tls = session.facts->client_tls;
        versions.count(tls.version.empty() ? "off" : std::string_view(tls.version));
        if (tls.version.empty()) continue;
        ciphers.count(tls.cipher);
        groups.count(tls.group.empty() ? "none" : std::string_view(tls.group));
    }
    return {versions.largest_first(), ciphers.largest_first(), groups.largest_first()};
}

} // namespace pgmoat::admin

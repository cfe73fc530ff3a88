// Ten thousand live connections: pages of them come soon, and the table is held for a moment only.
#include "proxy/admin/connection_pages.h"
#include "proxy/admin/limits.h"
#include "tests/support/catch.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

using namespace pgmoat;
using namespace pgmoat::admin;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t many = 10'000;

// Sanitizers make everything several times slower; what is promised is promised of the release.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
constexpr auto soon = 5s;
#else
constexpr auto soon = 500ms;
#endif

class Crowd {
  public:
    Crowd() {
        for (std::size_t i = 0; i < many; ++i) {
            rows_.push_back(table.open());
            rows_.back()->update([i](SessionFacts& facts) {
                facts.listener = "default";
                facts.client_address = "10.1.2.3";
                facts.client_port = 4711;
                facts.user = "user" + std::to_string(i);
                facts.database = "a database with a long name";
                facts.application_name = "\xFF\n\"";
                facts.client_tls = {
                    "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "X25519", "db.example", "postgresql"};
                facts.server_address = "10.0.0.5:5432";
            });
        }
    }
    SessionTable table;

  private:
    std::vector<std::unique_ptr<SessionRow>> rows_;
};

std::size_t lines_of(const std::string& text, const std::string& begin) {
    std::size_t count = 0;
    for (std::size_t at = text.find('\n' + begin); at != std::string::npos;
         at = text.find('\n' + begin, at + 1))
        ++count;
    return count;
}

} // namespace

TEST_CASE("All of them are told in JSON and as series, in less than half a second") {
    const Crowd crowd;
    const auto begin = std::chrono::steady_clock::now();
    const std::string json = connections_json(copy_newest(crowd.table, connections_json_max));
    const std::string metrics = connection_metrics(copy_newest(crowd.table, many));
    CHECK(std::chrono::steady_clock::now() - begin < soon);
    CHECK(json.find("{\"live\":10000,\"shown\":10000,") == 0);
    CHECK(lines_of(metrics, "pgmoat_connection_info{") == many);
    CHECK(lines_of(metrics, "pgmoat_connection_bytes_total{") == 2 * many);
}

TEST_CASE("Of more than are wanted the newest are told") {
    const Crowd crowd;
    const LiveConnections some = copy_newest(crowd.table, 3);
    CHECK(some.live == many);
    REQUIRE(some.newest.size() == 3);
    CHECK(some.newest[0].facts.user == "user9999");
    CHECK(some.newest[2].facts.user == "user9997");
    CHECK(copy_newest(crowd.table, 0).newest.empty());
}

TEST_CASE("A label holds no byte that would cost the scrape") {
    SessionTable table;
    const auto row = table.open();
    row->update([](SessionFacts& facts) { facts.user = "a\"b\\c\nd\xFF"; });
    const std::string metrics = connection_metrics(copy_newest(table, 1));
    CHECK(metrics.find("user=\"a\\\"b\\\\c\uFFFDd\uFFFD\"") != std::string::npos);
}

// Ten thousand live connections: all pages about them are fast, and connections that open or close
// meanwhile hardly wait.
#include "metrics/exporter.h"
#include "proxy/admin/limits.h"
#include "proxy/admin/status/connection_pages.h"
#include "proxy/admin/status/history.h"
#include "proxy/admin/status/status_json.h"
#include "proxy/admin/status/status_page.h"
#include "proxy/telemetry/live_sums.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace pgmoat;
using namespace pgmoat::admin;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t many = 10'000;

// Sanitizers make everything several times slower; the limits are for release builds.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
constexpr int slower = 20;
#else
constexpr int slower = 1;
#endif

// Of this thread only: other processes may use the machine too.
std::chrono::nanoseconds cpu_time() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

class Crowd {
  public:
    Crowd() {
        for (std::size_t i = 0; i < many; ++i) {
            rows_.push_back(table.open());
            rows_.back()->update([i](telemetry::SessionFacts& facts) {
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
    telemetry::SessionTable table;

  private:
    std::vector<std::unique_ptr<telemetry::SessionRow>> rows_;
};

// Opens and closes connections until it is destroyed.
class Bystander {
  public:
    explicit Bystander(telemetry::SessionTable& table)
        : thread_([this, &table](const std::stop_token& stop) { run(table, stop); }) {}
    [[nodiscard]] std::size_t connections() const { return connections_; }
    [[nodiscard]] std::chrono::nanoseconds longest() const {
        return std::chrono::nanoseconds(longest_);
    }

  private:
    void run(telemetry::SessionTable& table, const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            const auto begin = std::chrono::steady_clock::now();
            table.open()->update([](telemetry::SessionFacts& facts) { facts.user = "passing by"; });
            const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - begin;
            longest_ = std::max(longest_.load(), std::int64_t{took.count()});
            ++connections_;
        }
    }

    std::atomic<std::size_t> connections_{0};
    std::atomic<std::int64_t> longest_{0};
    std::jthread thread_;
};

std::string scrape(const telemetry::SessionTable& table, const metrics::Counters& counters) {
    return metrics::Exporter(counters,
                             [&table] {
                                 metrics::Gauges gauges;
                                 telemetry::add_live(table.snapshot(), {"default"}, gauges);
                                 return gauges;
                             })
        .text();
}

std::string all_pages(const telemetry::SessionTable& table, const metrics::Counters& counters) {
    const telemetry::SeenSessions seen = table.snapshot();
    Status status;
    status.totals = counters.sum();
    status.shares = shares_of(seen);
    status.history = {take_sample(1, seen, status.totals)};
    status.connections = newest_of(seen, connections_on_page_max);
    const LiveConnections all = newest_of(table.snapshot(), connections_json_max);
    return status_page(status) + status_json(status) + connections_json(all) +
           connection_metrics(all) + scrape(table, counters);
}

std::size_t lines_of(const std::string& text, const std::string& begin) {
    std::size_t count = 0;
    for (std::size_t at = text.find('\n' + begin); at != std::string::npos;
         at = text.find('\n' + begin, at + 1))
        ++count;
    return count;
}

} // namespace

TEST_CASE("All of them are listed in JSON and as series, in less than half a second of work") {
    const Crowd crowd;
    const auto begin = cpu_time();
    const std::string json =
        connections_json(newest_of(crowd.table.snapshot(), connections_json_max));
    const std::string metrics = connection_metrics(newest_of(crowd.table.snapshot(), many));
    CHECK(cpu_time() - begin < 500ms * slower);
    CHECK(json.find("{\"live\":10000,\"shown\":10000,") == 0);
    CHECK(lines_of(metrics, "pgmoat_connection_info{") == many);
    CHECK(lines_of(metrics, "pgmoat_connection_bytes_total{") == 2 * many);
}

TEST_CASE("A scrape of all of them takes less than half a second of work") {
    const Crowd crowd;
    metrics::Counters counters;
    const auto begin = cpu_time();
    const std::string text = scrape(crowd.table, counters);
    CHECK(cpu_time() - begin < 500ms * slower);
    CHECK(text.find("pgmoat_connections_live{listener=\"default\"} 10000") != std::string::npos);
}

// The end of a connection may have to wait for a snapshot, but for nothing else: pages do not use
// the table. The best of several tries, as other processes may evict the caches.
TEST_CASE("The table is held for some milliseconds at most") {
    const Crowd crowd;
    auto best = std::chrono::nanoseconds::max();
    for (int i = 0; i < 5; ++i) {
        const auto begin = cpu_time();
        CHECK(crowd.table.snapshot().size() == many);
        best = std::min(best, cpu_time() - begin);
    }
    CHECK(best < 5ms * slower);
}

TEST_CASE("Connections open, change and end while all pages are made") {
    Crowd crowd;
    metrics::Counters counters;
    const Bystander bystander(crowd.table);
    const std::size_t before = bystander.connections();
    for (int i = 0; i < 3; ++i)
        CHECK(all_pages(crowd.table, counters).size() > many);
    CHECK(bystander.connections() - before > 100);
    CHECK(bystander.longest() < 2s);
}

TEST_CASE("What was seen of a connection stays when it changes or ends") {
    telemetry::SessionTable table;
    auto row = table.open();
    row->update([](telemetry::SessionFacts& facts) { facts.user = "before"; });
    const telemetry::SeenSessions seen = table.snapshot();
    row->update([](telemetry::SessionFacts& facts) { facts.user = "after"; });
    row.reset();
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].facts->user == "before");
    CHECK(table.snapshot().empty());
}

TEST_CASE("If there are too many, the newest are listed") {
    const Crowd crowd;
    const LiveConnections some = newest_of(crowd.table.snapshot(), 3);
    CHECK(some.live == many);
    REQUIRE(some.newest.size() == 3);
    CHECK(some.newest[0].facts.user == "user9999");
    CHECK(some.newest[2].facts.user == "user9997");
    CHECK(newest_of(crowd.table.snapshot(), 0).newest.empty());
}

TEST_CASE("A label holds no byte that would cost the scrape") {
    telemetry::SessionTable table;
    const auto row = table.open();
    row->update([](telemetry::SessionFacts& facts) { facts.user = "a\"b\\c\nd\xFF"; });
    const std::string metrics = connection_metrics(newest_of(table.snapshot(), 1));
    CHECK(metrics.find("user=\"a\\\"b\\\\c\uFFFDd\uFFFD\"") != std::string::npos);
}

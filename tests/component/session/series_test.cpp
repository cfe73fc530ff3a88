// Texts from clients never become series of /metrics.
#include "metrics/exporter.h"
#include "proxy/runtime/services.h"
#include "proxy/session/session_recorder.h"
#include "tests/support/catch.h"

#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>

using namespace pgmoat;

namespace {

struct Unheard final : relay::Reporter {
    void report(std::unique_ptr<telemetry::Traffic> /*row*/,
                const relay::Ended& /*ended*/) override {}
};

std::set<std::string> series_of(const metrics::Counters& counters) {
    std::istringstream text(metrics::Exporter(counters, [] { return metrics::Gauges{}; }).text());
    std::set<std::string> series;
    for (std::string line; std::getline(text, line);)
        if (!line.starts_with('#')) series.insert(line.substr(0, line.rfind(' ')));
    return series;
}

} // namespace

TEST_CASE("A hundred thousand users, databases and server names add no series") {
    telemetry::Log log;
    metrics::Counters counters;
    telemetry::SessionTable table;
    Unheard reporter;
    relay::Plane plane({1}, reporter, counters);
    runtime::Services services{table, plane, reporter, counters, log};
    const auto listener = counters.add_listener("default", metrics::Mode::terminate);
    const auto visit = [&](int number) {
        const std::string name = "x" + std::to_string(number);
        telemetry::SessionFacts first;
        first.listener_id = listener;
        session::SessionRecorder recorder(services, std::move(first));
        telemetry::ClientFacts client;
        client.client_tls.version = "TLSv1.3";
        client.client_tls.cipher = "TLS_AES_256_GCM_SHA384";
        client.client_tls.group = "X25519";
        client.client_tls.server_name = name + ".example";
        client.user = client.database = client.application_name = name;
        recorder.client_in_tls(client);
        recorder.judged(client);
    };

    visit(0);
    const auto before = series_of(counters);
    CHECK(before.size() > 100);
    for (int number = 1; number <= 100'000; ++number)
        visit(number);
    CHECK(series_of(counters) == before);
}

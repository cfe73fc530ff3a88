#include "proxy/server/probe_once.h"

#include "metrics/counters.h"
#include "proxy/relay/plane.h"
#include "proxy/runtime/services.h"
#include "proxy/server/limits.h"
#include "proxy/telemetry/connection_log.h"
#include "proxy/telemetry/session_table.h"
#include "proxy/upstream/probe.h"

#include <utility>

namespace pgmoat::server {

void probe_once(std::shared_ptr<const runtime::RuntimeConfig> setup, telemetry::Log& log) {
    metrics::Counters counters;
    telemetry::SessionTable table;
    telemetry::ConnectionLog reporter(log, counters);
    relay::Plane plane({1}, reporter, counters);
    runtime::Services services{table, plane, reporter, counters, log};
    runtime::ControlThread thread(services, std::move(setup));
    upstream::probe_upstreams(thread);
    thread.context.run_for(probes_at_check_max);
}

} // namespace pgmoat::server

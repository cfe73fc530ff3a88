#include "proxy/access/limit_states.h"

#include "proxy/access/limits.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace pgmoat::access {
namespace {

using Known = AddressTable::Known;
using metrics::Limit;
using telemetry::LimitState;

constexpr std::array counted_as{Limit::connections_per_address,
                                Limit::handshakes_per_address,
                                Limit::logins_per_address,
                                Limit::failed_logins_per_address};
static_assert(counted_as.size() == address_limit_count);

std::string text_of(const Known& known) {
    const int bits = known.address.family == hba::Family::ipv4 ? 32 : 128;
    const std::string address = hba::text_of(known.address);
    return known.prefix == bits ? address : address + '/' + std::to_string(known.prefix);
}

std::string count_text(int limit) {
    return limit == 0 ? "" : std::to_string(limit);
}

std::uint64_t refused(const metrics::Totals& totals, Limit limit) {
    return totals.process.rate_limited[static_cast<std::size_t>(limit)];
}

LimitState of_addresses(AddressLimit limit,
                        std::string_view name,
                        std::string setting,
                        const AddressTable::Survey& survey,
                        const metrics::Totals& totals) {
    const auto index = static_cast<std::size_t>(limit);
    const auto& seen = survey.limits[index];
    LimitState state{name, std::move(setting), {}, seen.addresses, {}, {}};
    // Connections are always counted, rates only if there is a limit.
    if (limit == AddressLimit::connections || !state.setting.empty()) state.now = seen.most;
    state.refused = refused(totals, counted_as[index]);
    for (const Known& known : seen.most_refused)
        state.most_refused.push_back(text_of(known) + " (" + std::to_string(known.refused[index]) +
                                     ')');
    if (state.most_refused.size() > refused_addresses_shown)
        state.most_refused.resize(refused_addresses_shown);
    return state;
}

telemetry::AddressState state_of(const Known& known) {
    telemetry::AddressState state{
        text_of(known), known.used[0], 0, 0, known.delayed, known.waiting};
    for (const std::uint32_t count : known.refused)
        state.refused += count;
    state.failed_logins = known.used[static_cast<std::size_t>(AddressLimit::failed_logins)];
    return state;
}

} // namespace

telemetry::LimitStates limit_states(const AddressGate& gate,
                                    const config::Config& config,
                                    const metrics::Totals& totals,
                                    std::size_t live) {
    const AddressTable::Survey survey = gate.table().survey(addresses_shown, Clock::now());
    const config::AddressLimits& limits = config.address_limits;
    telemetry::LimitStates states;
    states.limits = {{"max_connections",
                      count_text(config.max_connections),
                      live,
                      {},
                      refused(totals, Limit::max_connections),
                      {}},
                     {"max_handshakes",
                      count_text(config.max_handshakes),
                      gate.handshakes(),
                      {},
                      refused(totals, Limit::handshakes),
                      {}},
                     of_addresses(AddressLimit::connections,
                                  "max_connections_per_address",
                                  count_text(static_cast<int>(limits.connections)),
                                  survey,
                                  totals),
                     of_addresses(AddressLimit::handshakes,
                                  "handshake_rate_per_address",
                                  config::text_of(limits.handshakes),
                                  survey,
                                  totals),
                     of_addresses(AddressLimit::logins,
                                  "login_rate_per_address",
                                  config::text_of(limits.logins),
                                  survey,
                                  totals),
                     of_addresses(AddressLimit::failed_logins,
                                  "failed_logins_per_address",
                                  config::text_of(limits.failed_logins),
                                  survey,
                                  totals)};
    for (const Known& known : survey.busiest)
        states.addresses.push_back(state_of(known));
    states.table_size = survey.usage.entries;
    states.table_used = survey.usage.in_use;
    states.table_evicted = survey.usage.evicted;
    return states;
}

metrics::AddressTableFacts address_table_facts(const AddressGate& gate) {
    const AddressTable::Survey survey = gate.table().survey(0, Clock::now());
    metrics::AddressTableFacts facts;
    facts.entries = survey.usage.entries;
    facts.used = survey.usage.in_use;
    facts.evicted = survey.usage.evicted;
    facts.uncounted = survey.usage.uncounted;
    for (std::size_t index = 0; index < address_limit_count; ++index)
        facts.at_limit.emplace_back(counted_as[index], survey.limits[index].addresses);
    return facts;
}

} // namespace pgmoat::access

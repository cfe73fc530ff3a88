#include "proxy/admin/status/status_tables.h"

#include "proxy/admin/status/page_format.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace pgmoat::admin {

namespace {

constexpr std::int64_t seconds_of_a_day = 86'400;
constexpr std::int64_t days_that_worry = 21; // as in the alerts
constexpr std::int64_t days_that_alarm = 7;

// One row, cell by cell.
class Row {
  public:
    Row& text(std::string_view value, const char* kind = "") { return cell(kind, html(value)); }
    Row& number(std::uint64_t value) { return cell("n", with_separators(value)); }
    Row& figure(const std::string& value) { return cell("n", value); }
    Row& markup(const std::string& value, const char* kind = "") { return cell(kind, value); }
    // Cut by the style sheet where it is too long; the whole text is in its title.
    Row& titled(std::string_view value, std::string_view whole, const std::string& kind = "cut") {
        cells_ += "<td class=\"" + kind + "\" title=\"" + html(whole) + "\">" + html(value);
        return *this;
    }
    Row& name(std::string_view value) { return titled(value, value, "name"); }
    Row& cut(std::string_view value) { return titled(value, value); }
    [[nodiscard]] std::string end() const { return "<tr>" + cells_ + "</tr>\n"; }

  private:
    Row& cell(const std::string& kind, const std::string& content) {
        cells_ += kind.empty() ? "<td>" : "<td class=\"" + kind + "\">";
        cells_ += content;
        return *this;
    }
    std::string cells_;
};

std::string or_none(std::string rows, int columns, const std::string& words) {
    if (!rows.empty()) return rows;
    return "<tr><td class=\"none\" colspan=\"" + std::to_string(columns) + "\">" + words + "</tr>";
}

// An attribute of SVG, because the page's policy allows no style of an element's own.
std::string bar(std::uint64_t thousandths) {
    return "<svg class=\"share\" viewBox=\"0 0 1000 6\" preserveAspectRatio=\"none\" "
           "aria-hidden=\"true\"><rect height=\"6\" width=\"" +
           std::to_string(thousandths) + "\"/></svg>";
}

std::string_view file_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

std::string badge(const char* kind, const std::string& words) {
    return std::string("<span class=\"badge ") + kind + "\">" + words + "</span>";
}

std::string
tile(const char* name, const std::string& value, const std::string& beside, bool alarm = false) {
    return std::string(alarm ? "<div class=\"alarm\">" : "<div>") + "<dt>" + name + "</dt><dd>" +
           value + " <small>" + beside + "</small></dd></div>\n";
}

// Over the last few samples: one alone jumps about.
struct Rates {
    double handshakes = 0;
    double failures = 0;
    double from_client = 0;
    double from_server = 0;
};

double per_second(std::uint64_t before, std::uint64_t now, double seconds) {
    return now > before ? static_cast<double>(now - before) / seconds : 0;
}

Rates current_rates(const std::vector<Sample>& history) {
    constexpr std::size_t steps = 5;
    if (history.size() < 2) return {};
    const Sample& now = history.back();
    const Sample& then = history[history.size() - 1 - std::min(steps, history.size() - 1)];
    const auto seconds = static_cast<double>(std::max<std::int64_t>(1, now.time - then.time));
    return {per_second(then.handshakes, now.handshakes, seconds),
            per_second(then.handshake_failures, now.handshake_failures, seconds),
            per_second(then.bytes_from_client, now.bytes_from_client, seconds),
            per_second(then.bytes_from_server, now.bytes_from_server, seconds)};
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) return "–";
    const std::uint64_t rounded = (100 * part + whole / 2) / whole;
    // 100 % means all of them, and 0 % none.
    const std::uint64_t shown =
        part == whole ? 100 : std::clamp<std::uint64_t>(rounded, part == 0 ? 0 : 1, 99);
    return std::to_string(shown) + " %";
}

std::optional<std::int64_t> days_left(const metrics::CertificateState& certificate,
                                      std::int64_t now) {
    const auto end = metrics::end_of(certificate);
    if (!end) return std::nullopt;
    const std::int64_t left = *end - now;
    return (left < 0 ? left - (seconds_of_a_day - 1) : left) / seconds_of_a_day; // rounded down
}

std::string tls_tile(const Status& status) {
    std::uint64_t in_tls = 0;
    std::uint64_t all = 0;
    for (const Share& share : status.shares.versions) {
        all += share.count;
        if (share.name != "off") in_tls += share.count;
    }
    return tile("Clients with TLS",
                percent(in_tls, all),
                all == in_tls ? "none in plaintext"
                              : with_separators(all - in_tls) + " in plaintext");
}

std::string certificate_tile(const Status& status) {
    std::optional<std::int64_t> least;
    std::string name;
    for (const auto& certificate : status.gauges.certificates) {
        const auto left = days_left(certificate, status.now);
        if (!left || (least && *least <= *left)) continue;
        least = left;
        name = file_name(certificate.name);
    }
    if (!least) return tile("Certificate", "–", "no local certificate");
    return tile("First certificate expires in",
                *least < 0 ? "expired" : std::to_string(*least) + (*least == 1 ? " day" : " days"),
                html(name),
                *least < days_that_worry);
}

double mean_seconds(const metrics::Histogram<std::uint64_t>& histogram, std::uint64_t& count) {
    count = 0;
    for (const std::uint64_t observed : histogram.observations)
        count += observed;
    return count == 0 ? 0 : static_cast<double>(histogram.sum) / 1e6 / static_cast<double>(count);
}

std::string mean(const metrics::Histogram<std::uint64_t>& histogram) {
    std::uint64_t count = 0;
    const double seconds = mean_seconds(histogram, count);
    return count == 0 ? "–" : milliseconds(seconds);
}

std::string modes_of(const metrics::Totals::Listener& listener) {
    std::string words;
    for (std::size_t mode = 0; mode < metrics::mode_count; ++mode)
        if (listener.modes[mode])
            words += (words.empty() ? "" : ", ") +
                     std::string(to_word(static_cast<metrics::Mode>(mode)));
    return words;
}

std::uint64_t live_of(const Status& status, const std::string& listener) {
    for (const auto& live : status.gauges.connections_live)
        if (live.listener == listener) return live.count;
    return 0;
}

std::string tls_word(const telemetry::TlsFacts& tls) {
    return tls.version.empty() ? badge("off", "off") : html(tls.version);
}

// Refusals that differ in nothing but the time and the client's port, in the place of the newest.
struct RefusalGroup {
    const telemetry::Refusal* newest;
    std::uint64_t times;
};

bool is_alike(const telemetry::Refusal& left, const telemetry::Refusal& right) {
    const auto what = [](const telemetry::Refusal& one) {
        return std::tie(one.reason,
                        one.detail,
                        one.facts.client_address,
                        one.facts.listener,
                        one.facts.user,
                        one.facts.database,
                        one.facts.client_tls.version);
    };
    return what(left) == what(right);
}

std::vector<RefusalGroup> grouped(const std::vector<telemetry::Refusal>& newest_first) {
    std::vector<RefusalGroup> groups;
    for (const telemetry::Refusal& refusal : newest_first) {
        const auto group = std::ranges::find_if(
            groups, [&](const RefusalGroup& one) { return is_alike(*one.newest, refusal); });
        if (group == groups.end())
            groups.push_back({&refusal, 1});
        else
            ++group->times;
    }
    return groups;
}

std::string role_badge(std::string_view role) {
    const char* kind = role == "primary" ? "good" : role == "standby" ? "off" : "warn";
    return badge(kind, html(role));
}

std::string ago(std::int64_t now, std::int64_t then) {
    return age(std::chrono::seconds(std::max<std::int64_t>(0, now - then)));
}

// Where the role is from, and how that has been going.
std::string role_state(const metrics::UpstreamRole& host, std::int64_t now) {
    if (!host.is_checked)
        return badge("off", "by login") + " <small>" + ago(now, host.seen) + " ago</small>";
    if (host.seen == 0) return badge("off", "waiting");
    return badge(host.answers ? "good" : "bad", host.answers ? "ok" : "failing") + " <small>for " +
           ago(now, host.seen) + "</small>";
}

std::string reason_badge(metrics::CloseReason reason) {
    const bool ours =
        reason == metrics::CloseReason::internal || reason == metrics::CloseReason::upstream_failed;
    return badge(ours ? "bad" : "warn", html(to_word(reason)));
}

} // namespace

std::string state_line(const Status& status) {
    const char* kind = status.ready ? "good" : "warn";
    return badge(kind,
                 status.gauges.draining ? "draining"
                 : status.ready         ? "serving"
                                        : "not ready") +
           "<span>up " + age(std::chrono::seconds(status.now - status.started)) + "</span>";
}

std::string tiles(const Status& status) {
    const Rates now = current_rates(status.history);
    const std::uint64_t failures = client_handshake_failures(status.totals);
    const std::uint64_t limit = status.gauges.connections_limit;
    return tile("Connections",
                with_separators(status.live),
                "of " + with_separators(limit),
                status.live * 10 >= limit * 9) +
           tls_tile(status) +
           tile("TLS handshakes",
                rate(now.handshakes) + " / s",
                with_separators(client_handshakes(status.totals)) + " since start") +
           tile("Failed handshakes",
                rate(now.failures) + " / s",
                with_separators(failures) + " since start",
                now.failures * 20 > now.handshakes) +
           tile("Traffic",
                byte_count(now.from_client + now.from_server) + "/s",
                byte_count(now.from_server) + "/s from servers") +
           certificate_tile(status);
}

std::string share_rows(const std::vector<Share>& shares) {
    std::uint64_t whole = 0;
    for (const Share& share : shares)
        whole += share.count;
    std::string rows;
    for (const Share& share : shares) {
        const std::uint64_t width = 1000 * share.count / std::max<std::uint64_t>(1, whole);
        rows += Row()
                    .markup(html(share.name) + bar(width))
                    .number(share.count)
                    .figure(percent(share.count, whole))
                    .end();
    }
    return or_none(std::move(rows), 3, "No clients are connected.");
}

std::string certificate_rows(const Status& status) {
    std::string rows;
    for (const auto& certificate : status.gauges.certificates) {
        Row row;
        row.text(certificate.role).titled(file_name(certificate.name), certificate.name);
        const auto left = days_left(certificate, status.now);
        row.text(left ? date(*metrics::end_of(certificate)) : "–");
        const char* kind = !left || *left < days_that_alarm ? "bad"
                           : *left < days_that_worry        ? "warn"
                                                            : "good";
        std::string words = !left ? "unknown" : *left < 0 ? "expired" : std::to_string(*left);
        if (certificate.load_failed) words += ", not loaded";
        rows += row.markup(badge(certificate.load_failed ? "bad" : kind, words), "n").end();
    }
    return or_none(std::move(rows), 4, "No certificate is in use: TLS passes through, or is off.");
}

std::string failure_rows(const Status& status) {
    std::string rows;
    for (const auto& listener : status.totals.listeners) {
        const auto& failures = listener.counts.handshake_failures[0];
        for (std::size_t reason = 0; reason < failures.size(); ++reason) {
            if (failures[reason] == 0) continue;
            rows += Row()
                        .text(listener.name)
                        .text(to_word(static_cast<metrics::HandshakeFailure>(reason)))
                        .number(failures[reason])
                        .end();
        }
    }
    return or_none(std::move(rows), 3, "No failed handshakes.");
}

std::string listener_rows(const Status& status) {
    std::string rows;
    for (const auto& listener : status.totals.listeners) {
        const auto& counts = listener.counts;
        std::uint64_t opened = 0;
        for (const std::uint64_t count : counts.opened)
            opened += count;
        rows += Row()
                    .name(listener.name)
                    .text(modes_of(listener), "less")
                    .number(live_of(status, listener.name))
                    .number(opened)
                    .markup(mean(counts.login), "n less")
                    .figure(byte_count(static_cast<double>(counts.bytes[0])))
                    .figure(byte_count(static_cast<double>(counts.bytes[1])))
                    .end();
    }
    return or_none(std::move(rows), 7, "No listeners.");
}

std::string upstream_rows(const Status& status) {
    using metrics::ConnectResult;
    std::string rows;
    for (const auto& upstream : status.totals.upstreams) {
        const auto& connects = upstream.counts.connects;
        std::uint64_t failed = 0;
        std::string why;
        for (std::size_t result = 0; result < connects.size(); ++result) {
            const auto word = static_cast<ConnectResult>(result);
            if (word == ConnectResult::connected || connects[result] == 0) continue;
            failed += connects[result];
            why += (why.empty() ? "" : ", ") + std::string(to_word(word)) + ' ' +
                   std::to_string(connects[result]);
        }
        rows += Row()
                    .name(upstream.name)
                    .number(connects[static_cast<std::size_t>(ConnectResult::connected)])
                    .number(failed)
                    .text(why, "what soft")
                    .markup(mean(upstream.counts.connect), "n less")
                    .end();
    }
    return or_none(std::move(rows), 5, "No connections to servers yet.");
}

std::string role_rows(const Status& status) {
    std::string rows;
    for (const metrics::UpstreamRole& host : status.gauges.upstream_roles) {
        const std::string failed =
            host.last_error_at == 0
                ? ""
                : host.last_error + " (" + ago(status.now, host.last_error_at) + " ago)";
        rows += Row()
                    .name(host.upstream)
                    .name(host.host)
                    .markup(role_badge(host.role))
                    .figure(host.since == 0 ? "–" : ago(status.now, host.since))
                    .figure(host.lag_bytes ? byte_count(static_cast<double>(*host.lag_bytes)) : "–")
                    .markup(role_state(host, status.now), "state-of")
                    .text(failed, "what soft")
                    .end();
    }
    return or_none(std::move(rows),
                   7,
                   "No roles are known: no upstream has a health check or target_session_attrs.");
}

std::string rule_rows(const Status& status) {
    std::string rows;
    for (const RuleState& rule : status.rules) {
        const std::string last =
            rule.last_hit == 0 ? "–"
                               : age(std::chrono::seconds(status.now - rule.last_hit)) + " ago";
        const std::string line = rule.line == 0 ? "" : ':' + std::to_string(rule.line);
        rows += Row()
                    .titled(std::string(file_name(rule.file)) + line, rule.file)
                    .text(rule.text, "rule")
                    .number(rule.hits)
                    .number(rule.refused)
                    .markup(last, "n less")
                    .end();
    }
    return or_none(std::move(rows),
                   5,
                   "No access rules: all connections are forwarded to the server, which "
                   "authenticates them.");
}

std::string limit_rows(const Status& status) {
    const auto number = [](const std::optional<std::uint64_t>& value) {
        return value ? with_separators(*value) : std::string("–");
    };
    std::string rows;
    for (const telemetry::LimitState& limit : status.limits.limits) {
        std::string addresses;
        for (const std::string& address : limit.most_refused)
            addresses += (addresses.empty() ? "" : ", ") + address;
        rows += Row()
                    .text(limit.name, "code")
                    .text(limit.setting.empty() ? "no limit" : limit.setting,
                          limit.setting.empty() ? "soft less" : "less")
                    .figure(number(limit.now))
                    .markup(number(limit.addresses), "n less")
                    .number(limit.refused)
                    .text(addresses, "what soft less")
                    .end();
    }
    return rows;
}

std::string address_rows(const Status& status) {
    std::string rows;
    for (const telemetry::AddressState& address : status.limits.addresses) {
        const std::string waiting =
            address.waiting == 0 ? "" : " (" + with_separators(address.waiting) + ')';
        rows += Row()
                    .text(address.address, "code")
                    .number(address.connections)
                    .number(address.refused)
                    .markup(with_separators(address.failed_logins), "n less")
                    .markup(address.delayed ? badge("warn", "delayed" + waiting) : "", "n")
                    .end();
    }
    return or_none(std::move(rows), 5, "No address is connected or was refused.");
}

std::string address_note(const Status& status) {
    return with_separators(status.limits.table_used) + " of " +
           with_separators(status.limits.table_size) + " remembered";
}

std::string refusal_rows(const Status& status) {
    const auto now = std::chrono::system_clock::from_time_t(status.now);
    std::string rows;
    for (const auto& [refusal, times] : grouped(status.refusals)) {
        const telemetry::SessionFacts& facts = refusal->facts;
        const auto since =
            std::max(now - refusal->when, std::chrono::system_clock::duration::zero());
        rows +=
            Row()
                .figure(age(std::chrono::duration_cast<std::chrono::steady_clock::duration>(since)))
                .number(times)
                .markup(reason_badge(refusal->reason))
                .text(refusal->detail, "what soft")
                .text(times == 1 ? telemetry::client_of(facts) : facts.client_address, "code")
                .cut(facts.user)
                .cut(facts.database)
                .titled(facts.listener, facts.listener, "name less")
                .markup(tls_word(facts.client_tls), "less")
                .end();
    }
    return or_none(std::move(rows), 9, "No refused connections.");
}

std::string connection_rows(const Status& status) {
    std::string rows;
    for (const auto& [facts, state] : status.connections.newest) {
        const telemetry::TlsFacts& tls = facts.client_tls;
        const bool through = facts.mode == metrics::Mode::passthrough;
        const std::string subject =
            facts.client_certificate ? facts.client_certificate->subject : "";
        rows += Row()
                    .figure(std::to_string(state.id))
                    .figure(age(state.age))
                    .text(telemetry::client_of(facts), "code")
                    .cut(facts.user)
                    .cut(facts.database)
                    .cut(facts.application_name)
                    .figure(byte_count(static_cast<double>(state.traffic.bytes_from_client)))
                    .figure(byte_count(static_cast<double>(state.traffic.bytes_from_server)))
                    .markup(tls_word(tls))
                    .text(tls.cipher, "code")
                    .text(tls.group)
                    .cut(tls.server_name)
                    .cut(subject)
                    .titled(file_name(facts.rule), facts.rule)
                    .name(facts.backend.upstream)
                    .text(facts.server_address, "code")
                    .markup(facts.server_address.empty() ? ""
                            : through                    ? std::string("the client's")
                                                         : tls_word(facts.server_tls))
                    .end();
    }
    return or_none(std::move(rows), 17, "No clients are connected.");
}

std::string connections_note(const Status& status) {
    const std::size_t shown = status.connections.newest.size();
    if (shown >= status.live) return with_separators(status.live) + " live, the newest first";
    return "the newest " + std::to_string(shown) + " of " + with_separators(status.live);
}

std::string facts_line(const Status& status) {
    const auto& gauges = status.gauges;
    const std::string loaded =
        age(std::chrono::seconds(status.now - gauges.last_reload_success_time)) + " ago";
    return "pgmoat " + html(gauges.build.version) + ", " + html(gauges.build.openssl_runtime) +
           ", configuration loaded " + loaded +
           (gauges.last_reload_successful ? "" : ' ' + badge("bad", "the last reload failed"));
}

} // namespace pgmoat::admin

#include "proxy/admin/status/status_json.h"

#include "proxy/telemetry/log_fields.h"

#include <string_view>

namespace pgmoat::admin {

namespace {

std::string object(const telemetry::Fields& fields) {
    return '{' + fields.as_json() + '}';
}

// "name":[element,...]
template <class All, class Write>
std::string list(std::string_view name, const All& all, const Write& write) {
    std::string text = '"' + std::string(name) + "\":[";
    for (const auto& one : all) {
        if (text.back() != '[') text += ',';
        text += write(one);
    }
    return text + ']';
}

std::string shares(std::string_view name, const std::vector<Share>& all) {
    return list(name, all, [](const Share& share) {
        telemetry::Fields fields;
        fields.add("name", share.name).add("connections", share.count);
        return object(fields);
    });
}

std::string certificates(const Status& status) {
    return list("certificates", status.gauges.certificates, [](const auto& certificate) {
        telemetry::Fields fields;
        fields.add("role", certificate.role).add("name", certificate.name);
        const auto end = metrics::end_of(certificate);
        if (end) fields.add("not_after", static_cast<std::uint64_t>(*end));
        fields.add_flag("load_failed", certificate.load_failed);
        return object(fields);
    });
}

std::string listeners(const Status& status) {
    return list("listeners", status.totals.listeners, [](const auto& listener) {
        std::uint64_t opened = 0;
        for (const std::uint64_t count : listener.counts.opened)
            opened += count;
        telemetry::Fields fields;
        fields.add("name", listener.name)
            .add("opened", opened)
            .add("bytes_from_client", listener.counts.bytes[0])
            .add("bytes_from_server", listener.counts.bytes[1]);
        return object(fields);
    });
}

std::string upstreams(const Status& status) {
    return list("upstreams", status.totals.upstreams, [](const auto& upstream) {
        telemetry::Fields fields;
        fields.add("name", upstream.name);
        for (std::size_t i = 0; i < upstream.counts.connects.size(); ++i)
            // The words are literals, so they end in a NUL.
            fields.add(to_word(static_cast<metrics::ConnectResult>(i)).data(),
                       upstream.counts.connects[i]);
        return object(fields);
    });
}

std::string upstream_roles(const Status& status) {
    return list("upstream_roles", status.gauges.upstream_roles, [](const auto& host) {
        telemetry::Fields fields;
        fields.add("upstream", host.upstream).add("host", host.host).add("role", host.role);
        if (host.lag_bytes) fields.add("lag_bytes", *host.lag_bytes);
        fields.add("since", static_cast<std::uint64_t>(host.since))
            .add("from", host.is_checked ? "health check" : "login");
        if (host.is_checked) fields.add_flag("health_check_successful", host.answers);
        fields.add(host.is_checked ? "health_check_since" : "last_login",
                   static_cast<std::uint64_t>(host.seen));
        if (host.last_error_at != 0)
            fields.add("last_error", host.last_error)
                .add("last_error_at", static_cast<std::uint64_t>(host.last_error_at));
        return object(fields);
    });
}

std::string rules(const Status& status) {
    return list("rules", status.rules, [](const RuleState& rule) {
        telemetry::Fields fields;
        fields.add("file", rule.file)
            .add("line", static_cast<std::uint64_t>(rule.line))
            .add("text", rule.text)
            .add("hits", rule.hits)
            .add("refused", rule.refused)
            .add("last_hit", static_cast<std::uint64_t>(rule.last_hit));
        return object(fields);
    });
}

std::string limits(const Status& status) {
    return list("limits", status.limits.limits, [](const telemetry::LimitState& limit) {
        telemetry::Fields fields;
        fields.add("name", limit.name).add("setting", limit.setting);
        if (limit.now) fields.add("now", *limit.now);
        if (limit.addresses) fields.add("addresses", *limit.addresses);
        fields.add("refused", limit.refused);
        const std::string most_refused =
            list("most_refused", limit.most_refused, [](const std::string& address) {
                return '"' + address + '"';
            });
        return '{' + fields.as_json() + ',' + most_refused + '}';
    });
}

std::string addresses(const Status& status) {
    return list("addresses", status.limits.addresses, [](const telemetry::AddressState& address) {
        telemetry::Fields fields;
        fields.add("address", address.address)
            .add("connections", address.connections)
            .add("refused", address.refused)
            .add("failed_logins", address.failed_logins)
            .add_flag("delayed", address.delayed)
            .add("waiting", address.waiting);
        return object(fields);
    });
}

std::string address_table(const Status& status) {
    telemetry::Fields fields;
    fields.add("size", status.limits.table_size)
        .add("used", status.limits.table_used)
        .add("evicted", status.limits.table_evicted);
    return "\"address_table\":" + object(fields);
}

std::string refusals(const Status& status) {
    return list("refusals", status.refusals, [](const telemetry::Refusal& refusal) {
        using std::chrono::duration_cast;
        const auto when = duration_cast<std::chrono::seconds>(refusal.when.time_since_epoch());
        telemetry::Fields fields;
        fields.add("time", static_cast<std::uint64_t>(when.count()))
            .add("reason", to_word(refusal.reason))
            .add("detail", refusal.detail);
        return '{' + fields.as_json() + ',' + describe(refusal.id, refusal.facts).as_json() + '}';
    });
}

// Column by column, as charts want it.
std::string history(const std::vector<Sample>& samples) {
    const auto column = [&samples](std::string_view name, auto member) {
        return list(name, samples, [member](const Sample& sample) {
            return std::to_string(sample.*member);
        });
    };
    return "\"history\":{" + column("time", &Sample::time) + ',' +
           column("tls_1_3", &Sample::tls_1_3) + ',' + column("tls_1_2", &Sample::tls_1_2) + ',' +
           column("other_tls", &Sample::other_tls) + ',' +
           column("in_the_clear", &Sample::in_the_clear) + ',' + column("opened", &Sample::opened) +
           ',' + column("handshakes", &Sample::handshakes) + ',' +
           column("handshake_failures", &Sample::handshake_failures) + ',' +
           column("bytes_from_client", &Sample::bytes_from_client) + ',' +
           column("bytes_from_server", &Sample::bytes_from_server) + '}';
}

} // namespace

std::string status_json(const Status& status) {
    telemetry::Fields head;
    head.add("version", status.gauges.build.version)
        .add("openssl", status.gauges.build.openssl_runtime)
        .add("time", static_cast<std::uint64_t>(status.now))
        .add("started", static_cast<std::uint64_t>(status.started))
        .add_flag("ready", status.ready)
        .add_flag("draining", status.gauges.draining)
        .add_flag("last_reload_successful", status.gauges.last_reload_successful)
        .add("connections", static_cast<std::uint64_t>(status.live))
        .add("connections_limit", status.gauges.connections_limit)
        .add("handshakes", client_handshakes(status.totals))
        .add("handshake_failures", client_handshake_failures(status.totals));
    std::string json = '{' + head.as_json();
    for (const std::string& part : {shares("versions", status.shares.versions),
                                    shares("ciphers", status.shares.ciphers),
                                    shares("groups", status.shares.groups),
                                    certificates(status),
                                    listeners(status),
                                    upstreams(status),
                                    upstream_roles(status),
                                    rules(status),
                                    limits(status),
                                    addresses(status),
                                    address_table(status),
                                    refusals(status),
                                    history(status.history)})
        json += ",\n" + part;
    return json + "}\n";
}

} // namespace pgmoat::admin

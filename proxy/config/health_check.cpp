#include "proxy/config/health_check.h"

#include "proxy/config/conninfo.h"
#include "proxy/config/conninfo_options.h"
#include "proxy/config/guc_value.h"
#include "proxy/config/http_url.h"
#include "proxy/config/limits.h"
#include "proxy/config/text.h"

#include <climits>

#include <algorithm>
#include <array>
#include <utility>

namespace pgmoat::config {
namespace {

constexpr std::string_view text_is = "health check";
constexpr std::string_view sql_word = "sql";

[[noreturn]] void fail(const std::string& what) {
    throw ConninfoError(what);
}

int number_of(const KeywordValue& pair, const IntegerRange& range) {
    const IntegerResult number = parse_integer(pair.keyword, pair.value, range);
    if (!number.value) fail(number.error + (number.hint.empty() ? "" : " (" + number.hint + ")"));
    return *number.value;
}

// The options of both kinds of checks. False: another option.
bool take_common(const KeywordValue& pair, HealthCheck& check) {
    using limits::health_interval_ms_max;
    using limits::health_interval_ms_min;
    using limits::health_timeout_ms_max;
    using limits::health_timeout_ms_min;
    if (pair.keyword == "interval")
        check.interval = std::chrono::milliseconds(
            number_of(pair, {health_interval_ms_min, health_interval_ms_max, Unit::milliseconds}));
    else if (pair.keyword == "timeout")
        check.timeout = std::chrono::milliseconds(
            number_of(pair, {health_timeout_ms_min, health_timeout_ms_max, Unit::milliseconds}));
    else if (pair.keyword == "lag")
        check.lag_bytes_max =
            static_cast<std::uint64_t>(number_of(pair, {0, INT_MAX, Unit::kilobytes})) * 1024;
    else
        return false;
    return true;
}

// A name or an address; an IPv6 address in brackets.
HttpAddress address_of(std::string_view text) {
    const std::optional<HttpUrl> url = parse_http_url(text);
    const bool no_path = url && (url->path.empty() || url->path == "/");
    if (!no_path || url->bare_ipv6)
        fail("invalid URL " + in_quotes(text) + ": expected http://HOST:PORT or https://HOST:PORT");
    return url->address;
}

void take_urls(std::string_view list, HealthCheck& check) {
    check.urls.clear();
    for (;;) {
        const std::size_t comma = list.find(',');
        check.urls.push_back(address_of(list.substr(0, comma)));
        if (check.urls.size() > limits::patroni_urls_max)
            fail("patroni has more than " + std::to_string(limits::patroni_urls_max) + " URLs");
        if (comma == std::string_view::npos) return;
        list.remove_prefix(comma + 1);
    }
}

// https servers are verified unless sslmode=require is given.
void take_tls(const std::string& sslmode, HealthCheck& check) {
    const bool any = std::ranges::any_of(check.urls, &HttpAddress::tls);
    const bool given = !check.tls.root_certificate_file.empty() || !sslmode.empty() ||
                       !check.tls.certificate_file.empty();
    if (!any && given) fail("options of TLS need a URL with https");
    if (!any) return;
    if (sslmode.empty() || sslmode == "verify-full")
        check.tls.verify = tls::Verify::chain_and_name;
    else if (sslmode == "verify-ca")
        check.tls.verify = tls::Verify::chain;
    else if (sslmode != "require")
        fail("invalid sslmode value: " + in_quotes(sslmode) +
             " (use \"verify-full\", \"verify-ca\" or \"require\")");
    if (check.tls.verify != tls::Verify::nothing && check.tls.root_certificate_file.empty())
        fail("https needs sslrootcert: there is no default root certificate file here");
    if (check.tls.certificate_file.empty() != check.tls.key_file.empty())
        fail("sslcert and sslkey must be set together");
}

HealthCheck parse_patroni(std::string_view text) {
    HealthCheck check;
    check.kind = HealthCheck::Kind::patroni;
    check.tls.offer_postgresql = false;
    std::string sslmode;
    KeywordValueReader reader(text, text_is);
    while (const std::optional<KeywordValue> pair = reader.next()) {
        if (take_common(*pair, check)) continue;
        if (pair->keyword == "patroni")
            take_urls(pair->value, check);
        else if (pair->keyword == "sslmode")
            sslmode = pair->value;
        else if (pair->keyword == "sslrootcert")
            check.tls.root_certificate_file = pair->value;
        else if (pair->keyword == "sslcert")
            check.tls.certificate_file = pair->value;
        else if (pair->keyword == "sslkey")
            check.tls.key_file = pair->value;
        else
            fail("invalid option " + in_quotes(pair->keyword) + " of a health check");
    }
    take_tls(sslmode, check);
    return check;
}

// Each host is asked with the upstream's own keywords and these.
HealthCheck parse_sql(std::string_view text) {
    constexpr std::array<std::string_view, 6> refused{
        "host", "hostaddr", "target_session_attrs", "load_balance_hosts", "login", "client_facts"};
    HealthCheck check;
    bool has_user = false;
    bool has_database = false;
    KeywordValueReader reader(text, text_is);
    while (std::optional<KeywordValue> pair = reader.next()) {
        if (take_common(*pair, check)) continue;
        const std::string keyword = pair->keyword;
        if (find_conninfo_option(keyword) == nullptr)
            fail("invalid option " + in_quotes(keyword) + " of a health check");
        if (std::ranges::find(refused, keyword) != refused.end())
            fail("option " + in_quotes(keyword) +
                 " cannot be used: each host of the upstream is asked by itself");
        if (keyword == "proxy_protocol" && !proxy_protocol_from(pair->value))
            fail("invalid proxy_protocol value: " + in_quotes(pair->value));
        has_user = has_user || keyword == "user";
        has_database = has_database || keyword == "dbname";
        check.login.push_back(std::move(*pair));
    }
    if (!has_user) fail("a health check by SQL needs \"user\": the login that asks");
    if (!has_database) check.login.push_back({"dbname", "postgres"});
    return check;
}

} // namespace

HealthCheck parse_health_check(std::string_view text) {
    const std::string_view trimmed = trim(text);
    const bool is_sql = trimmed == sql_word ||
                        (trimmed.starts_with(sql_word) && is_blank(trimmed[sql_word.size()]));
    if (is_sql) return parse_sql(trimmed.substr(sql_word.size()));
    HealthCheck check = parse_patroni(trimmed);
    if (check.urls.empty()) fail("a health check begins with \"sql\" or has \"patroni\"");
    return check;
}

std::string health_check_without_secrets(std::string_view text) {
    std::string shown;
    std::string_view rest = trim(text);
    if (rest.starts_with(sql_word)) {
        shown = sql_word;
        rest.remove_prefix(sql_word.size());
    }
    const std::string pairs = without_secrets(rest);
    return pairs.empty() ? shown : shown + (shown.empty() ? "" : " ") + pairs;
}

std::string shown(const HttpAddress& address) {
    const bool ipv6 = address.host.find(':') != std::string::npos;
    return (address.tls ? "https://" : "http://") +
           (ipv6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

} // namespace pgmoat::config

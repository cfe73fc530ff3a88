// How pgmoat finds out which host of an upstream is the primary: from Patroni's REST API, or from
// each host by SQL. `health = 'patroni=https://10.0.0.1:8008,... interval=3s'`, or `'sql
// user=pgmoat_health interval=3s'`. Pure: opens no file, resolves no name.
#pragma once

#include "proxy/config/keyword_values.h"
#include "tls/context.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::config {

// http://HOST:PORT or https://HOST:PORT.
struct HttpAddress {
    std::string host;
    std::uint16_t port = 0;
    bool tls = false;
};

struct HealthCheck {
    enum class Kind { sql, patroni };
    Kind kind = Kind::sql;
    std::chrono::milliseconds interval{3000}; // between two checks
    std::chrono::milliseconds timeout{2000};  // for a check, including the connection
    // A standby that lags further behind gets no clients that require a standby. Nothing: no limit.
    std::optional<std::uint64_t> lag_bytes_max;
    std::vector<HttpAddress> urls;   // of Patroni; the first that answers counts
    tls::ClientSettings tls;         // for https URLs
    std::vector<KeywordValue> login; // for SQL: added to the upstream's; may contain a password
};

// Throws ConninfoError.
[[nodiscard]] HealthCheck parse_health_check(std::string_view text);

// To be shown: with secrets replaced.
[[nodiscard]] std::string health_check_without_secrets(std::string_view text);

[[nodiscard]] std::string shown(const HttpAddress& address);

} // namespace pgmoat::config

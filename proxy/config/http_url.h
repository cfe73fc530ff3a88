// Reads http://HOST:PORT/PATH and https://HOST:PORT/PATH: what a health check has in its configuration,
// and what Patroni says where its members are. An IPv6 address belongs in brackets (RFC 3986 section
// 3.2.2); where Patroni was configured without them, its URLs have none.
#pragma once

#include "proxy/config/health_check.h"

#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::config {

struct HttpUrl {
    HttpAddress address;
    std::string path;       // from its slash on, with a query; may be empty
    bool bare_ipv6 = false; // no brackets: the last colon was taken for the port's
};

// Nothing: it is no such URL, has no port, or says who asks (user@).
[[nodiscard]] std::optional<HttpUrl> parse_http_url(std::string_view url);

} // namespace pgmoat::config

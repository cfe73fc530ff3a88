#include "proxy/config/http_url.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace pgmoat::config {
namespace {

// False: it has no such scheme.
bool take_scheme(std::string_view& url, bool& tls) {
    constexpr std::string_view with_tls = "https://";
    constexpr std::string_view without = "http://";
    tls = url.starts_with(with_tls);
    if (!tls && !url.starts_with(without)) return false;
    url.remove_prefix(tls ? with_tls.size() : without.size());
    return true;
}

// 0: it is no port.
std::uint16_t port_in(std::string_view text) {
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [read_to, error] = std::from_chars(text.data(), end, port);
    return error == std::errc{} && read_to == end ? port : 0;
}

} // namespace

std::optional<HttpUrl> parse_http_url(std::string_view url) {
    HttpUrl result;
    if (!take_scheme(url, result.address.tls)) return std::nullopt;
    const std::size_t authority_end = std::min(url.find_first_of("/?#"), url.size());
    const std::string_view authority = url.substr(0, authority_end);
    result.path = url.substr(authority_end);

    const std::size_t colon = authority.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = authority.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    else
        result.bare_ipv6 = host.find(':') != std::string_view::npos;
    result.address.port = port_in(authority.substr(colon + 1));
    if (host.empty() || host.find_first_of("[]@ ") != std::string_view::npos) return std::nullopt;
    if (result.address.port == 0) return std::nullopt;
    result.address.host = host;
    return result;
}

} // namespace pgmoat::config

#include "proxy/admin/http/http_host.h"

#include <cctype>
#include <string>

namespace pgmoat::admin {

namespace {

// In lower case, without the port; an IPv6 address keeps its brackets.
std::string name_of(std::string_view host) {
    if (!host.ends_with(']')) host = host.substr(0, host.rfind(':'));
    std::string name;
    for (const char c : host)
        name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return name;
}

// A host name never ends in a number.
bool is_address(std::string_view name) {
    if (name.starts_with('[')) return true;
    return name.find_first_not_of("0123456789.") == std::string_view::npos;
}

} // namespace

bool is_own_host(std::string_view host, std::string_view listen) {
    const std::string name = name_of(host);
    return is_address(name) || name == "localhost" || name.ends_with(".localhost") ||
           name == name_of(listen);
}

} // namespace pgmoat::admin

#include "tls/host_name.h"

#include "tls/limits.h"
#include "tls/log_text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>

#include <array>
#include <cstring>
#include <string_view>

namespace pgmoat::tls {

namespace {

// inet_aton() on purpose: libpq accepts 127.1 as an address, too.
bool is_address(const std::string& host) {
    in_addr v4{};
    in6_addr v6{};
    return inet_aton(host.c_str(), &v4) != 0 || inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool wildcard_covers(std::string_view pattern, std::string_view host) {
    if (pattern.size() < 3 || !pattern.starts_with("*.")) return false;
    const std::size_t first_dot = host.find('.');
    if (first_dot == std::string_view::npos || first_dot == 0) return false;
    return equal_ignoring_case(pattern.substr(1), host.substr(first_dot));
}

bool address_matches(std::string_view address, const std::string& host) {
    in_addr v4{};
    in6_addr v6{};
    if (address.size() == sizeof v4 && inet_aton(host.c_str(), &v4) != 0)
        return std::memcmp(address.data(), &v4, sizeof v4) == 0;
    if (address.size() == sizeof v6 && inet_pton(AF_INET6, host.c_str(), &v6) == 1)
        return std::memcmp(address.data(), &v6, sizeof v6) == 0;
    return false;
}

std::string address_text(std::string_view address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = address.size() == sizeof(in_addr) ? AF_INET : AF_INET6;
    inet_ntop(family, address.data(), text.data(), text.size());
    return text.data();
}

// Checks one name after another until one matches or cannot be accepted.
class Search {
  public:
    explicit Search(const std::string& host) : host_(host) {}

    [[nodiscard]] bool done() const { return matched_ || !broken_.empty(); }

    void look_at_name(std::string_view name) {
        ++examined_;
        if (name.find('\0') != std::string_view::npos) {
            broken_ = "SSL certificate's name contains embedded null";
            return;
        }
        remember(std::string(name));
        matched_ = equal_ignoring_case(name, host_) || wildcard_covers(name, host_);
    }

    void look_at_address(std::string_view address) {
        ++examined_;
        if (address.size() != sizeof(in_addr) && address.size() != sizeof(in6_addr)) {
            broken_ = "certificate contains IP address with invalid length " +
                      std::to_string(address.size());
            return;
        }
        remember(address_text(address));
        matched_ = address_matches(address, host_);
    }

    [[nodiscard]] std::string verdict() const {
        if (matched_) return {};
        if (!broken_.empty()) return broken_;
        if (examined_ == 0) return "could not get server's host name from server certificate";
        std::string others;
        if (examined_ > 1) {
            others = " (and " + std::to_string(examined_ - 1) +
                     (examined_ == 2 ? " other name)" : " other names)");
        }
        return "server certificate for \"" + first_ + "\"" + others +
               " does not match host name \"" + host_ + "\"";
    }

  private:
    void remember(std::string name) {
        if (examined_ == 1) first_ = for_the_log(std::move(name), logged_host_bytes_max);
    }

    const std::string& host_;
    std::string first_;  // shown in the message
    std::string broken_; // a name that no certificate may contain
    std::size_t examined_ = 0;
    bool matched_ = false;
};

// Returns whether the certificate had a name of the kind that applies to this host.
bool search_alternative_names(const std::vector<AlternativeName>& names,
                              AlternativeName::Kind kind_that_applies,
                              Search& search) {
    bool applies = false;
    for (const AlternativeName& name : names) {
        if (search.done()) break;
        if (name.kind == kind_that_applies) applies = true;
        if (name.kind == AlternativeName::Kind::dns) search.look_at_name(name.bytes);
        if (name.kind == AlternativeName::Kind::address) search.look_at_address(name.bytes);
    }
    return applies;
}

} // namespace

std::string host_name_mismatch(const CertificateNames& names, const std::string& host) {
    if (host.empty()) return "host name must be specified for a verified SSL connection";
    Search search(host);
    const auto kind =
        is_address(host) ? AlternativeName::Kind::address : AlternativeName::Kind::dns;
    const bool applies = search_alternative_names(names.alternative, kind, search);
    if (!applies && !search.done() && names.common_name) search.look_at_name(*names.common_name);
    return search.verdict();
}

bool looks_like_address(const std::string& host) {
    return host.find_first_not_of("0123456789.") == std::string::npos ||
           host.find(':') != std::string::npos;
}

} // namespace pgmoat::tls

// Host names built from what a client asks for: `host=\1-rw.databases.svc` takes the first group of
// the rule's sni=/expression. In postgresql.conf's syntax \1 is the byte 1, which no host name
// contains. Conninfo keeps that byte, and texts for users show it as \1 again.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::config {

inline constexpr int group_number_max = 7; // \8 is the letter 8 in postgresql.conf

// The highest \N in it; 0: not a template.
[[nodiscard]] int highest_group(std::string_view host) noexcept;

// To be shown: with \1 in place of the byte.
[[nodiscard]] std::string shown_host(std::string_view host);

// `groups[0]` is the whole match. Nothing if the result is not a host name: whatever the expression
// accepts, a client must not be able to name an address, a directory or a list of hosts.
[[nodiscard]] std::optional<std::string> fill_host(std::string_view host,
                                                   const std::vector<std::string>& groups);

} // namespace pgmoat::config

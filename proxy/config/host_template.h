// Hosts whose name is made of what a client asks for: `host=\1-rw.databases.svc` takes the first
// group of the rule's sni=/expression. In postgresql.conf's syntax \1 is the byte 1, which no host
// name holds. Conninfo keeps that byte, and texts for people show it as \1 again.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::config {

inline constexpr int group_number_max = 7; // \8 is the letter 8 in postgresql.conf

// The highest \N in it; 0: it is no template.
[[nodiscard]] int highest_group(std::string_view host) noexcept;

// For people: \1 where the byte is.
[[nodiscard]] std::string shown_host(std::string_view host);

// `groups[0]` is the whole match. Nothing, if that gives no host name: a client may have asked for
// anything that the expression takes, but it cannot name an address, a folder or a list.
[[nodiscard]] std::optional<std::string> fill_host(std::string_view host,
                                                   const std::vector<std::string>& groups);

} // namespace pgmoat::config

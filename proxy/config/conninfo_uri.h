// postgresql://host:port,[v6]:port/?keyword=value split into the keywords of a connection string,
// whatever they mean. Rules and texts: fe-connect.c, conninfo_uri_parse_options().
#pragma once

#include "proxy/config/keyword_values.h"

#include <string_view>
#include <vector>

namespace pgmoat::config {

[[nodiscard]] bool is_connection_uri(std::string_view text) noexcept;

// Whether a query parameter is a known keyword: the error text for a URI differs from that for a
// string.
using IsKeyword = bool (*)(std::string_view keyword);

// In the order of the text; a repeated keyword's later value replaces the earlier one. Throws
// ConninfoError.
[[nodiscard]] std::vector<KeywordValue> split_connection_uri(std::string_view uri,
                                                             IsKeyword is_keyword);

} // namespace pgmoat::config

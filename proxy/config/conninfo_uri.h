// postgresql://host:port,[v6]:port/?keyword=value taken apart into the keywords of a connection
// string. Knows no meanings. Rules and texts: fe-connect.c, conninfo_uri_parse_options().
#pragma once

#include "proxy/config/keyword_values.h"

#include <string_view>
#include <vector>

namespace pgmoat::config {

[[nodiscard]] bool is_connection_uri(std::string_view text) noexcept;

// Tells whether a query parameter is a known keyword: the URI's error text differs from the
// string's.
using IsKeyword = bool (*)(std::string_view keyword);

// In the order of the text; a later value of a keyword replaces an earlier one. Throws
// ConninfoError.
[[nodiscard]] std::vector<KeywordValue> split_connection_uri(std::string_view uri,
                                                             IsKeyword is_keyword);

} // namespace pgmoat::config

// Columns and values as they go over the wire: PostgreSQL's type numbers, and binary values made of
// their texts for drivers that ask for them.
#pragma once

#include "protocol/server_messages.h"
#include "proxy/admin/console/table.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pgmoat::admin {

enum class Format : std::uint16_t { text, binary };

// Of each column, from the codes of a Bind message: none, one for all, or one for each. Nothing:
// another number of them.
[[nodiscard]] std::optional<std::vector<Format>> formats_of(std::span<const std::uint16_t> codes,
                                                            std::size_t columns);

[[nodiscard]] std::vector<protocol::ColumnDescription> describe(std::span<const Column> columns,
                                                                std::span<const Format> formats);

// PostgreSQL's binary form of a value that is given as text.
[[nodiscard]] std::string to_binary(Type type, const std::string& text);

} // namespace pgmoat::admin

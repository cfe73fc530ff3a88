// As much of pg_catalog and information_schema as psql, pgcli and drivers read: the console's own
// relations, columns, types, schemas, its database and its users. What the console cannot have
// (indexes, constraints, triggers, ...) is there and empty, so that their queries find it.
#pragma once

#include "proxy/admin/console/sql/catalog.h"

#include <span>

namespace pgmoat::admin::sql {

[[nodiscard]] std::span<const Relation> system_relations() noexcept;

// pg_namespace.oid; 0: there is none.
[[nodiscard]] std::uint32_t oid_of_schema(std::string_view schema) noexcept;
// pg_roles.oid of a user of the console; the owner of everything is 10.
inline constexpr std::uint32_t owner_oid = 10;
inline constexpr std::string_view owner_name = "pgmoat";
[[nodiscard]] std::string name_of_role(std::uint32_t oid, const Scope& scope);

} // namespace pgmoat::admin::sql

// The relations of the console: what can be looked at, in which schema, with which columns. A row
// here is a table to SQLite, a line of psql's \d, and what SHOW lists.
#pragma once

#include "proxy/admin/console/backend.h"
#include "proxy/admin/console/table.h"
#include "proxy/admin/console/types.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgmoat::admin::sql {

// What a statement runs for: who asks, in which session, and what there is to see.
struct Scope {
    std::shared_ptr<const Snapshot> kept;
    const Snapshot& snapshot; // the one that is kept
    std::string user;
    bool may_act = false; // one of console_users
    std::uint64_t session_id = 0;
    std::int64_t now = 0; // microseconds since 2000
    // In force for the session: what SHOW and current_setting() answer.
    std::vector<std::pair<std::string, std::string>> parameters = {};
};

struct Relation {
    std::string_view schema;
    std::string_view name;
    char kind; // pg_class.relkind: r, v
    std::span<const Column> columns;
    std::vector<Row> (*rows)(const Scope&);
    std::string_view description = {};
};

[[nodiscard]] std::span<const Relation> all_relations() noexcept;
// With an empty schema: in pg_catalog, then in public. nullptr: there is none.
[[nodiscard]] const Relation* find_relation(std::string_view schema,
                                            std::string_view name) noexcept;
[[nodiscard]] std::uint32_t oid_of(const Relation& relation) noexcept;
// Of the first relation that has a column of this name; unknown: none has.
[[nodiscard]] Type type_of_column(std::string_view name) noexcept;
// What SQLite calls it.
[[nodiscard]] std::string table_name(const Relation& relation);

} // namespace pgmoat::admin::sql

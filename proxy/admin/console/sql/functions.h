// What the functions of function_table.h do, for SQLite. The names they are registered by are the
// column `sqlite` of that table, and those that translate.cpp writes for casts and operators.
#pragma once

#include "proxy/admin/console/sql/engine.h"

#include <optional>

struct sqlite3;

namespace pgmoat::admin::sql {

// Of the statement that runs; functions find it here.
struct Running {
    const Scope* scope = nullptr;
    Deeds deeds;
    std::optional<SqlError> error; // with its SQLSTATE, which SQLite has no place for
};

// `running` is what the pointer points to when a function is called. False: out of memory.
[[nodiscard]] bool register_functions(sqlite3* database, Running*& running);

} // namespace pgmoat::admin::sql

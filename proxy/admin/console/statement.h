// The console's statements except queries: kind and arguments. `verbs` lists which role may run
// what; other verbs do not exist. SHOW becomes a query here, and queries are translated in sql/.
#pragma once

#include "proxy/admin/console/sql/lexer.h"
#include "proxy/admin/console/table.h"
#include "proxy/config/place.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace pgmoat::admin {

// console_users may do everything, console_stats_users may only look.
enum class Role { stats_user, console_user };

enum class Verb {
    empty,
    select, // and WITH, VALUES, TABLE
    show,
    set,
    reset,
    begin,
    commit,
    rollback,
    savepoint,
    release,
    rollback_to,
    discard,
    deallocate,
    close,
    unlisten,
    reload,
    kill,
    drain,
    undrain,
    shutdown,
};

struct VerbRow {
    Verb verb;
    std::string_view tag; // of its answer
    Role needs;
    std::string_view statement = {}; // as listed by HELP
    std::string_view help = {};
};
[[nodiscard]] std::span<const VerbRow> all_verbs() noexcept;
[[nodiscard]] const VerbRow& row_of(Verb verb) noexcept;

struct Statement {
    Verb verb = Verb::empty;
    std::string query = {};    // of show
    std::string argument = {}; // a parameter, a prepared statement, a savepoint; empty: all
    std::string value = {};    // of set
    std::string tag = {};      // if different from its verb's
    std::uint64_t id = 0;      // of kill
    std::optional<config::Place> place = std::nullopt; // for drain; nothing: everything
};

using Recognised = std::variant<Statement, SqlError>;

[[nodiscard]] Recognised recognise(const sql::Tokens& statement);

} // namespace pgmoat::admin

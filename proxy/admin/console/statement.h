// What the console understands, recognised from a text: a pure function. It is not SQL, only the
// few statements that people and drivers send; what SQL would allow behind them is refused in plain
// words. `verbs` is the table of who may do what; what is not in it does not exist.
#pragma once

#include "proxy/admin/console/table.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pgmoat::admin {

// console_users may do everything, console_stats_users may look.
enum class Role { stats_user, console_user };

enum class Verb {
    empty,
    select,
    show,
    set,
    begin,
    commit,
    rollback,
    discard,
    reset,
    deallocate,
    reload,
    kill,
    drain,
    shutdown,
};

struct VerbRow {
    Verb verb;
    std::string_view tag; // of its answer
    Role needs;
    std::string_view statement = {}; // where HELP lists it
    std::string_view help = {};
};
[[nodiscard]] std::span<const VerbRow> all_verbs() noexcept;
[[nodiscard]] const VerbRow& row_of(Verb verb) noexcept;

// What can be looked at: SHOW <word>, and the two views of SELECT.
enum class View {
    connections,
    listeners,
    upstreams,
    rules,
    certificates,
    config,
    stats,
    version,
    help,
    pg_stat_ssl,
    pg_stat_ssl_pgmoat,
    parameter, // SHOW server_version: a constant that drivers ask for
    integer,   // SELECT 1
    literal,   // SELECT 'x'
    function,  // SELECT version()
};

struct ViewRow {
    View view;
    std::string_view statement; // "SHOW CONNECTIONS"
    std::string_view help;
};
[[nodiscard]] std::span<const ViewRow> all_views() noexcept; // those that HELP lists

struct Statement {
    Verb verb = Verb::empty;
    View view = View::help; // of select and show
    std::string argument =
        {};               // a parameter, a function, the literal, what to deallocate (empty: all)
    std::uint64_t id = 0; // of kill
};

using Recognised = std::variant<Statement, SqlError>;

// The parts between semicolons; one empty part when there is nothing but blanks and comments.
// Semicolons in quotes and comments do not count.
[[nodiscard]] std::vector<std::string_view> split_statements(std::string_view text);

[[nodiscard]] Recognised recognise(std::string_view statement);

} // namespace pgmoat::admin

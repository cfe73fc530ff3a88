#include "proxy/admin/console/sql/engine.h"

#include "proxy/admin/console/limits.h"
#include "proxy/admin/console/sql/error_texts.h"
#include "proxy/admin/console/sql/functions.h"
#include "proxy/admin/console/sql/prepared_statement.h"
#include "proxy/admin/console/sql/translate.h"
#include "proxy/admin/console/sql/virtual_tables.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <new>
#include <string_view>

namespace pgmoat::admin::sql {

using Clock = StatementCursor::Clock;

struct Engine::Database {
    Database();
    ~Database() { sqlite3_close_v2(handle); }
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    static int authorize(void* self,
                         int action,
                         const char* first,
                         const char* second,
                         const char* schema,
                         const char* trigger);
    static int check_time(void* self);

    [[nodiscard]] SqlError last_error() const {
        return translate_error(sqlite3_extended_errcode(handle), sqlite3_errmsg(handle));
    }
    void limit() const;

    sqlite3* handle = nullptr;
    Running* running = nullptr; // the statement that is in sqlite3_step()
    VirtualTables tables{running};
    Clock::time_point until;
};

Engine::Database::Database() {
    // For all sessions together; nothing else in this process uses SQLite.
    static const bool limited = (sqlite3_hard_heap_limit64(limits::sql_heap_bytes_max), true);
    (void)limited;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(":memory:", &handle, flags, nullptr) != SQLITE_OK) {
        sqlite3_close_v2(handle);
        throw std::bad_alloc();
    }
    // What is sorted stays in memory, where it counts against the limit.
    const bool ready =
        sqlite3_exec(handle, "PRAGMA temp_store = 2", nullptr, nullptr, nullptr) == SQLITE_OK &&
        register_functions(handle, running);
    if (!ready) {
        sqlite3_close_v2(handle);
        throw std::bad_alloc();
    }
    tables.add_to(handle);
    limit();
    sqlite3_set_authorizer(handle, authorize, this);
    constexpr int steps_between_looks_at_the_clock = 2000;
    sqlite3_progress_handler(handle, steps_between_looks_at_the_clock, check_time, this);
}

void Engine::Database::limit() const {
    struct Limit {
        int what;
        int most;
    };
    constexpr std::array table{
        Limit{SQLITE_LIMIT_LENGTH, limits::sql_value_bytes_max},
        Limit{SQLITE_LIMIT_SQL_LENGTH, limits::sql_text_bytes_max},
        Limit{SQLITE_LIMIT_COLUMN, limits::sql_columns_max},
        Limit{SQLITE_LIMIT_EXPR_DEPTH, limits::sql_expression_depth_max},
        Limit{SQLITE_LIMIT_COMPOUND_SELECT, limits::sql_compounds_max},
        Limit{SQLITE_LIMIT_VDBE_OP, limits::sql_program_max},
        Limit{SQLITE_LIMIT_ATTACHED, 0},
        Limit{SQLITE_LIMIT_TRIGGER_DEPTH, 0},
        Limit{SQLITE_LIMIT_WORKER_THREADS, 0},
        Limit{SQLITE_LIMIT_VARIABLE_NUMBER, static_cast<int>(limits::parameters_max)},
    };
    for (const Limit& row : table)
        sqlite3_limit(handle, row.what, row.most);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
}

// Reading our tables and calling functions: the translation names no other, and SQLite itself is
// told so as well.
int Engine::Database::authorize(
    void* self, int action, const char* first, const char* second, const char*, const char*) {
    if (static_cast<const Database*>(self)->tables.is_declaring()) return SQLITE_OK;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE: return SQLITE_OK;
    case SQLITE_FUNCTION:
        return second && std::string_view(second) == "load_extension" ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_READ:
        return first && std::string_view(first).starts_with("sqlite_") ? SQLITE_DENY : SQLITE_OK;
    default: return SQLITE_DENY;
    }
}

int Engine::Database::check_time(void* self) {
    return Clock::now() >= static_cast<Database*>(self)->until ? 1 : 0;
}

Engine::Engine() : database_(std::make_unique<Database>()) {}
Engine::~Engine() = default;

std::variant<Plan, SqlError> Engine::plan(const Tokens& statement,
                                          std::span<const Type> parameters) {
    auto result = translate(statement, parameters);
    if (auto* error = std::get_if<SqlError>(&result)) return std::move(*error);
    auto& translated = std::get<Translated>(result);
    sqlite3_stmt* raw = nullptr;
    database_->until = Clock::now() + limits::statement_time_max;
    const int code = sqlite3_prepare_v2(database_->handle,
                                        translated.sql.c_str(),
                                        static_cast<int>(translated.sql.size()) + 1,
                                        &raw,
                                        nullptr);
    const PreparedStatement prepared(raw);
    if (code != SQLITE_OK) return database_->last_error();
    if (sqlite3_stmt_readonly(raw) == 0) return SqlError{"42501", "permission denied"};
    auto columns = describe(raw, translated);
    return Plan{std::move(translated.sql), std::move(columns), std::move(translated.parameters)};
}

std::variant<std::unique_ptr<Cursor>, SqlError>
Engine::open(const Plan& plan, std::span<const Cell> values, std::shared_ptr<const Scope> scope) {
    sqlite3_stmt* raw = nullptr;
    database_->until = Clock::now() + limits::statement_time_max;
    const int code = sqlite3_prepare_v2(
        database_->handle, plan.sql.c_str(), static_cast<int>(plan.sql.size()) + 1, &raw, nullptr);
    PreparedStatement prepared(raw);
    if (code != SQLITE_OK) return database_->last_error();
    for (std::size_t i = 0; i < std::min(values.size(), plan.parameters.size()); ++i) {
        if (!values[i]) continue; // NULL, as they all begin
        if (auto error = bind(raw, static_cast<int>(i + 1), plan.parameters[i], *values[i]))
            return *error;
    }
    const auto enter = [](void* database, Running* running, Clock::time_point until) {
        static_cast<Database*>(database)->running = running;
        static_cast<Database*>(database)->until = until;
    };
    return std::make_unique<StatementCursor>(
        database_.get(), enter, std::move(prepared), plan.columns, std::move(scope));
}

} // namespace pgmoat::admin::sql

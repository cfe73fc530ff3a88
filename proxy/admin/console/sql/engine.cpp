#include "proxy/admin/console/sql/engine.h"

#include "proxy/admin/console/limits.h"
#include "proxy/admin/console/sql/functions.h"
#include "proxy/admin/console/sql/translate.h"
#include "proxy/admin/console/text_values.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <map>
#include <new>
#include <span>
#include <string_view>
#include <unordered_map>

namespace pgmoat::admin::sql {

namespace {

using Clock = std::chrono::steady_clock;

// A relation's rows in one statement, and where a value of a column is found.
class RelationRows {
  public:
    explicit RelationRows(std::vector<Row> rows) : rows_(std::move(rows)) {}

    [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }
    [[nodiscard]] const std::vector<std::size_t>& with(std::size_t column,
                                                       const std::string& text) {
        static const std::vector<std::size_t> none;
        auto& index = indexes_[column];
        if (!index) {
            index.emplace();
            for (std::size_t i = 0; i < rows_.size(); ++i)
                if (rows_[i][column]) (*index)[*rows_[i][column]].push_back(i);
        }
        const auto found = index->find(text);
        return found == index->end() ? none : found->second;
    }

  private:
    std::vector<Row> rows_;
    std::map<std::size_t, std::optional<std::unordered_map<std::string, std::vector<std::size_t>>>>
        indexes_;
};

// One statement that runs.
struct Context : Running {
    std::shared_ptr<const Scope> kept;
    std::map<const Relation*, std::shared_ptr<RelationRows>> relations;
    Clock::duration spent{};

    std::shared_ptr<RelationRows> rows_of(const Relation& relation) {
        auto& rows = relations[&relation];
        if (!rows) rows = std::make_shared<RelationRows>(relation.rows(*kept));
        return rows;
    }
};

// --- virtual tables ---------------------------------------------------------------------------

struct Module {
    const Relation* relation; // nullptr: unnest()
    Running** running;
    bool* declaring; // the authorizer is asked about the declaration of a table, too
};

struct Table : sqlite3_vtab {
    explicit Table(Module* of) : sqlite3_vtab{}, module(of) {}
    Module* module;
};

void give_text(sqlite3_context* context, const std::string& text) {
    sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

// What SQLite calls for a table whose cursor counts `place` up to count(). columns() are those of
// CREATE TABLE; choose() says which conditions begin() wants, which finds the rows and may run out
// of memory; give() hands over a value of the row at `place`. Without xCreate a table is there by
// its name, and cannot be created.
template <class Cursor>
struct VirtualTable {
    static Cursor& cursor(sqlite3_vtab_cursor* base) { return *static_cast<Cursor*>(base); }

    static int connect(
        sqlite3* database, void* auxiliary, int, const char* const*, sqlite3_vtab** table, char**) {
        auto* const module = static_cast<Module*>(auxiliary);
        const std::string declaration = "CREATE TABLE x(" + Cursor::columns(*module) + ')';
        *module->declaring = true;
        const int result = sqlite3_declare_vtab(database, declaration.c_str());
        *module->declaring = false;
        if (result == SQLITE_OK) *table = new Table(module);
        return result;
    }
    static int disconnect(sqlite3_vtab* table) {
        delete static_cast<Table*>(table);
        return SQLITE_OK;
    }
    static int choose(sqlite3_vtab*, sqlite3_index_info* info) { return Cursor::choose(*info); }
    static int open(sqlite3_vtab*, sqlite3_vtab_cursor** opened) {
        *opened = new Cursor{};
        return SQLITE_OK;
    }
    static int close(sqlite3_vtab_cursor* base) {
        delete &cursor(base);
        return SQLITE_OK;
    }
    static int
    begin(sqlite3_vtab_cursor* base, int index, const char*, int count, sqlite3_value** values) {
        try {
            cursor(base).place = 0;
            cursor(base).begin(*static_cast<Table*>(base->pVtab),
                               index,
                               std::span(values, static_cast<std::size_t>(count)));
            return SQLITE_OK;
        } catch (const std::bad_alloc&) {
            return SQLITE_NOMEM;
        }
    }
    static int advance(sqlite3_vtab_cursor* base) {
        ++cursor(base).place;
        return SQLITE_OK;
    }
    static int at_end(sqlite3_vtab_cursor* base) {
        return cursor(base).place >= cursor(base).count() ? 1 : 0;
    }
    static int give(sqlite3_vtab_cursor* base, sqlite3_context* context, int column) {
        cursor(base).give(*static_cast<Table*>(base->pVtab), context, column);
        return SQLITE_OK;
    }
    static int row_number(sqlite3_vtab_cursor* base, sqlite3_int64* number) {
        *number = static_cast<sqlite3_int64>(cursor(base).place);
        return SQLITE_OK;
    }

    static sqlite3_module module() {
        sqlite3_module module{};
        module.iVersion = 1;
        module.xConnect = connect;
        module.xBestIndex = choose;
        module.xDisconnect = disconnect;
        module.xDestroy = disconnect;
        module.xOpen = open;
        module.xClose = close;
        module.xFilter = begin;
        module.xNext = advance;
        module.xEof = at_end;
        module.xColumn = give;
        module.xRowid = row_number;
        return module;
    }
};

// --- a relation as a virtual table --------------------------------------------------------------

// The text of a cell that is equal to the value; nothing: compare them all.
std::optional<std::string> cell_text(Type type, sqlite3_value* value) {
    const int kind = sqlite3_value_type(value);
    const bool stored_as_integer = is_integer(type) || type == Type::boolean;
    if (stored_as_integer ? kind != SQLITE_INTEGER : kind != SQLITE_TEXT) return std::nullopt;
    if (type == Type::boolean) return sqlite3_value_int64(value) != 0 ? "t" : "f";
    const auto* const text = reinterpret_cast<const char*>(sqlite3_value_text(value));
    if (text == nullptr) throw std::bad_alloc();
    return std::string(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
}

struct RelationCursor : sqlite3_vtab_cursor {
    static std::string columns(const Module& module) {
        std::string schema;
        for (const Column& column : module.relation->columns)
            schema += (schema.empty() ? "" : ", ") + quote_name(column.name) + ' ' +
                      std::string(row_of(column.type).declared);
        return schema;
    }

    // One column that must be equal to a value narrows the search. SQLite checks it again.
    static int choose(sqlite3_index_info& info) {
        constexpr double rows = 1000;
        info.estimatedCost = rows;
        info.estimatedRows = static_cast<sqlite3_int64>(rows);
        for (int i = 0; i < info.nConstraint; ++i) {
            const auto& constraint = info.aConstraint[i];
            if (!constraint.usable || constraint.op != SQLITE_INDEX_CONSTRAINT_EQ ||
                constraint.iColumn < 0)
                continue;
            info.aConstraintUsage[i].argvIndex = 1;
            info.idxNum = constraint.iColumn + 1;
            info.estimatedCost = 10;
            info.estimatedRows = 3;
            break;
        }
        return SQLITE_OK;
    }

    void begin(const Table& table, int column, std::span<sqlite3_value*> values) {
        const Relation& relation = *table.module->relation;
        if (!rows) rows = static_cast<Context&>(**table.module->running).rows_of(relation);
        found = nullptr;
        if (column == 0 || values.empty()) return;
        const auto index = static_cast<std::size_t>(column - 1);
        const auto text = cell_text(relation.columns[index].type, values[0]);
        if (text) found = &rows->with(index, *text);
    }

    [[nodiscard]] std::size_t count() const { return found ? found->size() : rows->rows().size(); }

    void give(const Table& table, sqlite3_context* context, int column) const {
        const auto index = static_cast<std::size_t>(column);
        const Cell& cell = rows->rows()[found ? (*found)[place] : place][index];
        const Type type = table.module->relation->columns[index].type;
        if (!cell)
            sqlite3_result_null(context);
        else if (type == Type::boolean)
            sqlite3_result_int(context, *cell == "t" ? 1 : 0);
        else if (is_integer(type))
            sqlite3_result_int64(context, std::strtoll(cell->c_str(), nullptr, 10));
        else if (type == Type::float8)
            sqlite3_result_double(context, std::strtod(cell->c_str(), nullptr));
        else
            give_text(context, *cell);
    }

    std::shared_ptr<RelationRows> rows;
    const std::vector<std::size_t>* found = nullptr; // nullptr: all rows
    std::size_t place = 0;
};

// --- unnest(array) as a table -------------------------------------------------------------------

struct ArrayCursor : sqlite3_vtab_cursor {
    static std::string columns(const Module& /*module*/) { return "value, array HIDDEN"; }

    static int choose(sqlite3_index_info& info) {
        info.estimatedCost = 10;
        info.estimatedRows = 10;
        for (int i = 0; i < info.nConstraint; ++i) {
            const auto& constraint = info.aConstraint[i];
            if (constraint.iColumn != 1 || constraint.op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
            if (!constraint.usable) return SQLITE_CONSTRAINT;
            info.aConstraintUsage[i] = {1, 1};
        }
        return SQLITE_OK;
    }

    void begin(const Table& /*table*/, int /*index*/, std::span<sqlite3_value*> values) {
        elements.clear();
        const auto* const text =
            values.empty() ? nullptr : reinterpret_cast<const char*>(sqlite3_value_text(values[0]));
        if (text == nullptr) return;
        auto read =
            array_elements({text, static_cast<std::size_t>(sqlite3_value_bytes(values[0]))});
        if (read) elements = std::move(*read);
    }

    [[nodiscard]] std::size_t count() const { return elements.size(); }

    void give(const Table& /*table*/, sqlite3_context* context, int column) const {
        if (column != 0 || !elements[place])
            sqlite3_result_null(context);
        else
            give_text(context, *elements[place]);
    }

    std::vector<std::optional<std::string>> elements;
    std::size_t place = 0;
};

// --- errors -----------------------------------------------------------------------------------

std::string in_quotes(std::string_view text) {
    return '"' + std::string(text) + '"';
}

// SQLite's message about what a client wrote, in PostgreSQL's words.
SqlError translate_error(int code, std::string_view message) {
    const auto rest = [&](std::string_view begin) -> std::optional<std::string_view> {
        if (!message.starts_with(begin)) return std::nullopt;
        return message.substr(begin.size());
    };
    switch (code & 0xff) {
    case SQLITE_INTERRUPT:
        return {"57014", "canceling statement: it takes more time than the console gives it"};
    case SQLITE_NOMEM: return {"53200", "out of memory"};
    case SQLITE_TOOBIG: return {"54000", "a value is too long for the console"};
    case SQLITE_AUTH: return {"42501", "permission denied"};
    default: break;
    }
    if (const auto name = rest("no such column: ")) {
        const bool qualified = name->find('.') != std::string_view::npos;
        return {"42703",
                "column " + (qualified ? std::string(*name) : in_quotes(*name)) +
                    " does not exist"};
    }
    if (const auto name = rest("no such table: "))
        return {"42P01", "relation " + in_quotes(*name) + " does not exist"};
    if (const auto name = rest("ambiguous column name: "))
        return {"42702", "column reference " + in_quotes(*name) + " is ambiguous"};
    if (message.starts_with("misuse of aggregate"))
        return {"42803", "aggregate functions are not allowed here"};
    if (message.starts_with("misuse of window"))
        return {"42P20", "window functions are not allowed here"};
    if (message.find("ORDER BY term out of range") != std::string_view::npos ||
        message.find("GROUP BY term out of range") != std::string_view::npos)
        return {"42P10", "ORDER BY or GROUP BY position is not in select list"};
    if (message.find("do not have the same number of result columns") != std::string_view::npos)
        return {"42601", "each UNION query must have the same number of columns"};
    if (message.find("all VALUES must have the same number of terms") != std::string_view::npos)
        return {"42601", "VALUES lists must all be the same length"};
    if (message.find("should return") != std::string_view::npos ||
        message.find("sub-select returns") != std::string_view::npos)
        return {"42601", "subquery must return only one column"};
    if (message.find("too many") != std::string_view::npos ||
        message.find("too large") != std::string_view::npos ||
        message.find("overflow") != std::string_view::npos ||
        message.find("at most") != std::string_view::npos)
        return {"54001", "statement is too complex for the console"};
    return {"42000", "the console cannot run this statement: " + std::string(message)};
}

} // namespace

// --- the database -----------------------------------------------------------------------------

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
    void add_relations();

    sqlite3* handle = nullptr;
    bool declaring = false;
    Running* running = nullptr; // the statement that is in sqlite3_step()
    std::vector<std::unique_ptr<Module>> modules;
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
    add_relations();
    limit();
    sqlite3_set_authorizer(handle, authorize, this);
    constexpr int steps_between_looks_at_the_clock = 2000;
    sqlite3_progress_handler(handle, steps_between_looks_at_the_clock, check_time, this);
}

void Engine::Database::add_relations() {
    static const sqlite3_module relations = VirtualTable<RelationCursor>::module();
    static const sqlite3_module arrays = VirtualTable<ArrayCursor>::module();
    for (const Relation& relation : all_relations()) {
        modules.push_back(std::make_unique<Module>(Module{&relation, &running, &declaring}));
        sqlite3_create_module_v2(
            handle, table_name(relation).c_str(), &relations, modules.back().get(), nullptr);
    }
    modules.push_back(std::make_unique<Module>(Module{nullptr, &running, &declaring}));
    sqlite3_create_module_v2(handle, "unnest", &arrays, modules.back().get(), nullptr);
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
    if (static_cast<const Database*>(self)->declaring) return SQLITE_OK;
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

// --- statements -------------------------------------------------------------------------------

namespace {

struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Prepared = std::unique_ptr<sqlite3_stmt, Finalize>;

// A star's columns have no item of their own: those before the first and after the last are known.
std::vector<OutputColumn> describe(sqlite3_stmt* statement, const Translated& translated) {
    const auto count = static_cast<std::size_t>(sqlite3_column_count(statement));
    const auto& items = translated.items;
    const auto is_star = [](const OutputItem& item) { return item.is_star; };
    const auto before =
        static_cast<std::size_t>(std::ranges::find_if(items, is_star) - items.begin());
    const auto last = std::find_if(items.rbegin(), items.rend(), is_star);
    const auto after = static_cast<std::size_t>(last - items.rbegin());
    std::vector<OutputColumn> columns;
    for (std::size_t i = 0; i < count; ++i) {
        const int place = static_cast<int>(i);
        const OutputItem* item = nullptr;
        if (i < before)
            item = &items[i];
        else if (before < items.size() && i + after >= count)
            item = &items[items.size() - (count - i)];
        const char* const own_name = sqlite3_column_name(statement, place);
        if (own_name == nullptr) throw std::bad_alloc();
        OutputColumn column{item ? item->name : own_name};
        const char* const declared = sqlite3_column_decltype(statement, place);
        Type type = declared ? type_of_declared(declared) : Type::unknown;
        if (type == Type::unknown && item) type = item->type;
        if (type == Type::unknown)
            if (const auto found = translated.derived.find(column.name);
                found != translated.derived.end())
                type = found->second;
        if (type != Type::unknown) column.type = type;
        columns.push_back(std::move(column));
    }
    return columns;
}

Cell text_of(sqlite3_stmt* statement, int place, Type type) {
    const int kind = sqlite3_column_type(statement, place);
    if (kind == SQLITE_NULL) return std::nullopt;
    if (type == Type::boolean && kind == SQLITE_INTEGER)
        return sqlite3_column_int64(statement, place) != 0 ? "t" : "f";
    if (type == Type::interval) return interval_text(sqlite3_column_double(statement, place));
    if (kind == SQLITE_FLOAT) return float_text(sqlite3_column_double(statement, place));
    const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement, place));
    if (text == nullptr) throw std::bad_alloc();
    return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, place)));
}

// Nothing: it is bound.
std::optional<SqlError>
bind(sqlite3_stmt* statement, int place, Type type, const std::string& text) {
    std::variant<std::string, SqlError> checked = checked_value(text, type);
    if (auto* error = std::get_if<SqlError>(&checked)) return std::move(*error);
    const std::string& value = std::get<std::string>(checked);
    if (type == Type::boolean)
        sqlite3_bind_int(statement, place, value == "t" ? 1 : 0);
    else if (is_integer(type))
        sqlite3_bind_int64(statement, place, std::strtoll(value.c_str(), nullptr, 10));
    else if (type == Type::float8 || type == Type::interval)
        sqlite3_bind_double(statement, place, std::strtod(value.c_str(), nullptr));
    else if (sqlite3_bind_text64(
                 statement, place, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8) !=
             SQLITE_OK)
        return SqlError{"54000", "a parameter is too long for the console"};
    return std::nullopt;
}

class StatementCursor final : public Cursor {
  public:
    using Enter = void (*)(void* database, Running* running, Clock::time_point until);

    StatementCursor(void* database,
                    Enter enter,
                    Prepared statement,
                    std::vector<OutputColumn> columns,
                    std::shared_ptr<const Scope> scope)
        : database_(database), enter_(enter), columns_(std::move(columns)), row_(columns_.size()),
          statement_(std::move(statement)) {
        context_.kept = std::move(scope);
        context_.scope = context_.kept.get();
    }

    bool next() override {
        if (context_.error || !statement_) return false;
        const auto begun = Clock::now();
        enter_(database_, &context_, begun + (limits::statement_time_max - context_.spent));
        const int result = step();
        enter_(database_, nullptr, {});
        context_.spent += Clock::now() - begun;
        if (result == SQLITE_ROW) return true;
        // Its rows are no longer needed; what it asked for is.
        statement_.reset();
        context_.relations.clear();
        context_.kept.reset();
        return false;
    }
    const Row& row() const override { return row_; }
    const std::optional<SqlError>& error() const override { return context_.error; }
    const Deeds& deeds() const override { return context_.deeds; }

  private:
    int step() {
        const int result = sqlite3_step(statement_.get());
        if (result == SQLITE_ROW)
            for (std::size_t i = 0; i < columns_.size(); ++i)
                row_[i] = text_of(statement_.get(), static_cast<int>(i), columns_[i].type);
        else if (result != SQLITE_DONE && !context_.error)
            context_.error =
                translate_error(result, sqlite3_errmsg(sqlite3_db_handle(statement_.get())));
        return result;
    }

    void* database_;
    Enter enter_;
    Context context_; // outlives the statement, whose cursors look at its rows
    std::vector<OutputColumn> columns_;
    Row row_;
    Prepared statement_;
};

} // namespace

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
    const Prepared prepared(raw);
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
    Prepared prepared(raw);
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

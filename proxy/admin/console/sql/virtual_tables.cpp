#include "proxy/admin/console/sql/virtual_tables.h"

#include "proxy/admin/console/sql/translate.h"
#include "proxy/admin/console/text_values.h"

#include <sqlite3.h>

#include <cstdlib>
#include <new>
#include <span>
#include <utility>

namespace pgmoat::admin::sql {

namespace {

using Module = VirtualTables::Module;

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
        if (!rows) rows = static_cast<RunningStatement&>(**table.module->running).rows_of(relation);
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

} // namespace

const std::vector<std::size_t>& RelationRows::with(std::size_t column, const std::string& text) {
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

std::shared_ptr<RelationRows> RunningStatement::rows_of(const Relation& relation) {
    auto& rows = relations[&relation];
    if (!rows) rows = std::make_shared<RelationRows>(relation.rows(*kept));
    return rows;
}

void VirtualTables::add_to(sqlite3* database) {
    static const sqlite3_module relations = VirtualTable<RelationCursor>::module();
    static const sqlite3_module arrays = VirtualTable<ArrayCursor>::module();
    for (const Relation& relation : all_relations()) {
        modules_.push_back(std::make_unique<Module>(Module{&relation, &running_, &declaring_}));
        sqlite3_create_module_v2(
            database, table_name(relation).c_str(), &relations, modules_.back().get(), nullptr);
    }
    modules_.push_back(std::make_unique<Module>(Module{nullptr, &running_, &declaring_}));
    sqlite3_create_module_v2(database, "unnest", &arrays, modules_.back().get(), nullptr);
}

} // namespace pgmoat::admin::sql

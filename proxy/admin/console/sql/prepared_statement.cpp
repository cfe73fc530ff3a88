#include "proxy/admin/console/sql/prepared_statement.h"

#include "proxy/admin/console/limits.h"
#include "proxy/admin/console/sql/error_texts.h"
#include "proxy/admin/console/text_values.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>
#include <variant>

namespace pgmoat::admin::sql {

namespace {

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

} // namespace

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

bool StatementCursor::next() {
    if (running_.error || !statement_) return false;
    const auto begun = Clock::now();
    enter_(database_, &running_, begun + (limits::statement_time_max - spent_));
    const int result = step();
    enter_(database_, nullptr, {});
    spent_ += Clock::now() - begun;
    if (result == SQLITE_ROW) return true;
    // Its rows are no longer needed; what it asked for is.
    statement_.reset();
    running_.relations.clear();
    running_.kept.reset();
    return false;
}

int StatementCursor::step() {
    const int result = sqlite3_step(statement_.get());
    if (result == SQLITE_ROW)
        for (std::size_t i = 0; i < columns_.size(); ++i)
            row_[i] = text_of(statement_.get(), static_cast<int>(i), columns_[i].type);
    else if (result != SQLITE_DONE && !running_.error)
        running_.error =
            translate_error(result, sqlite3_errmsg(sqlite3_db_handle(statement_.get())));
    return result;
}

} // namespace pgmoat::admin::sql

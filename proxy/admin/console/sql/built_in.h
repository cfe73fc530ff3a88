// A function that SQLite calls for us: what it sees of the call, and how a table of them gets there.
// One file for each kind of value that they are about; functions.cpp has what is about the session.
#pragma once

#include "proxy/admin/console/sql/functions.h"
#include "proxy/admin/console/types.h"

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <new>
#include <string>
#include <utility>

namespace pgmoat::admin::sql {

// One call: its arguments, and where the result goes.
class Call {
  public:
    Call(sqlite3_context* context, int count, sqlite3_value** values)
        : context_(context), count_(count), values_(values) {}

    [[nodiscard]] int count() const { return count_; }
    [[nodiscard]] bool is_null(int i) const {
        return i >= count_ || sqlite3_value_type(values_[i]) == SQLITE_NULL;
    }
    [[nodiscard]] bool any_null() const {
        for (int i = 0; i < count_; ++i)
            if (is_null(i)) return true;
        return false;
    }
    [[nodiscard]] bool is_text(int i) const {
        return sqlite3_value_type(values_[i]) == SQLITE_TEXT;
    }
    [[nodiscard]] bool is_integer(int i) const {
        return sqlite3_value_type(values_[i]) == SQLITE_INTEGER;
    }
    [[nodiscard]] std::string text(int i) const {
        const auto* const bytes = reinterpret_cast<const char*>(sqlite3_value_text(values_[i]));
        if (bytes == nullptr) throw std::bad_alloc();
        return {bytes, static_cast<std::size_t>(sqlite3_value_bytes(values_[i]))};
    }
    [[nodiscard]] std::int64_t integer(int i) const { return sqlite3_value_int64(values_[i]); }
    [[nodiscard]] double real(int i) const { return sqlite3_value_double(values_[i]); }
    [[nodiscard]] bool truth(int i) const { return sqlite3_value_int64(values_[i]) != 0; }

    void give() { sqlite3_result_null(context_); }
    void give(const std::string& text) {
        sqlite3_result_text64(context_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    void give(std::int64_t value) { sqlite3_result_int64(context_, value); }
    void give_truth(bool value) { sqlite3_result_int(context_, value ? 1 : 0); }
    void give(double value) { sqlite3_result_double(context_, value); }
    void give_argument(int i) { sqlite3_result_value(context_, values_[i]); }

    [[nodiscard]] Running& running() const {
        return **static_cast<Running**>(sqlite3_user_data(context_));
    }
    [[nodiscard]] const Scope& scope() const { return *running().scope; }
    void fail(SqlError error) {
        sqlite3_result_error(context_, error.message.c_str(), -1);
        running().error = std::move(error);
    }
    [[nodiscard]] sqlite3_context* context() const { return context_; }
    [[nodiscard]] sqlite3_value* value(int i) const { return values_[i]; }

  private:
    sqlite3_context* context_;
    int count_;
    sqlite3_value** values_;
};

// A value is read as a client's text would be, or the statement fails.
[[nodiscard]] bool read(Call& call, Type type, const std::string& text, std::string& into);

struct BuiltIn {
    const char* name;
    void (*body)(Call&);
    bool constant = false; // the same for the same arguments
};

template <const auto& functions, std::size_t place>
void enter(sqlite3_context* context, int count, sqlite3_value** values) {
    Call call(context, count, values);
    try {
        functions[place].body(call);
    } catch (const std::bad_alloc&) {
        sqlite3_result_error_nomem(context);
    }
}

template <const auto& functions, std::size_t... place>
bool add_all(sqlite3* database, Running*& running, std::index_sequence<place...> /*places*/) {
    const auto add = [&](const BuiltIn& row, auto* function) {
        const int flags = SQLITE_UTF8 | (row.constant ? SQLITE_DETERMINISTIC : 0);
        return sqlite3_create_function_v2(
                   database, row.name, -1, flags, &running, function, nullptr, nullptr, nullptr) ==
               SQLITE_OK;
    };
    return (add(functions[place], enter<functions, place>) && ...);
}

// False: out of memory.
template <const auto& functions>
bool add_functions(sqlite3* database, Running*& running) {
    return add_all<functions>(database, running, std::make_index_sequence<std::size(functions)>{});
}

// Casts, numbers and times.
[[nodiscard]] bool add_functions_of_values(sqlite3* database, Running*& running);
// Tables, types, schemas, by name and by number.
[[nodiscard]] bool add_functions_of_objects(sqlite3* database, Running*& running);
[[nodiscard]] bool add_functions_of_texts(sqlite3* database, Running*& running);
// The aggregates that make arrays, too.
[[nodiscard]] bool add_functions_of_arrays(sqlite3* database, Running*& running);

} // namespace pgmoat::admin::sql

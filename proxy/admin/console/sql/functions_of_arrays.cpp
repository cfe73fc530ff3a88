// add_functions_of_arrays(): arrays, and the aggregates that make them.
#include "proxy/admin/console/limits.h"
#include "proxy/admin/console/sql/built_in.h"
#include "proxy/admin/console/sql/system_catalog.h"
#include "proxy/admin/console/text_values.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pgmoat::admin::sql {

namespace {

using config::in_quotes;

// --- arrays -----------------------------------------------------------------------------------

using Elements = std::vector<std::optional<std::string>>;

std::optional<Elements> elements_of(Call& call, int i) {
    auto elements = array_elements(call.text(i));
    if (!elements) call.fail({"22P02", "malformed array literal: " + in_quotes(call.text(i))});
    return elements;
}

void array_of(Call& call) {
    Elements elements;
    for (int i = 0; i < call.count(); ++i)
        elements.push_back(call.is_null(i) ? std::nullopt : std::optional(call.text(i)));
    call.give(array_text(elements));
}

void array_cat(Call& call) {
    if (call.is_null(0) && call.is_null(1)) return call.give();
    if (call.is_null(0)) return call.give_argument(1);
    if (call.is_null(1)) return call.give_argument(0);
    auto left = elements_of(call, 0);
    const auto right = left ? elements_of(call, 1) : std::nullopt;
    if (!right) return;
    left->insert(left->end(), right->begin(), right->end());
    call.give(array_text(*left));
}

void array_get(Call& call) {
    if (call.any_null()) return call.give();
    const auto elements = elements_of(call, 0);
    if (!elements) return;
    const std::int64_t place = call.integer(1);
    if (place < 1 || place > static_cast<std::int64_t>(elements->size())) return call.give();
    const auto& element = (*elements)[static_cast<std::size_t>(place - 1)];
    if (element)
        call.give(*element);
    else
        call.give();
}

void array_to_string(Call& call) {
    if (call.is_null(0) || call.is_null(1)) return call.give();
    const auto elements = elements_of(call, 0);
    if (!elements) return;
    std::optional<std::string> text;
    for (const auto& element : *elements) {
        if (!element && call.is_null(2)) continue;
        text = (text ? *text + call.text(1) : std::string()) + (element ? *element : call.text(2));
    }
    call.give(text.value_or(""));
}

void array_length(Call& call) {
    if (call.any_null()) return call.give();
    const auto elements = elements_of(call, 0);
    if (!elements) return;
    if (elements->empty() || call.integer(1) != 1) return call.give();
    call.give(static_cast<std::int64_t>(elements->size()));
}

void cardinality(Call& call) {
    if (call.any_null()) return call.give();
    const auto elements = elements_of(call, 0);
    if (elements) call.give(static_cast<std::int64_t>(elements->size()));
}

void set_returning(Call& call) {
    call.fail({"0A000", "set-returning functions are implemented in FROM only"});
}

// An aggregate's elements, between its steps.
struct Collected {
    Elements* elements;
    std::size_t bytes;
};

void collect(sqlite3_context* context, int, sqlite3_value** values) {
    auto* const collected =
        static_cast<Collected*>(sqlite3_aggregate_context(context, sizeof(Collected)));
    if (collected == nullptr) return sqlite3_result_error_nomem(context);
    try {
        if (collected->elements == nullptr) collected->elements = new Elements;
        Call call(context, 1, values);
        auto element = call.is_null(0) ? std::nullopt : std::optional(call.text(0));
        collected->bytes += sizeof(element) + (element ? element->size() : 0);
        if (collected->bytes > static_cast<std::size_t>(limits::sql_value_bytes_max))
            return sqlite3_result_error_toobig(context);
        collected->elements->push_back(std::move(element));
    } catch (const std::bad_alloc&) {
        sqlite3_result_error_nomem(context);
    }
}

// Of no rows: NULL for array_agg(), an empty one for ARRAY(...).
template <bool empty_is_null>
void finish_array(sqlite3_context* context) {
    const auto* const collected = static_cast<Collected*>(sqlite3_aggregate_context(context, 0));
    const std::unique_ptr<Elements> elements(collected ? collected->elements : nullptr);
    Call call(context, 0, nullptr);
    if (!elements && empty_is_null) return call.give();
    call.give(elements ? array_text(*elements) : std::string("{}"));
}

// The same with a key to sort by.
struct Sorted {
    struct Entry {
        std::optional<std::string> value;
        bool key_is_null;
        bool key_is_text;
        double number;
        std::string text;
    };
    std::vector<Entry>* entries;
    std::size_t bytes;
    bool descending;
};

void collect_by(sqlite3_context* context, int, sqlite3_value** values) {
    auto* const sorted = static_cast<Sorted*>(sqlite3_aggregate_context(context, sizeof(Sorted)));
    if (sorted == nullptr) return sqlite3_result_error_nomem(context);
    try {
        if (sorted->entries == nullptr) sorted->entries = new std::vector<Sorted::Entry>;
        Call call(context, 3, values);
        const bool null = call.is_null(1);
        sorted->entries->push_back({call.is_null(0) ? std::nullopt : std::optional(call.text(0)),
                                    null,
                                    call.is_text(1),
                                    call.real(1),
                                    null ? std::string() : call.text(1)});
        const Sorted::Entry& entry = sorted->entries->back();
        sorted->bytes += sizeof(entry) + entry.text.size() + entry.value.value_or("").size();
        sorted->descending = call.truth(2);
        if (sorted->bytes > static_cast<std::size_t>(limits::sql_value_bytes_max))
            sqlite3_result_error_toobig(context);
    } catch (const std::bad_alloc&) {
        sqlite3_result_error_nomem(context);
    }
}

// NULLs sort last, and first where the order is turned round.
void finish_sorted(sqlite3_context* context) {
    const auto* const sorted = static_cast<Sorted*>(sqlite3_aggregate_context(context, 0));
    const std::unique_ptr<std::vector<Sorted::Entry>> entries(sorted ? sorted->entries : nullptr);
    Call call(context, 0, nullptr);
    if (!entries) return call.give();
    try {
        const auto less = [](const Sorted::Entry& left, const Sorted::Entry& right) {
            if (left.key_is_null || right.key_is_null)
                return !left.key_is_null && right.key_is_null;
            if (left.key_is_text && right.key_is_text) return left.text < right.text;
            return left.number < right.number;
        };
        const bool descending = sorted->descending;
        std::ranges::stable_sort(*entries, [&](const auto& left, const auto& right) {
            return descending ? less(right, left) : less(left, right);
        });
        Elements elements;
        for (Sorted::Entry& entry : *entries)
            elements.push_back(std::move(entry.value));
        call.give(array_text(elements));
    } catch (const std::bad_alloc&) {
        sqlite3_result_error_nomem(context);
    }
}

constexpr BuiltIn array_functions[] = {
    {"array_of", array_of, true},
    {"array_cat", array_cat, true},
    {"array_get", array_get, true},
    {"array_to_string", array_to_string, true},
    {"array_length", array_length, true},
    {"cardinality", cardinality, true},
    {"set_returning", set_returning},
};

} // namespace

bool add_functions_of_arrays(sqlite3* database, Running*& running) {
    const auto add_aggregate = [&](const char* name, void (*finish)(sqlite3_context*)) {
        return sqlite3_create_function_v2(
                   database, name, 1, SQLITE_UTF8, &running, nullptr, collect, finish, nullptr) ==
               SQLITE_OK;
    };
    return add_functions<array_functions>(database, running) &&
           sqlite3_create_function_v2(database,
                                      "array_agg_by",
                                      3,
                                      SQLITE_UTF8,
                                      &running,
                                      nullptr,
                                      collect_by,
                                      finish_sorted,
                                      nullptr) == SQLITE_OK &&
           add_aggregate("array_agg", finish_array<true>) &&
           add_aggregate("array_of_rows", finish_array<false>);
}

} // namespace pgmoat::admin::sql

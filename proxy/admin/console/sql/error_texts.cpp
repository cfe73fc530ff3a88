#include "proxy/admin/console/sql/error_texts.h"

#include "proxy/config/text.h"

#include <sqlite3.h>

#include <optional>
#include <string>

namespace pgmoat::admin::sql {

using config::in_quotes;

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
    if (const auto column = rest("no such column: ")) {
        // Newer SQLite (3.46 of Debian 13) quotes a name that was quoted, and adds this.
        constexpr std::string_view doubt = " - should this be a string literal in single-quotes?";
        const bool quoted = column->ends_with(doubt);
        const bool ready = quoted || column->find('.') != std::string_view::npos;
        const auto name = column->substr(0, column->size() - (quoted ? doubt.size() : 0));
        return {"42703",
                "column " + (ready ? std::string(name) : in_quotes(name)) + " does not exist"};
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

} // namespace pgmoat::admin::sql

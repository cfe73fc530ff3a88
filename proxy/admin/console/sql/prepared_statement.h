// A statement that SQLite has prepared: its columns in PostgreSQL's types, values for its parameters,
// and the cursor that runs it row by row within its time. Included by engine.cpp alone.
#pragma once

#include "proxy/admin/console/sql/engine.h"
#include "proxy/admin/console/sql/translate.h"
#include "proxy/admin/console/sql/virtual_tables.h"

#include <sqlite3.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pgmoat::admin::sql {

struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using PreparedStatement = std::unique_ptr<sqlite3_stmt, Finalize>;

[[nodiscard]] std::vector<OutputColumn> describe(sqlite3_stmt* statement,
                                                 const Translated& translated);

// Nothing: it is bound.
[[nodiscard]] std::optional<SqlError>
bind(sqlite3_stmt* statement, int place, Type type, const std::string& text);

class StatementCursor final : public Cursor {
  public:
    using Clock = std::chrono::steady_clock;
    // Tells the database which statement runs, and until when it may; nullptr: it has ended.
    using Enter = void (*)(void* database, Running* running, Clock::time_point until);

    StatementCursor(void* database,
                    Enter enter,
                    PreparedStatement statement,
                    std::vector<OutputColumn> columns,
                    std::shared_ptr<const Scope> scope)
        : database_(database), enter_(enter), columns_(std::move(columns)), row_(columns_.size()),
          statement_(std::move(statement)) {
        running_.kept = std::move(scope);
        running_.scope = running_.kept.get();
    }

    bool next() override;
    const Row& row() const override { return row_; }
    const std::optional<SqlError>& error() const override { return running_.error; }
    const Deeds& deeds() const override { return running_.deeds; }

  private:
    int step();

    void* database_;
    Enter enter_;
    Clock::duration spent_{};
    RunningStatement running_; // outlives the statement, whose cursors look at its rows
    std::vector<OutputColumn> columns_;
    Row row_;
    PreparedStatement statement_;
};

} // namespace pgmoat::admin::sql

// The console's relations, and unnest(array), as virtual tables of SQLite: it asks for their rows while
// a statement runs. The rows of a relation are made once for a statement, which sees one moment.
// Included by engine.cpp and prepared_statement.* alone.
#pragma once

#include "proxy/admin/console/sql/catalog.h"
#include "proxy/admin/console/sql/functions.h"

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace pgmoat::admin::sql {

// A relation's rows in one statement, and where a value of a column is found.
class RelationRows {
  public:
    explicit RelationRows(std::vector<Row> rows) : rows_(std::move(rows)) {}

    [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }
    [[nodiscard]] const std::vector<std::size_t>& with(std::size_t column, const std::string& text);

  private:
    std::vector<Row> rows_;
    std::map<std::size_t, std::optional<std::unordered_map<std::string, std::vector<std::size_t>>>>
        indexes_;
};

// One statement that runs.
struct RunningStatement : Running {
    std::shared_ptr<const Scope> kept;
    std::map<const Relation*, std::shared_ptr<RelationRows>> relations;

    std::shared_ptr<RelationRows> rows_of(const Relation& relation);
};

class VirtualTables {
  public:
    // When SQLite asks a table for its rows, `running` points to a RunningStatement.
    explicit VirtualTables(Running*& running) : running_(running) {}

    // They must outlive the database.
    void add_to(sqlite3* database);
    // The authorizer is asked about the declaration of a table, too.
    [[nodiscard]] bool is_declaring() const noexcept { return declaring_; }

    struct Module {
        const Relation* relation; // nullptr: unnest()
        Running** running;
        bool* declaring;
    };

  private:
    Running*& running_;
    bool declaring_ = false;
    std::vector<std::unique_ptr<Module>> modules_;
};

} // namespace pgmoat::admin::sql

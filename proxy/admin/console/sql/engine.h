// SQLite, boxed: an empty database in memory whose only tables are the console's relations, as
// virtual tables. It can read them and call our functions; an authorizer refuses everything else,
// and each statement has bounds for time, memory and size (limits.h).
//
//   Engine engine;                                       // of a session
//   auto plan = engine.plan(tokens, types);              // columns and parameters are known
//   auto cursor = engine.open(plan, values, scope);      // scope: what there is to see
//   while (cursor->next()) use(cursor->row());           // then cursor->error(), cursor->deeds()
//
// One thread at a time.
#pragma once

#include "proxy/admin/console/sql/catalog.h"
#include "proxy/admin/console/sql/lexer.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pgmoat::admin::sql {

struct OutputColumn {
    std::string name;
    Type type = Type::text;
};

struct Plan {
    std::string sql;
    std::vector<OutputColumn> columns;
    std::vector<Type> parameters;
};

// What the functions of a statement asked for. The caller carries it out.
struct Deeds {
    bool reload = false;
    std::vector<std::uint64_t> kills;                     // ids of connections
    std::vector<std::pair<std::string, std::string>> set; // parameters of the session
};

class Cursor {
  public:
    virtual ~Cursor() = default;
    // False: there is no further row, or an error.
    [[nodiscard]] virtual bool next() = 0;
    // In PostgreSQL's text format; of the last next().
    [[nodiscard]] virtual const Row& row() const = 0;
    [[nodiscard]] virtual const std::optional<SqlError>& error() const = 0;
    [[nodiscard]] virtual const Deeds& deeds() const = 0;
};

class Engine {
  public:
    Engine();
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    [[nodiscard]] std::variant<Plan, SqlError> plan(const Tokens& statement,
                                                    std::span<const Type> parameters);
    // `values` in text format, one for each parameter of the plan. The cursor must not outlive the
    // engine.
    [[nodiscard]] std::variant<std::unique_ptr<Cursor>, SqlError>
    open(const Plan& plan, std::span<const Cell> values, std::shared_ptr<const Scope> scope);

  private:
    struct Database;
    std::unique_ptr<Database> database_;
};

} // namespace pgmoat::admin::sql

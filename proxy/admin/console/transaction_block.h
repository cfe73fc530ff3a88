// The transaction block of a console session. The console has no transactions: a block is kept up for
// drivers that need one, and changes nothing but the status that they are told. In a failed one
// nothing runs, as in PostgreSQL.
#pragma once

#include "protocol/server_messages.h"
#include "proxy/admin/console/statement.h"
#include "proxy/admin/console/table.h"

#include <optional>
#include <string>
#include <vector>

namespace pgmoat::admin {

class TransactionBlock {
  public:
    [[nodiscard]] protocol::TransactionStatus status() const noexcept { return status_; }
    [[nodiscard]] bool is_open() const noexcept {
        return status_ != protocol::TransactionStatus::idle;
    }
    // Nothing: the statement may run.
    [[nodiscard]] std::optional<SqlError> refuse(const Statement& statement) const;

    void begin() { status_ = protocol::TransactionStatus::in_block; }
    void end();
    // False: it had failed, and this was a rollback.
    [[nodiscard]] bool commit();
    void fail();
    // SAVEPOINT, RELEASE and ROLLBACK TO. `in_query`: a query of several statements is a block, too.
    [[nodiscard]] std::optional<SqlError> savepoint(const Statement& statement, bool in_query);

  private:
    std::vector<std::string> savepoints_;
    protocol::TransactionStatus status_ = protocol::TransactionStatus::idle;
};

} // namespace pgmoat::admin

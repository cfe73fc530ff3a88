#include "proxy/admin/console/transaction_block.h"

#include "proxy/admin/console/limits.h"
#include "proxy/config/text.h"

#include <algorithm>

namespace pgmoat::admin {

using config::in_quotes;
using protocol::TransactionStatus;

std::optional<SqlError> TransactionBlock::refuse(const Statement& statement) const {
    if (status_ != TransactionStatus::failed) return std::nullopt;
    for (const Verb verb : {Verb::commit, Verb::rollback, Verb::rollback_to, Verb::empty})
        if (statement.verb == verb) return std::nullopt;
    return SqlError{"25P02",
                    "current transaction is aborted, commands ignored until end of transaction "
                    "block"};
}

void TransactionBlock::end() {
    status_ = TransactionStatus::idle;
    savepoints_.clear();
}

bool TransactionBlock::commit() {
    const bool had_failed = status_ == TransactionStatus::failed;
    end();
    return !had_failed;
}

void TransactionBlock::fail() {
    if (status_ == TransactionStatus::in_block) status_ = TransactionStatus::failed;
}

std::optional<SqlError> TransactionBlock::savepoint(const Statement& statement, bool in_query) {
    const std::string what(statement.verb == Verb::savepoint ? "SAVEPOINT"
                           : statement.verb == Verb::release ? "RELEASE SAVEPOINT"
                                                             : "ROLLBACK TO SAVEPOINT");
    if (status_ == TransactionStatus::idle && !in_query)
        return SqlError{"25P01", what + " can only be used in transaction blocks"};
    if (statement.verb == Verb::savepoint) {
        if (savepoints_.size() >= limits::savepoints_max)
            return SqlError{"54000", "too many savepoints"};
        savepoints_.push_back(statement.argument);
        return std::nullopt;
    }
    const auto found = std::find(savepoints_.rbegin(), savepoints_.rend(), statement.argument);
    if (found == savepoints_.rend())
        return SqlError{"3B001", "savepoint " + in_quotes(statement.argument) + " does not exist"};
    const bool keeps = statement.verb == Verb::rollback_to;
    savepoints_.erase(found.base() - (keeps ? 0 : 1), savepoints_.end());
    if (keeps && status_ == TransactionStatus::failed) status_ = TransactionStatus::in_block;
    return std::nullopt;
}

} // namespace pgmoat::admin

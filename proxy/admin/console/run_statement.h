// Carries out one recognised statement: who may, then rows or a deed. Called where Backend may be
// called.
#pragma once

#include "proxy/admin/console/backend.h"
#include "proxy/admin/console/statement.h"
#include "proxy/admin/console/table.h"

#include <string>

namespace pgmoat::admin {

struct ConsoleUser {
    std::string name;
    Role role = Role::stats_user;
};

[[nodiscard]] Answer
run_statement(const Statement& statement, const ConsoleUser& user, Backend& backend);

// The same for a user whose role is looked up now: he may have lost it since he came in.
[[nodiscard]] Answer run_for(const std::string& user, const Statement& statement, Backend& backend);

// What an answer that `reloads` has become; `wrong` is what the backend heard.
[[nodiscard]] Answer after_reload(Answer answer, const std::string& wrong);

} // namespace pgmoat::admin

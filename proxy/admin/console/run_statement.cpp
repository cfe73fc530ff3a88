#include "proxy/admin/console/run_statement.h"

#include "proxy/admin/console/login.h"
#include "proxy/admin/console/views.h"

#include <utility>

namespace pgmoat::admin {

namespace {

Answer failed(std::string_view sqlstate, std::string message, std::string hint = {}) {
    Answer answer;
    answer.error = SqlError{sqlstate, std::move(message), std::move(hint)};
    return answer;
}

Answer tagged(const Statement& statement, Afterwards afterwards = Afterwards::nothing) {
    Answer answer;
    answer.tag = row_of(statement.verb).tag;
    if (statement.verb == Verb::deallocate && statement.argument.empty()) answer.tag += " ALL";
    answer.afterwards = afterwards;
    return answer;
}

Answer look(const Statement& statement, const std::string& user, const Backend& backend) {
    Answer answer;
    answer.rows = rows_of(statement, user, backend);
    answer.tag = row_of(statement.verb).tag;
    if (statement.verb == Verb::select) answer.tag += ' ' + std::to_string(answer.rows.size());
    return answer;
}

Answer begin_reload(const Statement& statement) {
    Answer answer = tagged(statement);
    answer.reloads = true;
    return answer;
}

Answer kill(const Statement& statement, const ConsoleUser& user, Backend& backend) {
    const bool found = backend.kill(statement.id, "ended by console user \"" + user.name + '"');
    if (found) return tagged(statement);
    return failed("42704",
                  "there is no connection " + std::to_string(statement.id),
                  "SHOW CONNECTIONS lists them.");
}

} // namespace

Answer run_statement(const Statement& statement, const ConsoleUser& user, Backend& backend) {
    const VerbRow& verb = row_of(statement.verb);
    if (verb.needs == Role::console_user && user.role != Role::console_user)
        return failed("42501",
                      "permission denied: " + std::string(verb.tag) + " is for console_users only");
    switch (statement.verb) {
    case Verb::select:
    case Verb::show: return look(statement, user.name, backend);
    case Verb::reload: return begin_reload(statement);
    case Verb::kill: return kill(statement, user, backend);
    case Verb::drain: return tagged(statement, Afterwards::drain);
    case Verb::shutdown: return tagged(statement, Afterwards::shut_down);
    case Verb::empty:
    case Verb::set:
    case Verb::begin:
    case Verb::commit:
    case Verb::rollback:
    case Verb::discard:
    case Verb::reset:
    case Verb::deallocate: break;
    }
    return tagged(statement);
}

Answer run_for(const std::string& user, const Statement& statement, Backend& backend) {
    const std::optional<Role> role = role_of(user, backend.config());
    if (role) return run_statement(statement, {user, *role}, backend);
    return failed("42501", "permission denied: you are no longer a user of the console");
}

Answer after_reload(Answer answer, const std::string& wrong) {
    if (wrong.empty()) return answer;
    return failed("F0000", wrong, "No changes were applied.");
}

} // namespace pgmoat::admin

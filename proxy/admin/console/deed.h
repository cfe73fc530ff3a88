// The effect of a console statement on the server, and the role it needs. Pure except for calls of
// the backend; called on the thread on which that may be called.
#pragma once

#include "proxy/admin/console/backend.h"
#include "proxy/admin/console/statement.h"
#include "proxy/admin/console/table.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pgmoat::admin {

// What to do after the answer was sent, since it may end this connection.
enum class Afterwards { nothing, drain, shut_down };

struct Deed {
    std::string_view what = {}; // for error messages: RELOAD, pg_terminate_backend
    bool reload = false;        // the answer waits until it has finished
    std::vector<std::uint64_t> kills = {};
    bool must_exist =
        false; // KILL of a missing connection is an error; pg_terminate_backend() returns false
    Afterwards afterwards = Afterwards::nothing;
    std::optional<config::Place> place = std::nullopt; // to be taken out of service, or put back
    bool in_service = false;                           // put back
};

// Of a statement that is no query. Nothing: it is a matter of the session alone.
[[nodiscard]] std::optional<Deed> deed_of(const Statement& statement);

// Nothing: the user may do this.
[[nodiscard]] std::optional<SqlError>
refuse(const Deed& deed, const std::string& user, const config::Config& config);

// Ends the connections; the caller does the reload and the rest.
[[nodiscard]] std::optional<SqlError>
kill_all(const Deed& deed, const std::string& user, Backend& backend);

// Takes the place out of service or puts it back, if there is one.
[[nodiscard]] std::optional<SqlError>
set_service(const Deed& deed, const std::string& user, Backend& backend);

// The answer after a reload; `wrong` is the backend's error. Nothing: it succeeded.
[[nodiscard]] std::optional<SqlError> after_reload(const std::string& wrong);

} // namespace pgmoat::admin

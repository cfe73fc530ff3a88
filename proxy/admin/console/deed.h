// What a statement of the console does to the server, and which role it needs. Pure except for calls
// of the backend; called on the thread on which that may be called.
#pragma once

#include "proxy/admin/console/backend.h"
#include "proxy/admin/console/statement.h"
#include "proxy/admin/console/table.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pgmoat::admin {

// What is to be done once the answer has been sent: it may end the connection that it goes to.
enum class Afterwards { nothing, drain, shut_down };

struct Deed {
    std::string_view what = {}; // for the error: RELOAD, pg_terminate_backend
    bool reload = false;        // the answer waits for its end
    std::vector<std::uint64_t> kills = {};
    bool must_exist = false; // KILL of nothing is an error; pg_terminate_backend() said false
    Afterwards afterwards = Afterwards::nothing;
    std::optional<config::Place> place = std::nullopt; // to be taken out of service, or put back
    bool in_service = false;                           // put back
};

// Of a statement that is no query. Nothing: it is a matter of the session alone.
[[nodiscard]] std::optional<Deed> deed_of(const Statement& statement);

// Nothing: this user may.
[[nodiscard]] std::optional<SqlError>
refuse(const Deed& deed, const std::string& user, const config::Config& config);

// Ends the connections; a reload and what is to be done afterwards are the caller's.
[[nodiscard]] std::optional<SqlError>
kill_all(const Deed& deed, const std::string& user, Backend& backend);

// Takes the place out of service or puts it back, if there is one.
[[nodiscard]] std::optional<SqlError>
set_service(const Deed& deed, const std::string& user, Backend& backend);

// What is said of a reload; `wrong` is what the backend heard. Nothing: it is done.
[[nodiscard]] std::optional<SqlError> after_reload(const std::string& wrong);

} // namespace pgmoat::admin

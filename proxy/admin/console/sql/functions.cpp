#include "proxy/admin/console/sql/functions.h"

#include "proxy/admin/console/console_login.h"
#include "proxy/admin/console/parameters.h"
#include "proxy/admin/console/sql/built_in.h"
#include "proxy/admin/console/sql/system_catalog.h"
#include "proxy/admin/console/text_values.h"

#include <set>
#include <string>
#include <utility>

namespace pgmoat::admin::sql {

namespace {

// --- the session and the server ----------------------------------------------------------------

void version(Call& call) {
    call.give("PostgreSQL " + std::string(find_parameter("server_version")->value) +
              ", a connection proxy");
}

void current_setting(Call& call) {
    if (call.is_null(0)) return call.give();
    const auto value =
        shown_value(call.text(0), call.scope().parameters, call.scope().snapshot.config());
    if (value) return call.give(*value);
    if (call.count() > 1 && call.truth(1)) return call.give();
    call.fail(unrecognized_parameter(call.text(0)));
}

void set_config(Call& call) {
    if (call.is_null(0)) return call.fail({"22004", "SET requires parameter name"});
    const std::string name = call.text(0);
    const std::string value = call.is_null(1) ? "" : call.text(1);
    if (auto error = refuse_to_set(name, value)) return call.fail(std::move(*error));
    call.running().deeds.set.emplace_back(name, value);
    call.give(value);
}

bool may_act(Call& call, const char* function) {
    if (call.scope().may_act) return true;
    call.fail({"42501", std::string("permission denied for function ") + function});
    return false;
}

void reload_conf(Call& call) {
    if (!may_act(call, "pg_reload_conf")) return;
    call.running().deeds.reload = true;
    call.give_truth(true);
}

// By the number that SHOW CONNECTIONS lists, or by the server process's.
void terminate_backend(Call& call) {
    if (!may_act(call, "pg_terminate_backend")) return;
    if (call.is_null(0)) return call.give();
    const auto number = static_cast<std::uint64_t>(call.integer(0));
    std::set<std::uint64_t> found;
    for (const Connection& connection : call.scope().snapshot.connections()) {
        const bool is_process = connection.facts.backend_process_id != 0 &&
                                connection.facts.backend_process_id == number;
        if (connection.id == number || is_process) found.insert(connection.id);
    }
    if (found.size() > 1) {
        std::string ids;
        for (const std::uint64_t id : found)
            ids += (ids.empty() ? "" : ", ") + std::to_string(id);
        return call.fail({"42725",
                          "connections " + ids + " have this number as id or as pid",
                          "KILL ends one connection by its id."});
    }
    if (!found.empty()) call.running().deeds.kills.push_back(*found.begin());
    call.give_truth(!found.empty());
}

void current_schemas(Call& call) {
    call.give(std::string(!call.is_null(0) && call.truth(0) ? "{pg_catalog,public}" : "{public}"));
}

constexpr BuiltIn functions[] = {
    {"version", version},
    {"current_database", [](Call& call) { call.give(std::string(console_database)); }},
    {"current_schema", [](Call& call) { call.give(std::string("public")); }},
    {"current_schemas", current_schemas, true},
    {"session_user", [](Call& call) { call.give(call.scope().user); }},
    {"pg_backend_pid",
     [](Call& call) { call.give(static_cast<std::int64_t>(call.scope().session_id)); }},
    {"pg_postmaster_start_time",
     [](Call& call) { call.give(timestamp_text(call.scope().snapshot.started())); }},
    {"current_setting", current_setting},
    {"set_config", set_config},
    {"pg_reload_conf", reload_conf},
    {"pg_terminate_backend", terminate_backend},
    {"yes", [](Call& call) { call.give_truth(true); }, true},
    {"no", [](Call& call) { call.give_truth(false); }, true},
    {"nothing", [](Call& call) { call.give(); }, true},
};

} // namespace

bool register_functions(sqlite3* database, Running*& running) {
    return add_functions<functions>(database, running) &&
           add_functions_of_values(database, running) &&
           add_functions_of_objects(database, running) &&
           add_functions_of_texts(database, running) && add_functions_of_arrays(database, running);
}

} // namespace pgmoat::admin::sql

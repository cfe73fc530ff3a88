#include "proxy/admin/console/deed.h"

#include "proxy/admin/console/login.h"

namespace pgmoat::admin {

std::optional<Deed> deed_of(const Statement& statement) {
    Deed deed;
    deed.what = row_of(statement.verb).tag;
    switch (statement.verb) {
    case Verb::reload: deed.reload = true; return deed;
    case Verb::drain:
        deed.place = statement.place;
        if (!deed.place) deed.afterwards = Afterwards::drain;
        return deed;
    case Verb::undrain:
        deed.place = statement.place;
        deed.in_service = true;
        return deed;
    case Verb::shutdown: deed.afterwards = Afterwards::shut_down; return deed;
    case Verb::kill:
        deed.kills = {statement.id};
        deed.must_exist = true;
        return deed;
    default: return std::nullopt;
    }
}

std::optional<SqlError>
refuse(const Deed& deed, const std::string& user, const config::Config& config) {
    const std::optional<Role> role = role_of(user, config);
    if (!role) return no_longer_a_user();
    if (*role == Role::console_user) return std::nullopt;
    return SqlError{"42501",
                    "permission denied: " + std::string(deed.what) + " is for console_users only"};
}

std::optional<SqlError> kill_all(const Deed& deed, const std::string& user, Backend& backend) {
    for (const std::uint64_t id : deed.kills) {
        const bool found = backend.kill(id, "ended by console user \"" + user + '"');
        if (!found && deed.must_exist)
            return SqlError{"42704",
                            "there is no connection " + std::to_string(id),
                            "SHOW CONNECTIONS lists them."};
    }
    return std::nullopt;
}

std::optional<SqlError> set_service(const Deed& deed, const std::string& user, Backend& backend) {
    if (!deed.place) return std::nullopt;
    const std::string wrong = backend.set_service(*deed.place, deed.in_service, user);
    if (wrong.empty()) return std::nullopt;
    const bool listener = deed.place->kind == config::Place::Kind::listener;
    return SqlError{
        "42704", wrong, listener ? "SHOW LISTENERS lists them." : "SHOW UPSTREAMS lists them."};
}

std::optional<SqlError> after_reload(const std::string& wrong) {
    if (wrong.empty()) return std::nullopt;
    return SqlError{"F0000", wrong, "No changes were applied."};
}

} // namespace pgmoat::admin

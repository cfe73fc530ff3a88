#include "proxy/access/lookup_client.h"

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

namespace pgmoat::access {

using hba::ClientHostName;
using hba::UserRoles;

LookupClient::LookupClient(runtime::ControlThread& thread) : thread_(thread), arrival_(thread) {}

void LookupClient::cancel() {
    arrival_.interrupt();
}

template <typename Answer, typename Ask>
Awaitable<Answer> LookupClient::wait_for(Ask ask, Answer when_cancelled) {
    const auto arrived = std::make_shared<std::optional<Answer>>();
    auto asked = ask(arrival_.delivery_to(arrived));
    if (auto* known = std::get_if<Answer>(&asked)) co_return std::move(*known);
    while (!*arrived && !arrival_.interrupted())
        co_await arrival_.wait();
    if (!*arrived) co_return when_cancelled;
    co_return std::move(**arrived);
}

Awaitable<ClientHostName> LookupClient::client_host_name(hba::NetAddress address) {
    ClientHostName cancelled;
    cancelled.reverse_error = "cancelled";
    const auto ask = [&](auto deliver) {
        return thread_.services.lookups.host_names.ask(address, deliver);
    };
    co_return co_await wait_for(ask, std::move(cancelled));
}

Awaitable<UserRoles> LookupClient::user_roles(lookups::RoleSource source, std::string user) {
    UserRoles cancelled;
    cancelled.error = "cancelled";
    const auto ask = [&](auto deliver) {
        return thread_.services.lookups.roles.ask(source, user, deliver);
    };
    co_return co_await wait_for(ask, std::move(cancelled));
}

Awaitable<hba::SystemUser> LookupClient::system_user(std::uint32_t uid) {
    const auto ask = [&](auto deliver) {
        return thread_.services.lookups.system_users.ask(uid, deliver);
    };
    // A named variable, since g++ 12 destroys the members of a braced argument in a co_await
    // expression twice.
    hba::SystemUser cancelled{{}, "cancelled"};
    co_return co_await wait_for(ask, std::move(cancelled));
}

// A cached answer is delayed as long as its query took; a stale one is used if the new answer is
// late.
Awaitable<lookups::UserSecret>
LookupClient::user_secret(lookups::QuerySource source, std::string user, bool again) {
    using SecretsClock = lookups::Secrets::Clock;
    const auto arrived = std::make_shared<std::optional<lookups::UserSecret>>();
    auto asked =
        thread_.services.lookups.secrets.ask(source, user, again, arrival_.delivery_to(arrived));
    lookups::UserSecret late;
    late.error = "cancelled";
    auto late_at = SecretsClock::time_point::max();
    if (auto* known = std::get_if<lookups::UserSecret>(&asked)) {
        late = std::move(*known);
        late_at = SecretsClock::now() + late.took;
    } else if (auto& pending = std::get<lookups::Secrets::Pending>(asked); pending.stale) {
        late = std::move(*pending.stale);
        late_at = pending.use_stale_at;
    }
    while (!*arrived && !arrival_.interrupted() && SecretsClock::now() < late_at)
        co_await arrival_.wait(late_at);
    if (*arrived)
        late = std::move(**arrived);
    else if (arrival_.interrupted())
        late = {std::nullopt, "cancelled", {}};
    co_return late;
}

} // namespace pgmoat::access

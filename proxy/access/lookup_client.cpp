#include "proxy/access/lookup_client.h"

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

namespace pgmoat::access {

using hba::ClientHostName;
using hba::UserRoles;

LookupClient::LookupClient(runtime::ControlThread& thread)
    : thread_(thread), arrival_(thread.context, asio::steady_timer::time_point::max()) {}

void LookupClient::cancel() {
    cancelled_ = true;
    arrival_.cancel();
}

// The worker holds only a weak_ptr: if the session is gone, the answer is discarded. Only this
// thread reads the place that the answer is written to.
template <typename Answer>
std::function<void(const Answer&)>
LookupClient::delivery_to(const std::shared_ptr<std::optional<Answer>>& place) {
    return [this, weak = std::weak_ptr(place), executor = thread_.executor](const Answer& answer) {
        executor->post([this, weak, answer] {
            const auto still_waiting = weak.lock();
            if (!still_waiting) return;
            still_waiting->emplace(answer);
            arrival_.cancel();
        });
    };
}

template <typename Answer, typename Ask>
Awaitable<Answer> LookupClient::wait_for(Ask ask, Answer when_cancelled) {
    const auto arrived = std::make_shared<std::optional<Answer>>();
    auto asked = ask(delivery_to(arrived));
    if (auto* known = std::get_if<Answer>(&asked)) co_return std::move(*known);
    while (!*arrived && !cancelled_)
        co_await arrival_.async_wait(as_value);
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
    // Named first: g++ 12 destroys what a braced argument of a co_await holds twice.
    hba::SystemUser cancelled{{}, "cancelled"};
    co_return co_await wait_for(ask, std::move(cancelled));
}

// An answer that was kept comes as late as one that is not; an old one when the new one is late.
Awaitable<lookups::UserSecret>
LookupClient::user_secret(lookups::QuerySource source, std::string user, bool again) {
    using Clock = lookups::Secrets::Clock;
    const auto arrived = std::make_shared<std::optional<lookups::UserSecret>>();
    auto asked = thread_.services.lookups.secrets.ask(source, user, again, delivery_to(arrived));
    lookups::UserSecret late;
    late.error = "cancelled";
    auto late_at = Clock::time_point::max();
    if (auto* known = std::get_if<lookups::UserSecret>(&asked)) {
        late = std::move(*known);
        late_at = Clock::now() + late.took;
    } else if (auto& pending = std::get<lookups::Secrets::Pending>(asked); pending.stale) {
        late = std::move(*pending.stale);
        late_at = pending.use_stale_at;
    }
    arrival_.expires_at(late_at);
    while (!*arrived && !cancelled_ && Clock::now() < late_at)
        co_await arrival_.async_wait(as_value);
    arrival_.expires_at(Clock::time_point::max());
    if (*arrived)
        late = std::move(**arrived);
    else if (cancelled_)
        late = {std::nullopt, "cancelled", {}};
    co_return late;
}

} // namespace pgmoat::access

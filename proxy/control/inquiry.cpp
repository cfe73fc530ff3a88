#include "proxy/control/inquiry.h"

#include <memory>
#include <optional>
#include <utility>
#include <variant>

namespace pgmoat::control {

using hba::ClientHostName;
using hba::UserRoles;

Inquiry::Inquiry(runtime::ControlThread& thread)
    : thread_(thread), arrival_(thread.context, asio::steady_timer::time_point::max()) {}

void Inquiry::cancel() {
    cancelled_ = true;
    arrival_.cancel();
}

// The worker knows the question only weakly: when the session has gone, its answer falls to the
// ground. The place for it is looked at on this thread alone.
template <typename Answer, typename Ask>
Awaitable<Answer> Inquiry::wait_for(Ask ask, Answer when_cancelled) {
    const auto place = std::make_shared<std::optional<Answer>>();
    const auto deliver =
        [this, weak = std::weak_ptr(place), executor = thread_.executor](const Answer& answer) {
            executor->post([this, weak, answer] {
                const auto still_waiting = weak.lock();
                if (!still_waiting) return;
                still_waiting->emplace(answer);
                arrival_.cancel();
            });
        };
    auto asked = ask(deliver);
    if (auto* known = std::get_if<Answer>(&asked)) co_return std::move(*known);
    while (!*place && !cancelled_)
        co_await arrival_.async_wait(as_value);
    if (!*place) co_return when_cancelled;
    co_return std::move(**place);
}

Awaitable<ClientHostName> Inquiry::client_host_name(hba::NetAddress address) {
    ClientHostName cancelled;
    cancelled.reverse_error = "cancelled";
    const auto ask = [&](auto deliver) {
        return thread_.services.lookups.host_names.ask(address, deliver);
    };
    co_return co_await wait_for(ask, std::move(cancelled));
}

Awaitable<UserRoles> Inquiry::user_roles(lookups::RoleSource source, std::string user) {
    UserRoles cancelled;
    cancelled.error = "cancelled";
    const auto ask = [&](auto deliver) {
        return thread_.services.lookups.roles.ask(source, user, deliver);
    };
    co_return co_await wait_for(ask, std::move(cancelled));
}

} // namespace pgmoat::control

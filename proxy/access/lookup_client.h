// Lets a session's coroutine wait for lookups without blocking its thread. One question at a time.
#pragma once

#include "proxy/hba/evaluate/questions.h"
#include "proxy/io/asio.h"
#include "proxy/lookups/roles.h"
#include "proxy/lookups/secrets.h"
#include "proxy/runtime/arrival.h"
#include "proxy/runtime/services.h"

#include <cstdint>
#include <string>

namespace pgmoat::access {

class LookupClient {
  public:
    explicit LookupClient(runtime::ControlThread& thread);

    // After cancel() the answers are empty, with error texts that say so.
    [[nodiscard]] Awaitable<hba::ClientHostName> client_host_name(hba::NetAddress address);
    [[nodiscard]] Awaitable<hba::UserRoles> user_roles(lookups::RoleSource source,
                                                       std::string user);

    [[nodiscard]] Awaitable<hba::SystemUser> system_user(std::uint32_t uid);

    // `again`: bypass the cache. A cached answer takes as long as its query took.
    [[nodiscard]] Awaitable<lookups::UserSecret>
    user_secret(lookups::QuerySource source, std::string user, bool again);

    // All waits, current and future ones, end at once.
    void cancel();

  private:
    template <typename Answer, typename Ask>
    Awaitable<Answer> wait_for(Ask ask, Answer when_cancelled);

    runtime::ControlThread& thread_;
    runtime::Arrival arrival_;
};

} // namespace pgmoat::access

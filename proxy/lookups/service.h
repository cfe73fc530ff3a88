// All lookups of the process. They start threads when they are first used.
#pragma once

#include "proxy/lookups/addresses.h"
#include "proxy/lookups/dns.h"
#include "proxy/lookups/roles.h"
#include "proxy/lookups/secrets.h"
#include "proxy/lookups/server_states.h"
#include "proxy/lookups/system_users.h"

namespace pgmoat::lookups {

struct Service {
    HostNames host_names{host_name_bounds(), host_name_work()};
    Roles roles;
    AddressBook addresses;
    SystemUsers system_users{system_user_bounds(), system_user_work()};
    Secrets secrets;
    ServerStates server_states;

    Service() = default;
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    // Waits a moment for the workers; those that hang are abandoned.
    ~Service() {
        roles.close(farewell);
        secrets.close(farewell);
        server_states.close(farewell);
        host_names.close(farewell);
        addresses.close(farewell);
        system_users.close(farewell);
    }
};

} // namespace pgmoat::lookups

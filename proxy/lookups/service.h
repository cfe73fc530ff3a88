// The lookups of the process: made with it, without a thread until someone asks.
#pragma once

#include "proxy/lookups/dns.h"
#include "proxy/lookups/roles.h"

namespace pgmoat::lookups {

struct Service {
    HostNames host_names{host_name_bounds(), host_name_work()};
    Roles roles;

    Service() = default;
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    // Workers that are not stuck end before the process does.
    ~Service() {
        roles.close(farewell);
        host_names.close(farewell);
    }
};

} // namespace pgmoat::lookups

// The questions of an evaluation that must be looked up, and the answers. A header of its own, so
// that the lookups need not include the evaluation.
#pragma once

#include "proxy/hba/net_address.h"

#include <set>
#include <string>
#include <vector>

namespace pgmoat::hba {

// The reverse lookup of the client's address, and whether the forward lookup of that name gives the
// address again.
struct ClientHostName {
    std::string name;          // empty: the reverse lookup failed
    std::string reverse_error; // the resolver's text
    bool forward_matches = false;
    std::string forward_error; // empty: it succeeded
};
// All roles of which the user is a member, including itself. An unknown user has none.
struct UserRoles {
    std::set<std::string> roles;
    std::string error; // the query failed, so nothing can be decided
};
struct OwnInterfaces {
    std::vector<AddressRange> networks; // address and netmask of each interface
};
// The owner of the process at the other end of a Unix socket.
struct SystemUser {
    std::string name;  // empty: unknown to the system
    std::string error; // why it is unknown
};
enum class Question { client_host_name, user_roles, own_interfaces, system_user };

} // namespace pgmoat::hba

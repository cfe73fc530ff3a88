// What an evaluation must look up because no file has it, and the answers. Apart from the decision,
// so that the lookups need not know it.
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
    std::string reverse_error; // in the resolver's words
    bool forward_matches = false;
    std::string forward_error; // empty: it was answered
};
// Every role that the user is a member of, itself included. An unknown user has none.
struct UserRoles {
    std::set<std::string> roles;
    std::string error; // the query failed: nothing can be decided
};
struct OwnInterfaces {
    std::vector<AddressRange> networks; // address and netmask of each interface
};
// Who owns the process at the other end of a unix socket.
struct SystemUser {
    std::string name;  // empty: the system does not know it
    std::string error; // why
};
enum class Question { client_host_name, user_roles, own_interfaces, system_user };

} // namespace pgmoat::hba

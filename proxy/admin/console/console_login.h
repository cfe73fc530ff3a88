// A client of the console: what the control plane knows about it once its startup packet has named
// the virtual database and the access rules have let it in. For the endpoint (console_endpoint.h)
// and for the code that decides how the user must authenticate.
#pragma once

#include "protocol/startup.h"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::admin {

inline constexpr std::string_view console_database = "pgmoat";

// `method` is that of the matching rule. With `peer` and `cert` the user is authenticated (the
// rules check them); with all others the server authenticates, which here is pgmoat. `trust` counts
// only in a rule that names this database: in a rule for `all` it was meant for servers, which
// authenticate again.
struct ConsoleLogin {
    const protocol::StartupMessage& startup;
    std::uint64_t id = 0;              // of the session
    std::optional<std::string> method; // as in pg_hba.conf; nothing: there are no rules
    bool rule_names_console = false;   // by its name, not by `all` or an expression
    std::optional<uid_t> peer_uid;     // on a Unix socket
    bool tls = false;
};

} // namespace pgmoat::admin

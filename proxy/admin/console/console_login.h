// A client of the console: what the control plane knows of it once its startup packet has named the
// virtual database and the access rules have let it pass. For the endpoint (console_endpoint.h) and
// for the code that decides how the user must authenticate.
#pragma once

#include "protocol/startup.h"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::admin {

inline constexpr std::string_view console_database = "pgmoat";

// `method` is that of the rule which matched: `peer` and `cert` have proven who the user is (the
// rules check them); every other one means that the server authenticates, and here that is us.
// `trust` counts as a proof only where the rule names this database: for `all` it was meant for
// servers that ask once more.
struct ConsoleLogin {
    const protocol::StartupMessage& startup;
    std::uint64_t id = 0;              // of the session
    std::optional<std::string> method; // as pg_hba.conf spells it; nothing: there are no rules
    bool rule_names_console = false;   // by its name, not by `all` or an expression
    std::optional<uid_t> peer_uid;     // on a unix socket
    bool tls = false;
};

} // namespace pgmoat::admin

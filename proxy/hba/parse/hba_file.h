// pg_hba.conf: turns the lines of a table file into rules, all or none, with PostgreSQL's error
// texts. Called at load and by `pgmoat hba`. Pure. Source: PostgreSQL, src/backend/libpq/hba.c,
// parse_hba_line() and parse_hba_auth_opt().
#pragma once

#include "proxy/config/file_source.h"
#include "proxy/config/table_file.h"
#include "proxy/hba/rule.h"

#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace pgmoat::hba {

// The conditions under which a file's rules will be used.
struct HbaContext {
    bool ssl = true;          // hostssl can match
    bool passthrough = false; // only facts from the TLS hellos are known
    bool roles = false;       // there is a role_query for +role and samerole
    // Where client certificates are requested. `some`: only from clients of certain host names.
    enum class ClientCertificates { none, some, all };
    ClientCertificates client_certificates = ClientCertificates::all;
    bool only_named_hosts = false;   // other clients get no certificate (pg_hosts.conf without "*")
    std::set<std::string> hosts;     // these
    std::set<std::string> upstreams; // valid values of upstream=
    // Upstreams whose host is built from groups of sni=, and the highest group that each needs.
    std::map<std::string, int> templates;
};

struct HbaLine {
    const config::TableLine* source; // of the TableFile passed in
    std::optional<Rule> rule;
    std::string error;   // in PostgreSQL's words; empty if there is a rule
    std::string hint;    // what to do about it
    std::string warning; // the rule is loaded anyway
};

// One entry per line except comments, in order: for listings. `file` must outlive them.
[[nodiscard]] std::vector<HbaLine> parse_hba(const config::TableFile& file,
                                             const HbaContext& context);

// The rules, or all errors, one line each, as the log writes them: `TEXT in file "x" line 3
// (HINT)`.
struct RuleErrors {
    std::vector<std::string> messages;
};
[[nodiscard]] std::variant<Rules, RuleErrors>
load_rules(const std::string& hba_file,
           const std::string& ident_file, // empty: none
           const HbaContext& context,
           const config::FileSource& source);

// The error for an empty file, which would refuse every client.
[[nodiscard]] std::string without_entries(const std::string& hba_file);

} // namespace pgmoat::hba

// pg_hba.conf: the lines of a table file become rules, whole file or nothing, with PostgreSQL's
// error texts. Called at load and by `pgmoat hba`. Pure.
// Source: PostgreSQL, src/backend/libpq/hba.c, parse_hba_line() and parse_hba_auth_opt().
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

// What a file is read for.
struct HbaContext {
    bool ssl = true;          // hostssl can match
    bool passthrough = false; // only what the hellos show can be judged
    bool roles = false;       // a role_query answers +role and samerole
    // Where client certificates are asked for. `some`: of clients of certain host names only.
    enum class ClientCertificates { none, some, all };
    ClientCertificates client_certificates = ClientCertificates::all;
    bool only_named_hosts = false;   // others find no certificate (pg_hosts.conf without "*")
    std::set<std::string> hosts;     // these
    std::set<std::string> upstreams; // that upstream= may name
    // Those whose host is made of groups of sni=, and the highest group that each needs.
    std::map<std::string, int> templates;
};

struct HbaLine {
    const config::TableLine* source; // of the TableFile given
    std::optional<Rule> rule;
    std::string error;   // in PostgreSQL's words; empty with a rule
    std::string hint;    // what to do about it
    std::string warning; // the rule is loaded all the same
};

// One entry per line that is no comment, in order: for listings. `file` must outlive them.
[[nodiscard]] std::vector<HbaLine> parse_hba(const config::TableFile& file,
                                             const HbaContext& context);

// The rules, or every error, one line each, as the log writes it: `TEXT in file "x" line 3 (HINT)`.
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

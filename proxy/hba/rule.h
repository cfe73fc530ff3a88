// One record of pg_hba.conf and one line of pg_ident.conf as values, parsed and checked. Filled in
// by hba_file and ident_file, read everywhere. It has PostgreSQL's options and pgmoat's own.
#pragma once

#include "proxy/hba/net_address.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace re2 {
class RE2;
}

namespace pgmoat::hba {

enum class RecordType { local, host, hostssl, hostnossl, hostgssenc, hostnogssenc };
enum class Method {
    trust,
    reject,
    scram_sha_256,
    md5,
    password,
    gss,
    sspi,
    ident,
    peer,
    ldap,
    radius,
    cert,
    pam,
    bsd,
    oauth,
};

// One token of a database or user list.
struct NameMatch {
    enum class Kind {
        exact,
        regex,       // not anchored
        all,         // every database except physical replication; every user
        replication, // physical replication
        same_user,   // the database is named like the user
        same_role,   // the user is a member of the role named like the database
        role,        // +role: the user is a member of the role `text`
    };
    Kind kind = Kind::exact;
    std::string text; // as written, without quotes and without the `+` or `/`
    std::shared_ptr<const re2::RE2> regex;
    [[nodiscard]] bool needs_roles() const noexcept {
        return kind == Kind::role || kind == Kind::same_role;
    }
};

struct AnyAddress {}; // `all`, and `local` records
struct SameHost {};
struct SameNet {};
struct HostName {
    std::string name; // ".suffix" or a whole name
};
using AddressMatch = std::variant<AnyAddress, AddressRange, HostName, SameHost, SameNet>;

enum class ClientCert { off, verify_ca, verify_full };
enum class ClientName { common_name, distinguished_name }; // CN, DN

// TLS requirements of a rule: a matching connection that does not meet them is refused. Names as in
// OpenSSL.
struct Demands {
    std::string tls_min;                  // "TLSv1.3"; empty: no demand
    std::vector<std::string> tls_ciphers; // the negotiated one must be one of these
    std::vector<std::string> tls_groups;
    [[nodiscard]] bool any() const noexcept {
        return !tls_min.empty() || !tls_ciphers.empty() || !tls_groups.empty();
    }
};

// Counts for one rule. They survive a reload that keeps the rule (inherit_stats()). Any thread.
struct RuleStats {
    std::atomic<std::uint64_t> allowed{0};
    std::atomic<std::uint64_t> denied{0};
    std::atomic<std::uint64_t> demand_unmet{0};
    std::atomic<std::uint64_t> rerouted{0}; // dry run only: would go to another upstream
    std::atomic<std::int64_t> last_hit{0};  // Unix seconds; 0: never
    std::atomic<int> live{0};               // connections under this rule

    [[nodiscard]] std::uint64_t refused() const noexcept { return denied + demand_unmet; }
};

struct Rule {
    std::string file;
    unsigned line = 0;
    std::string location; // "pg_hba.conf:12", short; set when the file is loaded
    std::string text;     // the line in the file: see shown_text()
    unsigned number = 0;  // in order of evaluation, from 1

    RecordType type = RecordType::host;
    std::vector<NameMatch> databases;
    std::vector<NameMatch> users;
    AddressMatch address;
    std::string address_text; // as written, for listings
    Method method = Method::trust;
    ClientCert client_cert = ClientCert::off; // verify_full if the method is cert
    ClientName client_name = ClientName::common_name;
    std::string map;
    std::vector<std::pair<std::string, std::string>> options; // all of them, as written

    Demands demands;
    std::optional<std::string> sni; // part of the match; a lower-case name, *.DOMAIN or /regex
    std::shared_ptr<const re2::RE2> sni_regex;
    std::string upstream;    // empty: the listener's
    int max_connections = 0; // 0: no limit for this rule
    std::shared_ptr<RuleStats> stats = std::make_shared<RuleStats>();
};

// One line of pg_ident.conf.
struct IdentLine {
    std::string file;
    unsigned line = 0;
    std::string text;
    unsigned number = 0;
    std::string map;
    NameMatch system_user;   // exact or regex
    NameMatch database_user; // exact (may hold \1), all, regex, role
};

class RuleIndex;

struct Rules {
    std::string file; // as requested
    std::string name; // short; set when the file is loaded
    std::vector<Rule> rules;
    std::shared_ptr<const RuleIndex> index; // of `rules`; null: every rule is checked in turn
    std::vector<IdentLine> ident;
    // Refusals because no rule matched ("no pg_hba.conf entry").
    std::shared_ptr<RuleStats> no_entry = std::make_shared<RuleStats>();
    std::vector<std::string> warnings; // such as a hostssl record while TLS is off

    [[nodiscard]] bool routes() const noexcept; // some rule has upstream=
};

// Options whose value is a password.
[[nodiscard]] bool is_secret_option(std::string_view name) noexcept;
// The line as it may be logged and shown: cut before the first password.
[[nodiscard]] std::string shown_text(const Rule& rule);

[[nodiscard]] std::string_view word_of(RecordType type) noexcept; // "hostssl"
[[nodiscard]] std::string_view word_of(Method method) noexcept;   // "scram-sha-256"

} // namespace pgmoat::hba

// What is believed of the roles of an upstream's hosts, from what health checks saw: a machine
// without IO. A host that says that it is no primary is believed at once; one that says that it has
// become the primary is believed when the others allow it:
//
//   a host says "primary" that was not believed to be one, and  | it is believed
//   ------------------------------------------------------------+----------------------------------
//   no other host is believed to be the primary                 | at once
//   the one that is does not answer                             | the second time in a row
//   the one that is answers "primary" too, on an older timeline | the second time in a row
//   the one that is answers "primary" too, on no older timeline | never: one of them is wrong, and
//                                                               | the first one stays
//   this host lost the role to another less than `settling` ago | the second time in a row
//
// A timeline is a PostgreSQL server's own count of promotions; the check by SQL reads it. Patroni has
// one leader at a time, so the first row is the common case there. A host that cannot be asked keeps
// its role, and says that it does not answer and why.
#pragma once

#include "proxy/runtime/host_roles.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pgmoat::upstream {

// What a check learnt of one host.
struct SeenHost {
    runtime::Role role = runtime::Role::unknown;
    bool read_only = false;
    std::uint32_t timeline = 0;             // of a primary; 0: not known
    std::optional<std::uint64_t> lag_bytes; // behind the primary, where the check tells it itself
    std::optional<std::uint64_t> position; // in the WAL: a primary's end, a standby's last replayed
    std::string error;                     // not empty: it could not be asked, all else is void
    bool is_no_primary = false; // beside an error: whatever it was, it is the primary no more
};

class RoleBook {
  public:
    // Steady seconds for damping, Unix seconds for what is shown.
    struct Now {
        std::chrono::steady_clock::time_point steady;
        std::int64_t unix_seconds = 0;
    };

    RoleBook(std::vector<runtime::HostName> hosts, std::optional<std::uint64_t> lag_bytes_max);

    // What was believed before, of hosts that are still there.
    void remember(const runtime::HostRoles::OfUpstream& before);

    // The answer of one host. What was seen of several at once is told one after the other, primaries
    // last: then a primary that moved is believed in the same turn.
    void saw(std::size_t host, const SeenHost& seen, const Now& now);

    [[nodiscard]] runtime::HostRoles::OfUpstream roles() const;
    // Changes of roles since it was called last, for the log: `host "db1:5432" is now the primary`.
    [[nodiscard]] std::vector<std::string> take_news();

  private:
    struct Host {
        runtime::HostName name;
        runtime::HostRole shown;
        std::uint32_t timeline = 0;
        std::optional<std::uint64_t> position;
        bool says_primary = false;    // its last answer
        std::size_t said_primary = 0; // answers in a row, while it is not believed
        std::optional<std::chrono::steady_clock::time_point> lost_at; // the role of the primary
    };

    void could_not_ask(Host& host, const SeenHost& seen, const Now& now);
    void note_lag(Host& host, const SeenHost& seen);
    void says_primary(Host& host, const Now& now);
    void become(Host& host, runtime::Role role, const Now& now);
    [[nodiscard]] Host* believed_primary();

    std::vector<Host> hosts_;
    std::optional<std::uint64_t> lag_bytes_max_;
    std::optional<runtime::HostName> last_primary_;
    std::vector<std::string> news_;
};

} // namespace pgmoat::upstream

// The bounds of the lookups, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace pgmoat::lookups {

// --- host names -----------------------------------------------------------------------------

// A name server that answers needs one worker; each name that a server does not answer occupies one
// for the resolver's time-out (resolv.conf: 5 s, twice, for each server), and the others go on.
inline constexpr std::size_t name_workers = 8;

// Addresses waiting for a worker. A lookup that no caller waits for leaves the queue, so this many
// connections really wait; further ones would run into authentication_timeout anyway.
inline constexpr std::size_t names_waiting_max = 256;

// Cached answers: a few hundred bytes each, and as many clients as a large network has.
inline constexpr std::size_t names_cached_max = 4096;

// The resolver does not report a record's TTL, and PostgreSQL asks again for each connection. Long
// enough to survive a reconnect storm, short enough that a removed name is soon forgotten.
inline constexpr std::chrono::seconds name_kept{30};
inline constexpr std::chrono::seconds failed_name_kept{5};

// --- addresses of servers ---------------------------------------------------------------------

// Names come from the configuration, or, with host templates, from clients, whose address limits
// apply. Each name without an answer occupies one worker: as long as there are fewer than this, no
// name waits for another.
inline constexpr std::size_t address_workers = 64;
inline constexpr std::size_t addresses_waiting_max = 1024;

// The names of a few configurations, with a few addresses each.
inline constexpr std::size_t addresses_cached_max = 1024;

// After this time without a newer answer an expired one is used: a working name server needs less,
// and a login can wait that long. RFC 8767 ("Serving Stale Data", section 5) allows 1.8 s.
inline constexpr std::chrono::milliseconds stale_after{500};
// RFC 8767 suggests one to three days.
inline constexpr std::chrono::hours stale_kept{24};

// --- system users -----------------------------------------------------------------------------

// Clients on this machine only; a directory service that does not answer occupies some of them.
inline constexpr std::size_t system_user_workers = 4;
inline constexpr std::size_t system_users_waiting_max = 256;
inline constexpr std::size_t system_users_cached_max = 1024;
// sysconf(_SC_GETPW_R_SIZE_MAX) of glibc is 1024; entries of a directory service can be longer.
inline constexpr std::size_t password_entry_bytes = 4096;

// --- roles ----------------------------------------------------------------------------------

// Users waiting for one upstream. All share one connection; a query takes a millisecond.
inline constexpr std::size_t users_waiting_max = 1024;

// Users cached for one upstream: each may be a member of many roles.
inline constexpr std::size_t users_cached_max = 1024;

// A revoked membership is honoured for this long at most. Failures are cached briefly: the server
// may just be starting.
inline constexpr std::chrono::seconds roles_kept{10};
inline constexpr std::chrono::seconds failed_roles_kept{1};

// Roles of one user: a query that returns more is not a list of roles.
inline constexpr std::size_t roles_of_user_max = 10'000;

// Connections for secrets, for one upstream: with only one, a slow answer would delay every login.
inline constexpr std::size_t secret_workers = 2;

// How long a secret, the lack of one, and a failure are cached: all equally long, so that the time
// of a login does not distinguish them. A new user can log in after this time; a storm of logins
// causes one query a second for each user.
inline constexpr std::chrono::seconds secret_kept{1};

// How long the last good answer is used while the server is down or does not answer within
// stale_after (above). A changed password is noticed by its salt.
inline constexpr std::chrono::seconds stale_secret_kept{30};

// A login with a cached answer waits as long as the query took, but not longer than this if the
// server was slow once.
inline constexpr std::chrono::milliseconds kept_answer_wait_max{100};

// Upstreams with a query: as many as a few configurations may have.
inline constexpr std::size_t role_sources_max = 1024;

// For the TCP connection to one host of the upstream; then the next one is tried.
inline constexpr std::chrono::seconds role_connect_timeout{4};

// For connecting and logging in, and for the query. Together well below authentication_timeout, so
// that the client gets the reason.
inline constexpr std::chrono::seconds role_login_timeout{10};
inline constexpr std::chrono::seconds role_query_timeout{5};

// --- threads --------------------------------------------------------------------------------

// A worker with nothing to do for this long ends, and closes its connection.
inline constexpr std::chrono::seconds idle_worker_kept{60};

// How often a worker that waits for a server checks whether it must end.
inline constexpr std::chrono::milliseconds stop_poll{50};

// How long the process waits for workers when it ends. One that hangs in the resolver cannot be
// interrupted; it is abandoned, and uses nothing that was destroyed.
inline constexpr std::chrono::milliseconds farewell{300};

} // namespace pgmoat::lookups

// The bounds of the lookups, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace pgmoat::lookups {

// --- host names -----------------------------------------------------------------------------

// A name server that answers needs one; each that does not holds up one of them for the resolver's
// own time (resolv.conf: 5 s, twice, for each server), and the rest go on.
inline constexpr std::size_t name_workers = 8;

// Addresses waiting for a worker. A question that no caller waits for any longer leaves the queue, so
// this many connections really wait; beyond it they would meet authentication_timeout anyway.
inline constexpr std::size_t names_waiting_max = 256;

// Answers kept: some hundred bytes each, and a network's worth of clients.
inline constexpr std::size_t names_cached_max = 4096;

// The resolver does not tell how long a record lives. PostgreSQL asks again for each connection:
// long enough for a reconnect storm, short enough that a withdrawn name is soon forgotten.
inline constexpr std::chrono::seconds name_kept{30};
inline constexpr std::chrono::seconds failed_name_kept{5};

// --- addresses of servers ---------------------------------------------------------------------

// Names come from the configuration, or through its templates from clients that their address
// limits hold back. Each that its name server does not answer holds up one worker: no name waits
// for another one's as long as fewer than this are silent.
inline constexpr std::size_t address_workers = 64;
inline constexpr std::size_t addresses_waiting_max = 1024;

// Names of a few configurations, a few addresses each.
inline constexpr std::size_t addresses_cached_max = 1024;

// What is too old is used when a newer answer has not come after this time: a name server that
// answers needs less, and a login can wait that long. RFC 8767 ("Serving Stale Data", section 5)
// allows 1.8 s.
inline constexpr std::chrono::milliseconds stale_after{500};
// RFC 8767: one to three days.
inline constexpr std::chrono::hours stale_kept{24};

// --- system users -----------------------------------------------------------------------------

// Those of this machine's clients; a directory that does not answer holds up some of them.
inline constexpr std::size_t system_user_workers = 4;
inline constexpr std::size_t system_users_waiting_max = 256;
inline constexpr std::size_t system_users_cached_max = 1024;
// sysconf(_SC_GETPW_R_SIZE_MAX) of glibc is 1024; entries of a directory service can be longer.
inline constexpr std::size_t password_entry_bytes = 4096;

// --- roles ----------------------------------------------------------------------------------

// Users waiting for one upstream. There is one connection for all, and a user is a millisecond.
inline constexpr std::size_t users_waiting_max = 1024;

// Users kept for one upstream: each may be a member of many roles.
inline constexpr std::size_t users_cached_max = 1024;

// A revoked membership holds for this long at most. A failure is asked again soon: the server may
// just have started.
inline constexpr std::chrono::seconds roles_kept{10};
inline constexpr std::chrono::seconds failed_roles_kept{1};

// Roles of one user: more is a query that answers something else.
inline constexpr std::size_t roles_of_user_max = 10'000;

// Logins that ask one upstream for secrets: with one, a slow answer would hold up every login.
inline constexpr std::size_t secret_workers = 2;

// A secret, that there is none, or a failure: all as long, so that the time tells them apart no more
// than once. A user who is created can log in after this; a storm of logins is one question a second.
inline constexpr std::chrono::seconds secret_kept{1};

// How long the last good answer is of use while the server that knows is down or says nothing (for longer
// than stale_after, above). A changed password is noticed by its salt.
inline constexpr std::chrono::seconds stale_secret_kept{30};

// Who gets an answer that was kept waits as long as its question took, but not for a server's hiccup.
inline constexpr std::chrono::milliseconds kept_answer_wait_max{100};

// Upstreams, with their queries, that are asked at one time: a few configurations with as many
// upstreams as one may have.
inline constexpr std::size_t role_sources_max = 1024;

// For one host of the upstream to take the TCP connection; then the next is tried.
inline constexpr std::chrono::seconds role_connect_timeout{4};

// For all of connecting and logging in, and for the query. Together well below
// authentication_timeout, so that the client hears why.
inline constexpr std::chrono::seconds role_login_timeout{10};
inline constexpr std::chrono::seconds role_query_timeout{5};

// --- threads --------------------------------------------------------------------------------

// A worker with nothing to do for this long ends, and closes the connection that it holds.
inline constexpr std::chrono::seconds idle_worker_kept{60};

// How soon a worker that waits for a server sees that it is to end.
inline constexpr std::chrono::milliseconds stop_poll{50};

// How long the end of the process waits for workers. One that hangs in the resolver cannot be
// interrupted; it is left behind and touches nothing that is gone.
inline constexpr std::chrono::milliseconds farewell{300};

} // namespace pgmoat::lookups

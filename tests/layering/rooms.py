"""Who may include what: laws 1 to 3 (README.md) and the layers of proxy/, as a table.

The first room whose folder contains a file decides. A new folder needs a row here; without one its
files are violations. Reasons are printed with every violation, so write them for a newcomer.
"""

from dataclasses import dataclass

SYSTEM = "system"      # <sys/socket.h>, <unistd.h>, ...: anything that is neither std nor a library
OPENSSL = "openssl/"
PROMETHEUS = "prometheus/"
SPDLOG = "spdlog/"
CLI11 = "CLI/"
RE2 = "re2/"
LIBPQ = "libpq-fe.h"
SQLITE = "sqlite3.h"
LIBIDN = "stringprep.h"
ASIO = "boost/"


@dataclass(frozen=True)
class Room:
    folder: str                 # "tls/" or one file
    ours: tuple[str, ...]       # prefixes of "quoted" includes
    libraries: tuple[str, ...]  # prefixes of <bracketed> includes beyond the standard library
    reason: str


LEAVES = ("protocol/", "tls/", "metrics/")
# Headers that look at nothing but leaves, for whoever stands below the rest of their room.
SHARED = ("proxy/descriptor.h", "proxy/thread_signals.h")
TRAFFIC = "proxy/telemetry/traffic.h"
CONSOLE_ENDPOINT = ("proxy/admin/console/console_endpoint.h", "proxy/admin/console/console_login.h")

# The floors, from below: each may look at those under it.
CONFIG = "proxy/config/"
HBA = "proxy/hba/"
LOOKUPS = "proxy/lookups/"
RELAY = "proxy/relay/"
TELEMETRY = "proxy/telemetry/"
IO = "proxy/io/"
RUNTIME = "proxy/runtime/"
ACCESS = "proxy/access/"
UPSTREAM = "proxy/upstream/"
SESSION = "proxy/session/"
ADMIN = "proxy/admin/"
SERVER = "proxy/server/"
CLI = "proxy/cli/"

ROOMS = (
    Room("protocol/", ("protocol/",), (),
         "protocol/ is bytes in, facts and actions out: standard library only (law 1)"),
    Room("tls/", ("tls/",), (OPENSSL, SYSTEM),
         "tls/ wraps OpenSSL and includes no other module (laws 2 and 3)"),
    Room("metrics/exporter.cpp", ("metrics/",), (PROMETHEUS, SYSTEM),
         "metrics/ includes no other module (law 3)"),
    Room("metrics/", ("metrics/",), (SYSTEM,),
         "prometheus-cpp is included in metrics/exporter.cpp only (law 2)"),
    Room("proxy/config/saslprep.cpp", (CONFIG,), (LIBIDN,), "SASLprep is libidn's whole task here"),
    Room(CONFIG, ("protocol/", "tls/", CONFIG), (SYSTEM,),
         "config is pure and the lowest layer of proxy/: no socket, no library"),
    Room("proxy/hba/net_address.cpp", (HBA,), (SYSTEM,),
         "net_address reads and prints numeric addresses with libc's inet_pton and its like: no socket"),
    Room("proxy/hba/evaluate/", (*LEAVES, CONFIG, "proxy/hba/evaluate/", "proxy/hba/rule", "proxy/hba/net_address",
                                 "proxy/hba/server_name", "proxy/hba/limits.h"), (RE2,),
         "deciding by the rules is pure, and knows nothing of how their files are read"),
    Room("proxy/hba/parse/", (*LEAVES, CONFIG, "proxy/hba/parse/", "proxy/hba/rule", "proxy/hba/net_address",
                              "proxy/hba/server_name", "proxy/hba/limits.h", "proxy/hba/method_promise.h"), (RE2,),
         "reading the rules is pure, and knows nothing of how they decide"),
    Room(HBA, (*LEAVES, CONFIG, HBA), (RE2,), "hba is pure: no socket, nothing of the layers above"),
    Room("proxy/lookups/query_connection.cpp", (CONFIG, HBA, LOOKUPS), (LIBPQ, SYSTEM),
         "asking a server a query is libpq's whole task here"),
    Room(LOOKUPS, ("protocol/", "tls/", *SHARED, CONFIG, HBA, LOOKUPS), (SYSTEM,),
         "lookups are plain threads: no Asio, no log; libpq in query_connection.cpp only (law 2)"),
    Room(RELAY, (*LEAVES, *SHARED, TRAFFIC, RELAY), (SYSTEM,),
         "the relay loop is plain code over plain structs: no Asio; of other folders only traffic.h"),
    Room(TRAFFIC, (), (), "traffic.h includes nothing of ours"),
    Room("proxy/telemetry/connection_log", (*LEAVES, CONFIG, RELAY, TELEMETRY), (),
         "the relay reports ends of connections too: its Reporter is implemented here"),
    Room(TELEMETRY, (*LEAVES, *SHARED, CONFIG, TELEMETRY), (SPDLOG, SYSTEM),
         "telemetry records facts; it does not include the code that reports them"),
    Room(IO, (*LEAVES, *SHARED, RELAY, IO), (ASIO, SYSTEM),
         "io knows sockets, time and Asio; of the relay what a stream is handed over as"),
    Room(RUNTIME, (*LEAVES, *SHARED, *CONSOLE_ENDPOINT, CONFIG, HBA, LOOKUPS, RELAY, TELEMETRY, IO, RUNTIME), (ASIO, SYSTEM),
         "what sessions share is below them; of the console it includes the endpoint only"),
    Room(ACCESS, (*LEAVES, *SHARED, CONFIG, HBA, LOOKUPS, RELAY, TELEMETRY, IO, RUNTIME, ACCESS), (ASIO, SYSTEM),
         "access looks down only: no session, no upstream"),
    Room(UPSTREAM, (*LEAVES, *SHARED, CONFIG, LOOKUPS, TELEMETRY, IO, RUNTIME, UPSTREAM), (ASIO, SYSTEM),
         "upstream looks down only: no session, no access rules"),
    Room(SESSION, (*LEAVES, *SHARED, *CONSOLE_ENDPOINT, CONFIG, HBA, LOOKUPS, RELAY, TELEMETRY, IO, RUNTIME, ACCESS, UPSTREAM,
                   SESSION), (ASIO, SYSTEM),
         "session looks down only; of admin it knows the console's endpoint"),
    Room("proxy/admin/console/console_login", LEAVES, (SYSTEM,), "what the endpoint is given is plain values"),
    Room("proxy/admin/console/console_endpoint", (*LEAVES, *SHARED, *CONSOLE_ENDPOINT), (ASIO, SYSTEM),
         "the endpoint is between session and admin, which do not include each other"),
    Room("proxy/admin/console/console.", (*LEAVES, "proxy/config/scram_digests.h", "proxy/admin/console/"), (ASIO, SYSTEM),
         "the coroutine that carries the console over a connection"),
    *(Room(f"proxy/admin/console/sql/{name}",
           (*LEAVES, "proxy/admin/console/", CONFIG, TELEMETRY), (SQLITE, RE2, SYSTEM),
           "SQLite is included only by the engine and by what the functions that it calls see of a call")
      for name in ("engine.cpp", "virtual_tables.cpp", "prepared_statement.", "error_texts.cpp", "built_in.h",
                   "functions_of_texts.cpp")),
    Room("proxy/admin/console/",
         (*LEAVES, *SHARED, "proxy/admin/console/console_login.h", CONFIG, TELEMETRY, "proxy/admin/console/"), (SYSTEM,),
         "the console's statements, rows and messages are pure: no socket, no Asio"),
    Room("proxy/admin/status/",
         (*LEAVES, *SHARED, CONFIG, TELEMETRY, "proxy/admin/limits.h", "proxy/admin/status/"), (SYSTEM,),
         "the status and its pages are made of values: no socket, no HTTP"),
    Room(ADMIN, (*LEAVES, *SHARED, CONFIG, HBA, RELAY, TELEMETRY, ADMIN), (ASIO, SYSTEM),
         "admin looks down only; it does not know session"),
    Room(SERVER, (*LEAVES, *SHARED, CONFIG, HBA, LOOKUPS, RELAY, TELEMETRY, IO, RUNTIME, ACCESS, UPSTREAM, SESSION, ADMIN,
                  SERVER), (ASIO, SYSTEM),
         "server looks down only: no command line"),
    Room(CLI, (*LEAVES, *SHARED, CONFIG, HBA, LOOKUPS, TELEMETRY, RUNTIME, ACCESS, UPSTREAM, SESSION, ADMIN, SERVER, CLI),
         (SYSTEM,),
         "a command of the command line uses what there is; it has no loop of its own"),
    Room("proxy/main.cpp", ("tls/", CLI), (ASIO, CLI11), "main reads the command line and calls the command"),
    Room("proxy/descriptor.h", (), (SYSTEM,), "included everywhere, so it includes nothing of ours"),
    Room("proxy/thread_signals.h", (), (SYSTEM,), "included everywhere, so it includes nothing of ours"),
    Room("bench/rule_decisions.cpp", ("protocol/", "tls/", "proxy/hba/"), (RE2, CLI11),
         "it measures the access rules from inside, as no socket could show what they cost"),
    Room("bench/", (*LEAVES, "bench/"), (OPENSSL, CLI11, ASIO, SYSTEM),
         "nothing includes proxy/ but proxy/ (law 3)"),
    Room("tests/", (*LEAVES, "proxy/", "tests/", "bench/"),
         (OPENSSL, PROMETHEUS, SPDLOG, ASIO, RE2, "catch2/", SYSTEM),
         "tests may look at everything that is ours"),
)

# Only the .cpp files include OpenSSL, so that a header of tls/ does not bring OpenSSL's headers with it.
ONLY_IN_SOURCES = {"tls/": OPENSSL}

# Folders that carry a README.md: purpose, rule, what they may include, how to add the next thing.
FOLDERS_WITH_README = ("protocol", "tls", "metrics", "bench", "proxy", "proxy/access", "proxy/admin", "proxy/admin/console",
                       "proxy/cli", "proxy/config", "proxy/hba", "proxy/io", "proxy/lookups", "proxy/relay", "proxy/runtime",
                       "proxy/server", "proxy/session", "proxy/telemetry", "proxy/upstream", "tests/integration",
                       "tests/layering")

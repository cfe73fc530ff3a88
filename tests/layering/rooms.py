"""Who may include what: laws 1-3 of the design and the floors of proxy/, as a table.

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
ASIO = "boost/"


@dataclass(frozen=True)
class Room:
    folder: str                 # "tls/" or one file
    ours: tuple[str, ...]       # prefixes of "quoted" includes
    libraries: tuple[str, ...]  # prefixes of <bracketed> includes beyond the standard library
    reason: str


LEAVES = ("protocol/", "tls/", "metrics/")
SHARED = ("proxy/descriptor.h", "proxy/session_table.h", "proxy/traffic.h", "proxy/fields.h", "proxy/describe.h",
          "proxy/refusals.h")
CONSOLE_DOOR = ("proxy/console_door.h", "proxy/console_login.h")
LOG = "proxy/log.h"  # for the trunk: leaves and the relay return, they do not log (law 4)

ROOMS = (
    Room("protocol/", ("protocol/",), (),
         "protocol/ is bytes in, facts and actions out: standard library only (law 1)"),
    Room("tls/", ("tls/",), (OPENSSL, SYSTEM),
         "tls/ boxes OpenSSL and knows no other module (laws 2 and 3)"),
    Room("metrics/exporter.cpp", ("metrics/",), (PROMETHEUS, SYSTEM),
         "metrics/ knows no other module (law 3)"),
    Room("metrics/", ("metrics/",), (SYSTEM,),
         "prometheus-cpp is included in metrics/exporter.cpp only (law 2)"),
    Room("proxy/config/", ("protocol/", "tls/", "proxy/config/"), (SYSTEM,),
         "config is pure and stands on the lowest floor of proxy/: no socket, no library"),
    Room("proxy/hba/net_address.cpp", ("proxy/hba/",), (SYSTEM,),
         "net_address reads and prints numeric addresses with libc's inet_pton and its like: no socket"),
    Room("proxy/hba/", (*LEAVES, "proxy/config/", "proxy/hba/"), (RE2,),
         "hba is pure: no socket, nothing of the floors above"),
    Room("proxy/lookups/role_connection.cpp", ("proxy/config/", "proxy/hba/", "proxy/lookups/"),
         (LIBPQ, SYSTEM),
         "the role query is libpq's whole task here"),
    Room("proxy/lookups/", ("tls/", "proxy/config/", "proxy/hba/", "proxy/lookups/"), (SYSTEM,),
         "lookups are plain threads: no Asio, no log; libpq in role_connection.cpp only (law 2)"),
    Room("proxy/relay/", (*LEAVES, *SHARED, "proxy/relay/"), (SYSTEM,),
         "the relay loop is plain code over plain structs: no Asio, nothing of the control plane"),
    Room("proxy/control/",
         (*LEAVES, *SHARED, *CONSOLE_DOOR, LOG, "proxy/config/", "proxy/hba/", "proxy/lookups/", "proxy/relay/",
          "proxy/control/"),
         (ASIO, SPDLOG, SYSTEM),
         "control looks down only; it does not know admin"),
    Room("proxy/admin/console/",
         (*LEAVES, *SHARED, "proxy/console_login.h", "proxy/config/", "proxy/admin/console/"), (SYSTEM,),
         "the console's statements, rows and messages are pure: no socket, no Asio"),
    Room("proxy/admin/",
         (*LEAVES, *SHARED, *CONSOLE_DOOR, LOG, "proxy/config/", "proxy/hba/", "proxy/relay/", "proxy/admin/"),
         (ASIO, SPDLOG, SYSTEM),
         "admin looks down only; it does not know control"),
    Room("proxy/console_door", (*LEAVES, *SHARED, *CONSOLE_DOOR), (ASIO, SYSTEM),
         "the door stands between control and admin, which do not know each other"),
    Room("proxy/console_login", LEAVES, (SYSTEM,), "what the door hands over is plain values"),
    *(Room(header.removesuffix(".h"), (*LEAVES, *SHARED, "proxy/limits.h"), (SYSTEM,),
           "what both planes share stands below them and knows neither") for header in SHARED),
    Room("proxy/", (*LEAVES, "proxy/"), (ASIO, SPDLOG, CLI11, SYSTEM),
         "OpenSSL stays under tls/, prometheus-cpp in metrics/exporter.cpp, RE2 in hba (law 2)"),
    Room("bench/rule_decisions.cpp", ("protocol/", "tls/", "proxy/hba/"), (RE2, CLI11),
         "it measures the access rules from inside, as no socket could show what they cost"),
    Room("bench/", (*LEAVES, "bench/"), (OPENSSL, CLI11, ASIO, SYSTEM),
         "nothing includes proxy/ but proxy/ (law 3)"),
    Room("tests/", (*LEAVES, "proxy/", "tests/", "bench/"),
         (OPENSSL, PROMETHEUS, SPDLOG, ASIO, RE2, "catch2/", SYSTEM),
         "tests may look at everything that is ours"),
)

# OpenSSL is a private matter of the .cpp files, so that a header of tls/ costs nobody its headers.
ONLY_IN_SOURCES = {"tls/": OPENSSL}

# Folders that carry a README.md: purpose, rule, what they may include, how to add the next thing.
FOLDERS_WITH_README = ("protocol", "tls", "metrics", "bench", "proxy", "proxy/admin", "proxy/admin/console", "proxy/config",
                       "proxy/control", "proxy/lookups", "proxy/hba", "proxy/relay", "tests/integration", "tests/layering")

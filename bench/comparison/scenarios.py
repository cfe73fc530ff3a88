"""What is measured: one row a scenario. To add one is to add a row here (and perhaps a load in modes.cpp)."""

import dataclasses

from . import measure, postgres
from .peers import PASSED, REENCRYPTED, TERMINATED

STUB, POSTGRES = "stub backend", "PostgreSQL"
MIB = 1 << 20


@dataclasses.dataclass
class Scenario:
    name: str
    title: str
    arguments: list  # of the load generator or of pgbench
    figure: str  # the main one
    unit: str
    others: dict  # figure -> heading
    measure: object = measure.run_load
    backend: str = STUB
    beside: list | None = None  # a second load through the same proxy; measured without and with
    peers: tuple = ()  # names of those that take part; none: all
    ours: str | None = None  # what the others are set against; none: ours of their mode
    also: tuple = ()  # peers that take part only where they are named
    direct: bool = False  # measured without a proxy, too
    length: float = 1.0  # of the window, in units of --seconds; less where CPU is spent densely,
    # so that a clock tick of 10 ms weighs little
    rounds_max: int = 1000000
    cores_matter: bool = True


LATENCY = {"latency_p50_us": "p50 µs", "latency_p99_us": "p99 µs"}
BULK = {"gigabytes_per_second": "GB/s"}
RESULTS = {"results_per_second": "results/s", **LATENCY}
BULK_CPU = ("cpu_seconds_per_gigabyte", "proxy CPU per GB, s")
QUERY = ["query", "--clients", "16"]
COPY = "COPY (select repeat('x', 1000) from generate_series(1, 300000)) TO STDOUT"
PGBENCH = {"queries_per_second": "transactions/s", "latency_mean_us": "mean latency, µs"}
# What the p99 of steady sessions becomes beside something else, as a multiple.
BESIDE = {"figure": "p99_ratio", "unit": "p99 with / without",
          "others": {"quiet_p99_us": "p99 without, µs", "latency_p99_us": "p99 with, µs"}}

ALL = [
    Scenario("query", "Queries: 16 clients, one small query in flight each", QUERY,
             "cpu_us_per_query", "proxy CPU per query, µs",
             {"queries_per_second": "queries/s", **LATENCY, "latency_p999_us": "p99.9 µs"}, direct=True),
    Scenario("latency", "Latency: 1 client, one small query in flight", ["query", "--clients", "1"],
             "added_p50_us", "added p50, µs",
             {"added_p99_us": "added p99, µs", **LATENCY, "cpu_us_per_query": "proxy CPU per query, µs"},
             also=("pgmoat-spin",), direct=True),
    Scenario("pgbench-simple", "pgbench -S -M simple, 16 clients, a real PostgreSQL, scale 1", ["-M", "simple"],
             "cpu_us_per_query", "proxy CPU per transaction, µs", PGBENCH,
             measure=measure.run_pgbench, backend=POSTGRES, direct=True, length=2),
    Scenario("pgbench-prepared", "pgbench -S -M prepared, 16 clients, a real PostgreSQL, scale 1", ["-M", "prepared"],
             "cpu_us_per_query", "proxy CPU per transaction, µs", PGBENCH,
             measure=measure.run_pgbench, backend=POSTGRES, direct=True, length=2),
    Scenario("connect", "Connect storm: 8 at a time; TLS 1.3, log in, leave",
             ["connect", "--clients", "8", "--sources", "8"],
             "cpu_us_per_connection", "proxy CPU per connection, µs",
             {"connections_per_second": "connections/s"}, length=0.6),
    Scenario("handshake", "Handshakes: 8 at a time; SSLRequest, TLS 1.3, leave before the login",
             ["handshake", "--clients", "8", "--sources", "8"],
             "cpu_us_per_handshake", "CPU per handshake, µs", {"handshakes_per_second": "handshakes/s"},
             peers=("pgmoat-terminate", "pgmoat-terminate-before", "pgbouncer", "accept-loop"),
             length=0.6),  # stunnel reaches the server in between
    Scenario("login-scram", "Logins with SCRAM: 8 at a time; TLS 1.3 on both legs, log in, one query, leave; a real PostgreSQL",
             ["connect", "--clients", "8", "--sources", "8", "--ask-once", "--user", postgres.SCRAM_USER,
              "--password", postgres.SCRAM_PASSWORD],
             "cpu_us_per_connection", "proxy CPU per login, µs", {"connections_per_second": "logins/s"},
             backend=POSTGRES, ours="pgmoat-bridge",
             peers=("pgmoat-bridge", "pgmoat-bridge-before", "pgmoat-relay", "pgmoat-relay-before", "pgbouncer-scram",
                    "pgbouncer-scram-unpooled")),
    Scenario("bulk", "Bulk: one client, 64 MiB results, the server writes 8 KiB at a time as fast as it can",
             ["bulk"], *BULK_CPU, BULK, direct=True, length=0.6),
    Scenario("bulk-out", "Bulk out: one client, COPY of rows of 1000 bytes from a real PostgreSQL",
             ["bulk", "--text", COPY], *BULK_CPU, BULK, backend=POSTGRES, direct=True),
    Scenario("bulk-in", "Bulk in: one client sends COPY data, 8 KiB at a time",
             ["copy-in"], *BULK_CPU, BULK, direct=True, length=0.6),
    Scenario("results-1mb", "Results of 1 MB, one after the other, one client",
             ["bulk", "--text", f"bulk {MIB}"], *BULK_CPU, RESULTS, direct=True, length=0.6),
    Scenario("big-row", "Rows of 40 MB, one after the other, one client",
             ["bulk", "--text", f"row {40 * MIB}"], *BULK_CPU, RESULTS, direct=True, length=0.6),
    Scenario("mixed", "Mixed: 16 steady sessions, one query each, without and beside one COPY out of 64 MiB results",
             QUERY, **BESIDE, beside=["bulk"], direct=True),
    Scenario("storm", "Storm: 32 steady sessions, one query each, without and beside 16 clients that only shake hands",
             ["query", "--clients", "32"], **BESIDE, beside=["handshake", "--sources", "8"], direct=True),
    Scenario("idle", "Idle connections: memory of the proxy", [],
             "after_login", "KiB per connection after login", {"after_query": "after a query on each"},
             measure=measure.run_idle, rounds_max=1, cores_matter=False),
    Scenario("growth", "Growth: what a query, a connection and an idle session cost beside so many others", [],
             "query_growth", "", {}, measure=measure.run_growth, rounds_max=3,
             peers=("pgmoat-terminate", "pgmoat-passthrough", "pgbouncer", "nginx")),
]


@dataclasses.dataclass
class Target:
    """A ratio (`more`: the difference) within rounds to another peer's figure, or (`beside` None) our own figure."""

    scenario: str
    ours: str
    beside: str | None
    limit: float
    figure: str | None = None  # none: the scenario's main one
    at_least: bool = False
    more: bool = False


OURS = {TERMINATED: "pgmoat-terminate", REENCRYPTED: "pgmoat-reencrypt", PASSED: "pgmoat-passthrough"}
_TERMINATE, _PASS = OURS[TERMINATED], OURS[PASSED]

TARGETS = [
    Target("bulk-out", _PASS, "nginx", 0.50),
    Target("bulk-out", _TERMINATE, "stunnel", 0.50),
    Target("bulk-in", _TERMINATE, "stunnel", 0.60),
    Target("bulk-out", _TERMINATE, "direct", 0.95, figure="gigabytes_per_second", at_least=True),
    Target("query", _TERMINATE, "pgbouncer", 0.72),
    Target("query", _PASS, "nginx", 0.65),
    Target("pgbench-simple", _TERMINATE, "pgbouncer", 0.75),
    Target("pgbench-simple", _PASS, "nginx", 0.60),
    Target("idle", _TERMINATE, "pgbouncer", 0.92),
    Target("idle", _PASS, "haproxy", 0.35),
    Target("latency", _TERMINATE, "pgbouncer", 0.90),
    Target("latency", "pgmoat-spin", "pgbouncer", 0.60),
    Target("connect", _PASS, "nginx", 0.95),
    Target("connect", _TERMINATE, "pgbouncer", 0.95),
    Target("handshake", _TERMINATE, "accept-loop", 1.2),
    Target("login-scram", "pgmoat-bridge", "pgbouncer-scram-unpooled", 0.90),
    Target("login-scram", "pgmoat-bridge", "pgmoat-relay", 30, more=True),
    Target("storm", _TERMINATE, None, 2.0),
    Target("storm", _PASS, None, 2.0),
    Target("growth", _TERMINATE, None, 1.3, figure="query_growth"),
    Target("growth", _PASS, None, 1.3, figure="query_growth"),
]


def names_in_targets(scenario):
    """Of the peers that a target of this scenario names."""
    return {name for target in TARGETS if target.scenario == scenario for name in (target.ours, target.beside)}

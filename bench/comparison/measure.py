"""One measurement: the load generator against one server, its figures as a dictionary."""

import dataclasses
import os
import shutil
import subprocess
import threading
import time

RUN_SECONDS_MAX = 120
SETTLE_SECONDS = 1


class InvalidRun(Exception):
    """Any error of the load generator: the figures of such a run are worth nothing."""


@dataclasses.dataclass
class Scenario:
    name: str
    title: str
    arguments: list  # of the load generator
    cpu_figure: str
    cpu_unit: str
    others: dict  # figure -> heading
    peers: tuple = ()  # names of those that take part; none: all
    length: float = 1.0  # of the window, in units of --seconds; less where CPU is spent densely,
    # so that a clock tick of 10 ms weighs little


SCENARIOS = [
    Scenario(
        "query", "Queries: 16 clients, one small query in flight each",
        ["query", "--clients", "16"],
        "cpu_us_per_query", "proxy CPU per query, µs",
        {"queries_per_second": "queries/s", "latency_p50_us": "p50 µs",
         "latency_p99_us": "p99 µs", "latency_p999_us": "p99.9 µs"},
    ),
    Scenario(
        "connect", "Connect storm: 8 at a time; TLS 1.3, log in, leave",
        ["connect", "--clients", "8", "--sources", "8"],
        "cpu_us_per_connection", "proxy CPU per connection, µs",
        {"connections_per_second": "connections/s"},
        length=0.6,
    ),
    Scenario(
        "handshake", "Handshakes: 8 at a time; SSLRequest, TLS 1.3, leave before the login",
        ["handshake", "--clients", "8", "--sources", "8"],
        "cpu_us_per_handshake", "CPU per handshake, µs",
        {"handshakes_per_second": "handshakes/s"},
        peers=("pgmoat-terminate", "pgmoat-before", "pgbouncer"),  # stunnel reaches the server in between
        length=0.6,
    ),
    Scenario(
        "bulk", "Bulk: one client, 64 MiB results, the server writes 8 KiB at a time",
        ["bulk", "--clients", "1"],
        "cpu_seconds_per_gigabyte", "proxy CPU per GB, s",
        {"gigabytes_per_second": "GB/s"},
        length=0.6,
    ),
]


def _parse(output):
    figures = {}
    for line in output.splitlines():
        name, _, value = line.partition(" ")
        figures[name] = value if name == "tls" else float(value)
    return figures


def run(generator, scenario, port, pids, seconds):
    command = [generator, *scenario.arguments, "--tls", "--port", str(port),
               "--warm-up", "0.5", "--seconds", str(seconds * scenario.length)]
    if pids:
        command += ["--watch", ",".join(map(str, pids))]
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=RUN_SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired as stuck:
        raise InvalidRun(f"no end within {RUN_SECONDS_MAX} s") from stuck
    if done.returncode != 0:
        raise InvalidRun(done.stderr.strip())
    return _parse(done.stdout)


def can_count_syscalls():
    return os.geteuid() == 0 and shutil.which("perf") is not None


def run_syscalls(generator, port, pids, seconds, scratch):
    """System calls per query: no clock in it, so a busy machine changes it little."""
    counted = ["perf", "stat", "-x", ",", "-o", scratch, "-e", "raw_syscalls:sys_enter",
               "-p", ",".join(map(str, pids)), "--",
               generator, *SCENARIOS[0].arguments, "--tls", "--port", str(port),
               "--warm-up", "0", "--seconds", str(seconds)]
    done = subprocess.run(counted, capture_output=True, text=True,
                          timeout=RUN_SECONDS_MAX, check=False)
    with open(scratch) as output:
        lines = [line.split(",") for line in output if "sys_enter" in line]
    if done.returncode != 0 or not lines or not lines[0][0].isdigit():
        raise InvalidRun(done.stderr.strip() or "perf counted nothing")
    return int(lines[0][0]) / _parse(done.stdout)["queries"]


def run_idle(generator, server, low, high):
    """KiB per connection: after login (the slope from low to high), and after a query on each."""
    at_start = server.memory_kib()
    command = [generator, "idle", "--tls", "--port", str(server.port), "--sources", "8",
               "--steps", f"{low},{high}", "--wait-for-input"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    watchdog = threading.Timer(RUN_SECONDS_MAX, process.kill)
    watchdog.start()
    try:
        memory = [_memory_at_next_hold(process, server) for _ in range(3)]
        if process.wait() != 0:
            raise InvalidRun(process.stderr.read().strip())
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
    after_login = (memory[1] - memory[0]) / (high - low)
    return {"after_login": after_login, "after_query": (memory[2] - at_start) / high}


def _memory_at_next_hold(process, server):
    line = process.stdout.readline()
    if not line.startswith("holding"):
        raise InvalidRun(process.stderr.read().strip() or "the load generator ended early")
    time.sleep(SETTLE_SECONDS)
    memory = server.memory_kib()
    process.stdin.write("\n")
    process.stdin.flush()
    return memory

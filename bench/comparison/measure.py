"""One measurement of one contestant: its figures as a dictionary. How a scenario is measured is its `measure`."""

import os
import re
import shutil
import signal
import subprocess
import threading
import time

RUN_SECONDS_MAX = 120
GROWTH_SECONDS_MAX = 600
MANY_WINDOW_SECONDS = 2  # at least, beyond 1,000 connections: each must have its turn, several times
SETTLE_SECONDS = 1
WARM_UP_SECONDS = 0.5
SYSCALL_SECONDS = 2


class InvalidRun(Exception):
    """Any error of the load generator: the figures of such a run are worth nothing."""


def _parse(output):
    figures = {}
    for line in output.splitlines():
        name, _, value = line.partition(" ")
        if name != "holding":
            figures[name] = value if name == "tls" else float(value)
    return figures


def _finish(command, environment=None):
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment,
                              timeout=RUN_SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired as stuck:
        raise InvalidRun(f"no end within {RUN_SECONDS_MAX} s") from stuck
    if done.returncode != 0:
        raise InvalidRun(done.stderr.strip() or f"exit code {done.returncode}")
    return done.stdout


def _command(run, arguments, port, pids, seconds, warm_up=WARM_UP_SECONDS):
    command = [run.generator, *arguments, "--tls", "--port", str(port), "--warm-up", str(warm_up),
               "--seconds", f"{seconds:g}"]
    if arguments[0].startswith(("bulk", "copy-in")) and "--clients" not in arguments:
        command += ["--clients", "1"]
    return command + (["--watch", ",".join(map(str, pids))] if pids else [])


def run_load(run, scenario, peer):
    """The load generator once; with a load beside it, twice: without, and with."""
    port, pids = run.target(peer, scenario.backend)
    command = _command(run, scenario.arguments, port, pids, run.seconds * scenario.length)
    figures = _parse(_finish(command))
    if not scenario.beside:
        return figures
    quiet = figures["latency_p99_us"]
    beside = subprocess.Popen(_command(run, scenario.beside, port, [], RUN_SECONDS_MAX),
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        figures = _parse(_finish(command))
        if beside.poll() is not None:
            raise InvalidRun("the load beside it ended: " + beside.stderr.read().strip())
    finally:
        beside.kill()
        beside.wait()
    return {**figures, "quiet_p99_us": quiet, "p99_ratio": figures["latency_p99_us"] / quiet}


def run_pgbench(run, scenario, peer):
    """PostgreSQL's own harness. The CPU includes the 16 logins, for all alike."""
    port, pids = run.target(peer, scenario.backend)
    seconds = max(1, round(run.seconds * scenario.length))
    command = [run.postgres.tool("pgbench"), "-n", "-S", *scenario.arguments, "-c", "16", "-j", "2", "-T", str(seconds),
               "-h", "127.0.0.1", "-p", str(port), "-U", run.postgres.USER, run.postgres.DATABASE]
    before = _cpu_seconds(pids)
    output = _finish(command, {**os.environ, "PGSSLMODE": "require", "PGGSSENCMODE": "disable"})
    cpu = _cpu_seconds(pids) - before
    transactions = _number(r"actually processed: (\d+)", output)
    return {"cpu_us_per_query": cpu * 1e6 / transactions, "tls": run.postgres.tls,
            "queries_per_second": _number(r"tps = ([\d.]+)", output),
            "latency_mean_us": _number(r"latency average = ([\d.]+)", output) * 1000}


def _number(pattern, text):
    found = re.search(pattern, text)
    if not found or float(found.group(1)) == 0:
        raise InvalidRun("pgbench says nothing of " + pattern)
    return float(found.group(1))


def _cpu_seconds(pids):
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def run_idle(run, scenario, peer):
    """KiB per connection: after login (the slope from low to high), and after a query on each."""
    low, high = run.idle_steps(peer)
    with run.fresh(peer, scenario.backend) as server:
        memory, _ = _hold(run, "idle", server, [low, high], 3)
    return {"after_login": (memory[2] - memory[1]) / (high - low), "after_query": (memory[3] - memory[0]) / high}


def run_growth(run, scenario, peer):
    steps = run.growth_steps
    with run.fresh(peer, scenario.backend) as server:
        memory, figures = _hold(run, "growth", server, steps, len(steps), server.pids())
    for index, step in enumerate(steps):
        added = step - (steps[index - 1] if index else 0)
        figures[f"kib_per_connection_at_{step}"] = (memory[index + 1] - memory[index]) / added
    base = 100 if 100 in steps else steps[0]
    for what in ("query", "connection"):
        figure = f"cpu_us_per_{what}_at_"
        figures[f"{what}_growth"] = figures[f"{figure}{steps[-1]}"] / max(figures[f"{figure}{base}"], 1e-9)
    return figures


def _hold(run, mode, server, steps, holds, watched=()):
    """Memory of the server in KiB before the first connection and at each hold, and the figures."""
    memory = [server.memory_kib()]
    seconds = max(run.seconds * 0.6, MANY_WINDOW_SECONDS if steps[-1] > 1000 else 0)
    command = [run.generator, mode, "--tls", "--port", str(server.port), "--sources", "8", "--wait-for-input",
               "--steps", ",".join(map(str, steps)), "--seconds", f"{seconds:g}"]
    if watched:
        command += ["--watch", ",".join(map(str, watched))]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    watchdog = threading.Timer(GROWTH_SECONDS_MAX, process.kill)
    watchdog.start()
    try:
        for _ in range(holds):
            if not process.stdout.readline().startswith("holding"):
                raise InvalidRun(process.stderr.read().strip() or "the load generator ended early")
            time.sleep(SETTLE_SECONDS)
            memory.append(server.memory_kib())
            process.stdin.write("\n")
            process.stdin.flush()
        output, errors = process.communicate()
        if process.returncode != 0:
            raise InvalidRun(errors.strip())
        return memory, _parse(output)
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()


def can_count_syscalls():
    return os.geteuid() == 0 and (shutil.which("perf") or shutil.which("strace"))


def run_syscalls(run, scenario, peer, unit):
    """System calls per unit by name: no clock in it, so a busy machine changes it little."""
    port, pids = run.target(peer, scenario.backend)
    command = _command(run, scenario.arguments, port, [], SYSCALL_SECONDS, warm_up=0)
    scratch = os.path.join(run.site.folder, "syscalls")
    count = _perf if shutil.which("perf") else _strace
    output, calls = count(command, pids, scratch)
    units = _parse(output)[unit]
    if not calls or not units:
        raise InvalidRun("nothing was counted")
    return {name: number / units for name, number in calls.items()}


# All of them are counted; these are told apart. Each event takes perf a moment to open and to close.
NAMED = ("accept4", "bind", "close", "connect", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "fcntl", "futex",
         "getpeername", "getsockname", "getsockopt", "io_uring_enter", "ioctl", "poll", "read", "recvfrom", "recvmsg",
         "sendmsg", "sendto", "setsockopt", "shutdown", "socket", "splice", "write", "writev")


def _perf(command, pids, scratch):
    events = ["raw_syscalls:sys_enter", *(f"syscalls:sys_enter_{name}" for name in NAMED)]
    output = _finish(["perf", "stat", "-x", ",", "-o", scratch, "-e", ",".join(events),
                      "-p", ",".join(map(str, pids)), "--", *command])
    with open(scratch) as file:
        counts = re.findall(r"^(\d+),,(?:raw_)?syscalls:sys_enter_?(\w*),", file.read(), re.M)
    found = {name: int(number) for number, name in counts}
    total = found.pop("", 0)
    return output, {**found, "others": total - sum(found.values())} if total else {}


def _strace(command, pids, scratch):
    tracer = subprocess.Popen(["strace", "-c", "-f", "-qq", "-o", scratch, *(f"-p{pid}" for pid in pids)],
                              stderr=subprocess.DEVNULL)
    try:
        time.sleep(SETTLE_SECONDS)
        output = _finish(command)
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
    with open(scratch) as file:
        found = re.findall(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", file.read(), re.M)
    return output, {name: int(number) for number, name in found if name != "total"}

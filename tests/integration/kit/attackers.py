"""Runs kit/attacker.py, and measures how steady sessions are affected."""

import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kit.postgres import DEBIAN, SUPERUSER, debian_major

ATTACKER = Path(__file__).with_name("attacker.py")


def many_descriptors():
    """How many this process and its children may have; raises the limit to that."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Attack:
    """In a with statement: runs within the block. `outcome` is set afterwards."""

    def __init__(self, kind, port, **numbers):
        self._process = subprocess.Popen(
            [sys.executable, ATTACKER, kind, str(port), *(f"{name}={number}" for name, number in numbers.items())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.began, self.outcome = json.loads(self._process.stdout.readline()), None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.outcome = json.loads(self._process.communicate(timeout=60)[0])
        finally:
            self._process.kill()
            self._process.wait()


class SteadySessions:
    """In a with statement: pgbench with a few TLS sessions, at an even pace that leaves the machine idle.

    They log in before anything else happens, and must all still be there at the end."""

    CLIENTS, RATE = 4, 200

    def __init__(self, port):
        self._folder = tempfile.TemporaryDirectory()
        script = Path(self._folder.name) / "select.sql"
        script.write_text("SELECT 1;\n")
        conninfo = f"host=127.0.0.1 port={port} user={SUPERUSER} dbname=postgres gssencmode=disable sslmode=require"
        self._process = subprocess.Popen(
            [DEBIAN / str(debian_major()) / "bin/pgbench", "-n", "-f", script, "-c", str(self.CLIENTS), "-R", str(self.RATE),
             "-T", "600", "--log", f"--log-prefix={self._folder.name}/log", conninfo],
            env={"PATH": os.environ["PATH"]}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        alive = self._process.poll() is None
        self._process.kill()
        errors = self._process.communicate()[1]
        self._folder.cleanup()
        if kind is None:
            assert alive, errors

    def latencies(self, begin, end):
        """Milliseconds of the queries that ended between these times."""
        found = []
        for path in Path(self._folder.name).glob("log.*"):
            for line in path.read_text(encoding="ascii").splitlines():
                fields = line.split()
                if len(fields) >= 6 and begin <= int(fields[4]) + int(fields[5]) / 1e6 < end:
                    found.append(int(fields[2]) / 1000)
        return found


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def p99_quiet_and_attacked(sessions, attack, rounds=4, seconds=1.5):
    """The 99th percentiles in milliseconds while nothing happens and while attack() runs, including its start: medians
    of several windows in turns, because the load of a shared machine changes."""
    windows = {"quiet": [], "attacked": []}
    for _ in range(rounds):
        for name, work in (("quiet", contextlib.nullcontext), ("attacked", attack)):
            began = time.time()
            with work():
                time.sleep(seconds)
                windows[name].append((began, time.time()))
            time.sleep(0.3)
    time.sleep(2)  # pgbench writes its log in blocks
    return [statistics.median(percentile(sessions.latencies(*window), 0.99) for window in windows[name])
            for name in ("quiet", "attacked")]

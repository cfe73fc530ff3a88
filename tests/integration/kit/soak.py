"""One pgmoat under load for a long time: clients in all modes, while everything that may happen to a process in years
happens all the time.

tests/soak runs it for hours, tests/integration/test_soak.py for minutes. Requirements: no client gets an error that the
current fault does not explain, no byte is wrong, no answer is lost; opened minus closed is live; memory and descriptors
do not grow.
"""

import contextlib
import itertools
import os
import shutil
import signal
import socket
import ssl
import time
from pathlib import Path

from kit.environment import USER, free_port, run_as_user
from kit.metrics import scrape
from kit.pgmoat import Pgmoat
from kit.postgres import Postgres
from kit.process import eventually
from kit.raw_client import RawClient
from kit.workload import Cancels, Connects, Copies, Door, Queries, Tally, make_sequences

FAKETIME = next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)
LOG_DISK_BYTES = 8 << 20
SESSIONS_PER_DOOR = 5
GROWTH_MAX = 1.25          # of memory, between two measurements at rest
GROWTH_BYTES_MAX = 8 << 20
PIPE_ENDS_MAX = 64         # two for each pipe that relay threads keep
CGROUP_FACTOR = 1.5

# Seconds between two faults of a kind, in a run of hours and in one of minutes.
LONG = {"reload": 10, "rotate certificate": 60, "restart upstream": 90, "stop and continue": 45,
        "jump of the clock": 60, "full disk": 120, "out of descriptors": 150, "rotate log": 60}
SHORT = {"reload": 10, "rotate certificate": 15, "restart upstream": 25, "stop and continue": 20,
         "jump of the clock": 20, "full disk": 35, "out of descriptors": 30, "rotate log": 30}


class MemoryGroup:
    """A control group for the process, of either version; `why_not` says why there is none."""

    def __init__(self):
        self.why_not, self.limited = "", 0
        name = f"pgmoat-soak-{os.getpid()}"
        for root, limit, usage, peak in (
                ("/sys/fs/cgroup", "memory.max", "memory.current", "memory.peak"),
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                 "memory.max_usage_in_bytes")):
            self.path = Path(root) / name
            self._limit, self._usage, self._peak = (self.path / file for file in (limit, usage, peak))
            with contextlib.suppress(OSError):
                self.path.mkdir()
                if self._limit.exists():
                    return
                self.path.rmdir()
        self.path = None
        self.why_not = "no memory control group can be made"

    @property
    def joining(self):
        """The beginning of a shell command for a process that is put into it."""
        return f"echo $$ >{self.path}/cgroup.procs" if self.path else "true"

    def usage(self):
        return int(self._usage.read_text())

    def peak(self):
        return int(self._peak.read_text()) if self._peak.exists() else self.usage()

    def limit(self, size):
        self.limited = size
        self._limit.write_text(str(size))

    def remove(self):
        if self.path:
            eventually(self._try_to_remove, "the control group to be empty")

    def _try_to_remove(self):
        with contextlib.suppress(OSError):
            self.path.rmdir()
        return not self.path.exists()


class Soak:
    def __init__(self, workspace, installations, authority, binary, say=print, scale=1.0):
        self.say, self.scale = say, scale
        self.started = time.monotonic()
        self.done = {}
        self.tally = Tally()
        self.certificates = [authority.issue(f"soak-{number}") for number in range(3)]
        self.group = MemoryGroup()
        self._running = contextlib.ExitStack()
        try:
            self._start(workspace, installations, authority, binary)
        except BaseException:
            self._running.close()
            raise

    def _start(self, workspace, installations, authority, binary):
        self._running.callback(self.group.remove)
        certificate = authority.issue("soak-server")
        self.steady = Postgres(installations[18], certificate, settings={"max_connections": "100"})
        self._running.callback(self.steady.stop)
        self.restarted = Postgres(installations[15], settings={"max_connections": "100"})
        self._running.callback(self.restarted.stop)
        ports = {name: free_port() for name in ("again", "through", "other", "http")}
        self.clock = workspace.folder("clock") / "offset"
        self._set_clock("+0")
        self.pgmoat = Pgmoat(
            workspace, self.certificates[0], binary=binary, ready=False, names=self._words,
            settings={
                "upstream": f"host=127.0.0.1 port={self.steady.port} sslmode=disable",
                "upstream.tls": f"host=127.0.0.1 port={self.steady.port} sslmode=require",
                "upstream.restarted": f"host=127.0.0.1 port={self.restarted.port} sslmode=disable",
                "listener.again": f"address=127.0.0.1 port={ports['again']} upstream=tls",
                "listener.through": f"address=127.0.0.1 port={ports['through']} tls_mode=passthrough upstream=tls",
                "listener.other": f"address=127.0.0.1 port={ports['other']} upstream=restarted",
                "http_listen": f"127.0.0.1:{ports['http']}", "log_file": "disk/log",
                "log_min_messages": "info", "max_connections": 500, "hba_file": "pg_hba.conf"},
            files={"pg_hba.conf": "local all all trust\nhost all all all trust\n"})
        self._running.callback(self._stop_pgmoat)
        eventually(self._is_ready, "pgmoat to be ready", 60)
        self.doors = [Door(name, port, tls, may_move=False) for name, port, tls in (
            ("terminated", self.pgmoat.port, True), ("re-encrypted", ports["again"], True),
            ("passed through", ports["through"], True), ("in the clear", self.pgmoat.port, False),
            ("restarted upstream", ports["other"], True))]
        for server in (self.steady, self.restarted):
            make_sequences(server, 2 * len(self.doors) * (SESSIONS_PER_DOOR + 1))  # for two loads
        self._numbers = itertools.count()

    # --- the process and its surroundings -----------------------------------------------------------

    def _words(self, folder):
        """A mount namespace with a small disk for the log, the control group, the servers' user, its own clock."""
        self._disk = folder / "disk"
        self._disk.mkdir()
        mount = f"mount -t tmpfs -o size={LOG_DISK_BYTES},mode=1777 tmpfs {self._disk}"
        user = [shutil.which("setpriv"), f"--reuid={USER.pw_uid}", f"--regid={USER.pw_gid}", "--clear-groups"]
        clock = [f"LD_PRELOAD={FAKETIME}", f"FAKETIME_TIMESTAMP_FILE={self.clock}", "FAKETIME_CACHE_DURATION=1",
                 "FAKETIME_DONT_FAKE_MONOTONIC=1"] if FAKETIME else []
        script = f'{mount} && {self.group.joining} && exec "$@"'
        return ["unshare", "-m", "sh", "-c", script, "sh", *user, "env", *clock]

    def _disk_from_outside(self):
        return Path(f"/proc/{self.pgmoat.process.pid}/root{self._disk}")

    def _is_ready(self):
        assert self.pgmoat.process.exit_code is None, self.pgmoat.process.log()
        with contextlib.suppress(OSError):
            scrape(self.pgmoat)
            return True

    def _stop_pgmoat(self):
        if self.pgmoat.process.exit_code is None:
            self.pgmoat.process.send_signal(signal.SIGCONT)
            self.pgmoat.process.send_signal(signal.SIGTERM)
            self.pgmoat.process.wait(60)

    def close(self):
        self._running.close()
        assert self.pgmoat.process.exit_code == 0, f"{self.pgmoat.process.exit_code}: {self.pgmoat.process.log()}"

    # --- what happens to it -----------------------------------------------------------------------------

    def reload(self):
        limit = 501 if self.pgmoat.settings["max_connections"] == 500 else 500
        self.pgmoat.reload({"max_connections": limit})
        eventually(lambda: scrape(self.pgmoat).sum("pgmoat_connections_limit") == limit, "the reload")

    def rotate_certificate(self):
        number = (self.done.get("rotate certificate", 0) + 1) % len(self.certificates)
        self.certificates[number].install(self.pgmoat.folder)
        self.pgmoat.reload()
        shown = self._shown_certificate
        eventually(lambda: shown() == number, "the new certificate to be shown")

    def _shown_certificate(self):
        with RawClient(self.pgmoat.port) as client:
            der = client.start_tls().socket.getpeercert(binary_form=True)
        return next(number for number, leaf in enumerate(self.certificates)
                    if ssl.PEM_cert_to_DER_cert(leaf.certificate.read_text()) == der)

    def restart_upstream(self):
        with self.tally.excuse("upstream restarted", "restarted upstream", grace=4):
            self.restarted.restart()

    def stop_and_continue(self):
        """First pgmoat, then a server."""
        for process in (self.pgmoat.process, self.restarted.process):
            process.send_signal(signal.SIGSTOP)
            try:
                time.sleep(1.5)
            finally:
                process.send_signal(signal.SIGCONT)
            time.sleep(0.5)

    def _set_clock(self, offset):
        self.clock.write_text(offset + "\n")

    def jump_of_the_clock(self):
        for offset in ("+2h", "-2h", "+0"):
            self._set_clock(offset)
            time.sleep(2)  # it is read again after a second
            seen = scrape(self.pgmoat).sum("pgmoat_config_last_reload_success_timestamp_seconds")
            self.reload()
            moved = scrape(self.pgmoat).sum("pgmoat_config_last_reload_success_timestamp_seconds") - seen
            assert abs(moved) > 3600, f"the clock of pgmoat did not move: {moved} s"

    def full_disk(self):
        filler = self._disk_from_outside() / "filler"
        dropped = self._dropped_lines()
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 16))
        with contextlib.suppress(OSError), open(filler, "ab", buffering=0) as file:
            while True:
                file.write(b"x")
        time.sleep(2)  # clients go on all the same; lines that cannot be written are counted
        eventually(lambda: self._dropped_lines() > dropped, "lines of the log to be dropped")
        filler.unlink()
        self.rotate_log()
        self._expect_log_to_grow()

    def _dropped_lines(self):
        return scrape(self.pgmoat).sum("pgmoat_log_messages_dropped_total")

    def rotate_log(self):
        (self._disk_from_outside() / "log").unlink()
        self.pgmoat.process.send_signal(signal.SIGUSR1)
        self._expect_log_to_grow()

    def _expect_log_to_grow(self):
        log = self._disk_from_outside() / "log"
        before = log.stat().st_size if log.exists() else 0

        def grows():
            self._shown_certificate()
            return log.exists() and log.stat().st_size > before

        eventually(grows, "the log to be written again")

    def out_of_descriptors(self):
        """Leaves so few that some clients must wait to be accepted, and some servers cannot be reached."""
        def allow(descriptors):
            run_as_user(["prlimit", "--pid", pid, f"--nofile={descriptors}:"])

        pid, failed = self.pgmoat.process.pid, self._accept_errors()
        before = run_as_user(["prlimit", "--pid", pid, "--nofile", "--output=SOFT", "--noheadings"]).strip()
        with self.tally.excuse("out of descriptors", grace=3), contextlib.ExitStack() as flood:
            allow(self.pgmoat.process.open_descriptors() + 4)
            try:
                for _ in range(20):
                    flood.enter_context(socket.create_connection(("127.0.0.1", self.pgmoat.port), timeout=10))
                time.sleep(3)
            finally:
                allow(before)
        eventually(lambda: self._accept_errors() > failed, "failures of accept() to be counted")

    def _accept_errors(self):
        return scrape(self.pgmoat).sum("pgmoat_accept_errors_total")

    # --- the run --------------------------------------------------------------------------------------------

    def _workers(self):
        for door in self.doors:
            numbers = list(itertools.islice(self._numbers, SESSIONS_PER_DOOR))
            yield Queries(door, self.tally, numbers, pause=0.04 / self.scale)
            yield Connects(door, self.tally, next(self._numbers), 4 * self.scale)
            yield Copies(door, self.tally, rows=1000, pause=2.0 / self.scale)
            yield Cancels(door, self.tally, pause=2.0 / self.scale)

    @contextlib.contextmanager
    def load(self):
        workers = list(self._workers())
        for worker in workers:
            worker.start()
        try:
            yield
        finally:
            for worker in workers:
                worker.stop()
            for worker in workers:
                worker.join(90)
            assert not any(worker.is_alive() for worker in workers), "a client hangs"

    def at_rest(self):
        """Descriptors and resident bytes without clients; the counters must agree."""
        eventually(lambda: scrape(self.pgmoat).sum("pgmoat_connections_live") == 0, "the last session to end")
        metrics = scrape(self.pgmoat)
        opened, closed = (metrics.sum(f"pgmoat_connections_{what}_total") for what in ("opened", "closed"))
        assert opened == closed, f"{opened} opened, {closed} closed, 0 live"
        assert metrics.sum("pgmoat_internal_errors_total") == 0
        assert metrics.by("reason", "pgmoat_connections_closed_total").get("internal", 0) == 0
        assert metrics.sum("pgmoat_buffered_bytes") == 0
        time.sleep(1)
        return self.descriptors(), self.pgmoat.process.resident_bytes()

    def descriptors(self):
        """Without pipes: a relay thread keeps a few, as many as it has needed at a time."""
        folder = Path(f"/proc/{self.pgmoat.process.pid}/fd")
        targets = [os.readlink(entry) for entry in folder.iterdir()]
        pipes = sum(target.startswith("pipe:") for target in targets)
        assert pipes <= PIPE_ENDS_MAX, f"{pipes} ends of pipes"
        return len(targets) - pipes

    def _faults(self, every):
        actions = {"reload": self.reload, "rotate certificate": self.rotate_certificate,
                   "restart upstream": self.restart_upstream, "stop and continue": self.stop_and_continue,
                   "full disk": self.full_disk, "out of descriptors": self.out_of_descriptors,
                   "rotate log": self.rotate_log}
        if FAKETIME:
            actions["jump of the clock"] = self.jump_of_the_clock
        return {name: (action, every[name]) for name, action in actions.items()}

    def run(self, seconds, every):
        """Everything once as a warm-up, then the run; raises if a requirement is not met."""
        faults = self._faults(every)
        with self.load():  # each once, so that everything that is allocated only once is there
            for name in faults:
                self._do(name, faults[name][0])
        self.expect_no_faults()
        first = self.at_rest()
        if self.group.path:
            self.group.limit(int(self.group.peak() * CGROUP_FACTOR))
        with self.load():
            self._run_faults(faults, seconds)
        self.expect_no_faults()
        last = self.at_rest()
        self.report(first, last)
        assert last[0] <= first[0] + 2, f"descriptors: {first[0]}, then {last[0]}"
        assert last[1] <= first[1] * GROWTH_MAX + GROWTH_BYTES_MAX, f"memory: {first[1]}, then {last[1]} bytes"
        missing = [name for name, (_, period) in faults.items() if period < seconds and not self.done[name]]
        assert not missing, missing
        return first, last

    def _run_faults(self, faults, seconds):
        end = time.monotonic() + seconds
        due = {name: time.monotonic() + period for name, (_, period) in faults.items()}
        next_report = time.monotonic() + 60
        while time.monotonic() < end:
            name = min(due, key=due.get)
            time.sleep(max(0.0, min(due[name], end) - time.monotonic()))
            if time.monotonic() >= end:
                return
            due[name] = time.monotonic() + faults[name][1]
            self._do(name, faults[name][0])
            self.expect_no_faults()
            if time.monotonic() > next_report:
                next_report += 60
                self.report()

    def _do(self, name, action):
        action()
        self.done[name] = self.done.get(name, 0) + 1

    def expect_no_faults(self):
        assert not self.tally.faults, "\n".join(self.tally.faults)

    def report(self, first=None, last=None):
        facts = {"seconds": round(time.monotonic() - self.started), **self.tally.counts,
                 "excused": dict(self.tally.excused), "done": self.done,
                 "descriptors": self.pgmoat.process.open_descriptors(),
                 "resident MiB": self.pgmoat.process.resident_bytes() >> 20}
        if first:
            group = self.group.path and \
                f"peak {self.group.peak() >> 20} MiB, limit {self.group.limited >> 20} MiB"
            facts |= {"at rest, first and last": [f"{descriptors} descriptors, {size >> 20} MiB"
                                                  for descriptors, size in (first, last)],
                      "control group": group or self.group.why_not,
                      "clock": "faketime" if FAKETIME else "not moved: no faketime"}
        self.say(facts)

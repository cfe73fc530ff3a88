"""Processes of a measurement: started unprivileged, watched through /proc, ended by pid.

Rule: only what was started here is ended, and all of it is, whatever happens.
"""

import os
import pwd
import signal
import socket
import subprocess
import time

START_SECONDS_MAX = 10
STOP_SECONDS_MAX = 5


def unprivileged_account():
    """The account for servers that refuse to run as root; None if we are not root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def unprivileged_identity():
    """The same as arguments of subprocess."""
    account = unprivileged_account()
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server process with its children, listening on a loopback port."""

    def __init__(self, name, command, port, log_path):
        self.name = name
        self.port = port
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **unprivileged_identity()
            )
        self._wait_until_it_listens()

    def _wait_until_it_listens(self):
        give_up = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < give_up and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                time.sleep(0.2)  # children of a master process may still be starting
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"{self.name} did not start:\n{self._end_of_log()}")

    def _end_of_log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()[-2000:]

    def must_live(self):
        """A server that has died cannot be measured: the run ends, with what it said last."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} died (exit code {self.process.returncode}):\n"
                               f"{self._end_of_log()}")

    def pids(self):
        """The process and all its descendants."""
        parents = {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/stat") as stat:
                    parents[int(entry)] = int(stat.read().rpartition(")")[2].split()[1])
            except OSError:
                pass  # ended meanwhile
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found

    def run_on(self, cores):
        """All its threads, and what they start."""
        for pid in self.pids():
            for thread in os.listdir(f"/proc/{pid}/task"):
                try:
                    os.sched_setaffinity(int(thread), cores)
                except ProcessLookupError:
                    pass  # ended meanwhile

    def memory_kib(self):
        """Pss, so that pages shared by master and worker count once."""
        return sum(_pss_kib(pid) for pid in self.pids())

    def stop(self):
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            # The parent still lives, so no pid of the family can have passed to a stranger.
            for pid in reversed(self.pids()):
                os.kill(pid, signal.SIGKILL)
            self.process.wait()


def _pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        for line in rollup:
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


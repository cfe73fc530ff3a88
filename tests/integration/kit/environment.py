"""Where the tests run: the binary under test, a temporary folder, and the user that servers run as.

Neither PostgreSQL nor pgmoat runs as root, and the clone may be in a folder that only root can enter. So what they need
is copied into one temporary folder per run, which belongs to an unprivileged user.
"""

import fcntl
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("PGMOAT_BINARY", SOURCE / "build/asan-ubsan/pgmoat"))
RELEASE_BINARY = Path(os.environ.get("PGMOAT_RELEASE_BINARY", SOURCE / "build/release/pgmoat"))
TRANSFER_MIB = int(os.environ.get("PGMOAT_TRANSFER_MIB", "1024"))
NPM_MODULES = SOURCE / "build/postgresql-18/node_modules"
RUNS_AS_ROOT = os.geteuid() == 0
USER = pwd.getpwnam("postgres") if RUNS_AS_ROOT else pwd.getpwuid(os.geteuid())

# Arguments of subprocess.Popen.
AS_USER = {"user": USER.pw_uid, "group": USER.pw_gid, "extra_groups": []} if RUNS_AS_ROOT else {}


class Workspace:
    """The temporary folder of one test run."""

    def __init__(self):
        # A short path: a Unix socket's may have at most 107 characters.
        self.root = Path(tempfile.mkdtemp(prefix="pgmoat-", dir="/tmp"))
        self.root.chmod(0o755)
        self._count = 0
        # psql reads ~/.postgresql/root.crt and ~/.pgpass: a user's files must not affect a test.
        self.home = self.folder("home")

    @property
    def pgmoat(self):
        """The binary under test."""
        return self._copy(BINARY, "pgmoat")

    @property
    def release(self):
        """The binary that is shipped, for what sanitizers would distort."""
        return self._copy(RELEASE_BINARY, "pgmoat-release")

    def _copy(self, binary, name):
        copy = self.root / name
        if not copy.exists():
            shutil.copy(binary, copy)
        return copy

    def folder(self, name):
        """A new folder, owned by the user that servers run as."""
        self._count += 1
        folder = self.root / f"{name}-{self._count}"
        folder.mkdir(mode=0o755)
        give_to_user(folder)
        return folder

    def remove(self):
        shutil.rmtree(self.root)


def give_to_user(path):
    if RUNS_AS_ROOT:
        os.chown(path, USER.pw_uid, USER.pw_gid)


def write_for_user(path, content, mode=0o644):
    """A file owned by the servers' user; replaces an old one atomically, as `mv` does."""
    data = content.encode() if isinstance(content, str) else content
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    fresh.chmod(mode)
    give_to_user(fresh)
    fresh.rename(path)


def run_as_user(arguments, **options):
    """Runs a program, which must succeed."""
    result = subprocess.run([str(argument) for argument in arguments], **AS_USER, text=True, check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", **options)
    assert result.returncode == 0, f"{arguments[0]} failed:\n{result.stdout}"
    return result.stdout


def _own_ports():
    """A thousand, from which no other test process takes any, over and over: the lock is held as long as this process
    lives. Outside the range that the kernel uses for connections (ip_local_port_range)."""
    for thousand in range(10, 32):
        lock = open(f"/tmp/pgmoat-ports-{os.geteuid()}-{thousand}", "w", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        while True:
            yield from range(thousand * 1000, thousand * 1000 + 1000)
    raise RuntimeError("too many test processes at a time")


_ports = _own_ports()


def free_port():
    """Free on every address."""
    for port in _ports:
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port

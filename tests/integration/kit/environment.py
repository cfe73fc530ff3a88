"""Where the tests run: the binary under test, a temporary folder, and the user that servers run as.

Neither PostgreSQL nor pgmoat runs as root, and the clone may stand in a folder that only root can enter.
So what they need is copied into one temporary folder per run, which belongs to an unprivileged user.
"""

import os
import pwd
import random
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
        # A short path: a unix socket's may not have more than 107 characters.
        self.root = Path(tempfile.mkdtemp(prefix="pgmoat-", dir="/tmp"))
        self.root.chmod(0o755)
        self._count = 0
        # psql reads ~/.postgresql/root.crt and ~/.pgpass: nobody's may decide a test.
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
        """A new folder, which belongs to the user that servers run as."""
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
    """A file that the servers' user owns; an old one is replaced in one step, as `mv` would."""
    data = content.encode() if isinstance(content, str) else content
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    fresh.chmod(mode)
    give_to_user(fresh)
    fresh.rename(path)


def run_as_user(arguments, **options):
    """Runs a program to its end and wants it to succeed."""
    result = subprocess.run([str(argument) for argument in arguments], **AS_USER, text=True, check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", **options)
    assert result.returncode == 0, f"{arguments[0]} failed:\n{result.stdout}"
    return result.stdout


def free_port():
    """On every address, and none that the kernel gives to a connection meanwhile (ip_local_port_range)."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port

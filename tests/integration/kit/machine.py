"""A booted Debian: systemd as process 1 in a systemd-nspawn container, on a root folder that is not changed."""

import fcntl
import os
import shlex
import signal
import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kit.environment import SOURCE
from kit.process import eventually

ROOTS = Path(os.environ.get("PGMOAT_DEBIAN_ROOTS", SOURCE / "build/debian-root"))


def release():
    """(codename, version) of this machine's Debian."""
    facts = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return facts["VERSION_CODENAME"].strip('"'), facts["VERSION_ID"].strip('"')


@contextmanager
def debian_root(suite, dependencies):
    """A folder with a minimal Debian in which these dependencies are installed, and which nobody changes meanwhile.

    The processes of a test run share it, and even apt's question whether all is installed writes into it: it is asked once
    for each set of dependencies, while nobody else reads the folder.
    """
    root, satisfied = ROOTS / suite, ROOTS / f"{suite}.satisfied"
    ROOTS.mkdir(parents=True, exist_ok=True)
    with open(ROOTS / f"{suite}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        if not (root.is_dir() and satisfied.exists() and dependencies in satisfied.read_text().splitlines()):
            fcntl.flock(lock, fcntl.LOCK_EX)
            new = not root.is_dir()
            subprocess.run([SOURCE / "tests/integration/make-debian-root", root, suite, dependencies], check=True,
                           timeout=900)
            with satisfied.open("w" if new else "a", encoding="utf-8") as record:
                record.write(f"{dependencies}\n")
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield root


class Machine:
    """Use it in a with statement. Writes go into `folder`; `files` are copied to its /root."""

    def __init__(self, folder, suite, dependencies, files=()):
        self._folder, self._suite, self._dependencies, self._files = folder, suite, dependencies, files
        self.log_file = folder / "console"
        self._nspawn = self._init = None
        self._until_the_end = ExitStack()

    def __enter__(self):
        with ExitStack() as stack:
            root = stack.enter_context(debian_root(self._suite, self._dependencies))
            stack.callback(self._power_off)
            self._power_on(root)
            self._init = eventually(self._find_init, "process 1 of the machine", timeout=60)
            eventually(lambda: self.try_run("systemctl is-system-running").stdout.strip() in ("running", "degraded"),
                       "the machine to be up", timeout=90)
            self._until_the_end = stack.pop_all()
        return self

    def __exit__(self, *error):
        return self._until_the_end.__exit__(*error)

    def _power_on(self, root):
        folder = self._folder
        for name in ("upper", "work", "merged"):
            (folder / name).mkdir()
        (folder / "upper/root").mkdir(mode=0o700)
        for file in self._files:
            (folder / "upper/root" / file.name).write_bytes(file.read_bytes())
        # Both mounts end with the namespace, and with it the machine. A unified hierarchy: systemd 256 and later
        # refuse the old one.
        script = (f"mount -t overlay overlay -o lowerdir={root},upperdir={folder}/upper,workdir={folder}/work "
                  f"{folder}/merged && exec systemd-nspawn --quiet --directory={folder}/merged --boot --register=no "
                  "--keep-unit --private-network --console=pipe --hostname=moat")
        with self.log_file.open("wb") as log:
            self._nspawn = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "bash", "-c", script], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})

    def _power_off(self):
        if self._init:
            os.kill(self._init, signal.SIGRTMIN + 4)  # systemd's name for poweroff
            try:
                self._nspawn.wait(30)
            except subprocess.TimeoutExpired:
                pass
        if self._nspawn and self._nspawn.poll() is None:
            self._nspawn.kill()
            self._nspawn.wait()

    def _find_init(self):
        assert self._nspawn.poll() is None, self.log_file.read_text(errors="replace")
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        for child in children:
            status = Path(f"/proc/{child}/status").read_text()
            if "Name:\tsystemd\n" in status:
                return int(child)
        return None

    def _enter(self, command):
        return ["nsenter", "--target", str(self._init), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
                "--root", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8",
                "SYSTEMD_PAGER=cat", "DEBIAN_FRONTEND=noninteractive", "bash", "-c", f"cd / && {command}"]

    def try_run(self, command, timeout=120):
        return subprocess.run(self._enter(command), capture_output=True, text=True, check=False, timeout=timeout)

    def run(self, command, timeout=120):
        result = self.try_run(command, timeout)
        assert result.returncode == 0, f"{command}:\n{result.stdout}{result.stderr}\n{self.journal()}"
        return result.stdout

    def start(self, command):
        """In the background: returns a Popen."""
        return subprocess.Popen(self._enter(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def write(self, path, text):
        self.run(f"mkdir -p {shlex.quote(str(Path(path).parent))} && cat >{shlex.quote(path)} <<'END'\n{text}\nEND")

    def journal(self):
        return self.try_run("journalctl --no-pager -n 60").stdout

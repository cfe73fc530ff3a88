"""The names that one server process can resolve: a mount namespace with the test's own resolver files, and a name
server that answers only when the test wants."""

import os
import shutil
import socket
import struct
import subprocess

import pytest

from kit.environment import RUNS_AS_ROOT, USER
from kit.process import PATIENCE

NXDOMAIN = 3
ADDRESS, POINTER = 1, 12  # types of questions


class NameServer:
    """Accepts queries on port 53 of a loopback address and does not answer. Use it in a with statement."""

    def __init__(self):
        # Two tests that run at the same time must not collide: the process id makes the address unique.
        self.address = f"127.53.{os.getpid() >> 8 & 255}.{os.getpid() % 255 + 1}"
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.bind((self.address, 53))
        except PermissionError:
            self.socket.close()
            pytest.skip("only root may bind port 53")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def wait_for_question(self):
        return self.socket.recvfrom(512)

    def say_no_such_name(self, question, peer):
        self._answer(question, peer, code=NXDOMAIN)

    def say_name_and_address(self, name, address):
        """Answers the three queries of a reverse and a forward lookup: PTR, A, AAAA (empty)."""
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
        records = {POINTER: labels, ADDRESS: socket.inet_aton(address)}
        for _ in range(3):
            question, peer = self.wait_for_question()
            end_of_name = question.index(b"\0", 12)
            kind = int.from_bytes(question[end_of_name + 1:end_of_name + 3], "big")
            self._answer(question[:end_of_name + 5], peer, kind, records.get(kind))

    def _answer(self, question, peer, kind=0, record=None, code=0):
        flags = 0x8180 | code  # an answer, from a server that recurses
        answers = b""
        if record:  # about the name at offset 12, of class IN, for a minute
            answers = struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(record)) + record
        head = question[:2] + struct.pack("!HHHHH", flags, 1, 1 if record else 0, 0, 0)
        self.socket.sendto(head + question[12:] + answers, peer)


def own_names(folder, hosts=(), name_server=None):
    """The beginning of a command for which only these names exist: hosts are pairs of address and name."""
    # Not -r: PostgreSQL refuses to run as root, even as the root of a namespace.
    own = ["unshare", "--mount", "--map-current-user", "--keep-caps"]
    if not RUNS_AS_ROOT and subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no mount namespace to users")
    lines = [("127.0.0.1", "localhost"), *hosts]
    files = {
        "/etc/hosts": "".join(f"{address} {name}\n" for address, name in lines),
        "/etc/nsswitch.conf": "hosts: files dns\n" if name_server else "hosts: files\n",
        # Longer than any test: the test or pgmoat ends the wait.
        "/etc/resolv.conf": f"nameserver {name_server.address if name_server else '127.0.0.1'}\n"
                            "options timeout:30 attempts:1\n",
    }
    script = ""
    for target, text in files.items():
        source = folder / os.path.basename(target)
        source.write_text(text)
        script += f"mount --bind {source} {target} && "
    if not RUNS_AS_ROOT:
        return [*own, "sh", "-c", script + 'exec "$@"', "sh"]
    user = [shutil.which("setpriv"), f"--reuid={USER.pw_uid}", f"--regid={USER.pw_gid}", "--clear-groups"]
    return ["unshare", "-m", "sh", "-c", script + 'exec "$@"', "sh", *user]

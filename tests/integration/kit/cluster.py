"""A cluster that fails over: PostgreSQL under Patroni, with etcd, on loopback. Each member has a cable to etcd that a
test can cut."""

import json
import os
import shutil
import signal
import socket
import ssl
import threading
import urllib.error
import urllib.request

from kit.environment import free_port, write_for_user
from kit.process import Process, eventually

HBA = ("local all all trust", "host replication all 127.0.0.0/8 trust", "host all all 127.0.0.0/8 trust")
# As short as Patroni lets them be: a member that is gone loses its lease after this many seconds.
LEASE, LOOP, RETRY = 20, 1, 3


def is_installed():
    return bool(shutil.which("patroni") and shutil.which("etcd"))


class Etcd:
    def __init__(self, workspace):
        self.port, peer = free_port(), free_port()
        folder = workspace.folder("etcd")
        client, peers = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{peer}"
        self.process = Process(
            ["etcd", "--name", "one", "--data-dir", folder / "data", "--listen-client-urls", client,
             "--advertise-client-urls", client, "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers,
             "--initial-cluster", f"one={peers}", "--logger", "zap", "--log-level", "error"], folder / "log")
        eventually(self._answers, "etcd")

    def _answers(self):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.kill()


class Cable:
    """Carries TCP connections to a port, until it is cut."""

    def __init__(self, to_port):
        self._to_port = to_port
        self._lock = threading.Lock()
        self._cut = False
        self._sockets = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        with self._lock:
            self._cut = True
            for end in self._sockets:
                _close(end)
            self._sockets.clear()

    def mend(self):
        with self._lock:
            self._cut = False

    def stop(self):
        self.cut()
        _close(self._listener)

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._to_port))
            except OSError:
                near.close()
                continue
            with self._lock:
                if self._cut:
                    near.close()
                    far.close()
                    continue
                self._sockets |= {near, far}
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        _close(source)
        _close(target)
        with self._lock:
            self._sockets -= {source, target}


def _close(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()


class Member:
    def __init__(self, workspace, binaries, authority, etcd, name):
        self.name = name
        self.port, self.rest_port = free_port(), free_port()
        self.cable = Cable(etcd.port)
        self.folder = workspace.folder(f"member-{name}")
        self.data = self.folder / "data"
        authority.issue(f"patroni-{name}").install(self.folder, "rest")
        write_for_user(self.folder / "ca.crt", authority.certificate.read_bytes())
        login = {"superuser": {"username": "postgres"}, "replication": {"username": "postgres"},
                 "rewind": {"username": "postgres"}}
        # YAML takes JSON.
        write_for_user(self.folder / "patroni.yml", json.dumps({
            "scope": "cluster", "name": name,
            "restapi": {"listen": f"127.0.0.1:{self.rest_port}", "connect_address": f"localhost:{self.rest_port}",
                        "certfile": str(self.folder / "rest.crt"), "keyfile": str(self.folder / "rest.key"), "cafile": str(self.folder / "ca.crt")},
            "etcd3": {"hosts": [f"127.0.0.1:{self.cable.port}"], "use_proxies": True},
            "bootstrap": {
                "dcs": {"ttl": LEASE, "loop_wait": LOOP, "retry_timeout": RETRY, "synchronous_mode": True,
                        "postgresql": {"use_pg_rewind": True, "parameters": {
                            "wal_log_hints": "on", "max_connections": 60, "wal_keep_size": "64MB"}}},
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "no-sync", {"auth": "trust"}]},
            "postgresql": {
                "listen": f"127.0.0.1:{self.port}", "connect_address": f"127.0.0.1:{self.port}",
                "data_dir": str(self.data), "pgpass": str(self.folder / "pgpass"), "bin_dir": str(binaries), "authentication": login, "pg_hba": list(HBA),
                "parameters": {"unix_socket_directories": str(self.folder), "fsync": "off", "shared_buffers": "16MB",
                               "log_connections": "on", "logging_collector": "off"}},
        }))
        self.start()

    def start(self):
        self.process = Process(["patroni", self.folder / "patroni.yml"], self.folder / "log")

    @property
    def rest(self):
        return f"https://localhost:{self.rest_port}"

    def ask(self, path, method="GET", body=None):
        """(status, body) of the REST interface; (None, why) when it does not answer."""
        request = urllib.request.Request(f"{self.rest}{path}", method=method,
                                         data=body and json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=10, context=ssl._create_unverified_context()) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return None, str(error)

    def kill(self):
        """The machine is gone: Patroni and PostgreSQL at once."""
        postmaster = self.data / "postmaster.pid"
        self.process.kill()
        if postmaster.exists():
            pid = int(postmaster.read_text().split()[0])
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def stop(self):
        self.kill()
        self.cable.stop()


class Cluster:
    """Three members; the first one starts it."""

    def __init__(self, workspace, binaries, authority):
        self.etcd = Etcd(workspace)
        self.members = []
        for name in ("n1", "n2", "n3"):
            self.members.append(Member(workspace, binaries, authority, self.etcd, name))
            if name == "n1":
                eventually(lambda: self.members[0].ask("/primary")[0] == 200, "the first primary", timeout=60)
        eventually(lambda: self.synchronous(), "a synchronous standby", timeout=60)
        eventually(lambda: all(self.states().get(one.name) in ("running", "streaming") for one in self.members),
                   "three members that run", timeout=60)

    def describe(self):
        for member in self.members:
            status, body = member.ask("/cluster")
            if status == 200:
                return json.loads(body)["members"]
        return []

    def states(self):
        return {one["name"]: one["state"] for one in self.describe()}

    def synchronous(self):
        return [one["name"] for one in self.describe() if one["role"] == "sync_standby"]

    def primary(self):
        """The member that says it is; None in between."""
        return next((member for member in self.members if member.ask("/primary")[0] == 200), None)

    def switch_over(self, old, new):
        return old.ask("/switchover", "POST", {"leader": old.name, "candidate": new.name})

    def stop(self):
        for member in self.members:
            member.stop()
        self.etcd.stop()

"""A cluster that fails over: PostgreSQL under Patroni, three members, with three etcd servers, each on a machine of
kit.lan."""

import contextlib
import json
import os
import shutil
import signal
import ssl
import time
import urllib.error
import urllib.request

import psycopg2

from kit.environment import free_port, write_for_user
from kit.process import eventually

# Patroni takes no shorter lease. A primary that is gone is replaced when it has run out, and one that cannot renew it
# for RETRY seconds steps down: as late as a lease lets it, for a machine with much else to do.
LEASE, LOOP, RETRY = 20, 1, 9


def is_installed():
    return all(shutil.which(program) for program in ("patroni", "etcd", "haproxy"))


def ask(url, method="GET", body=None, timeout=10):
    """(status, body) of an HTTP server; (None, why) when it does not answer."""
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl._create_unverified_context()))
    try:
        with opener.open(request, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return None, str(error)


def slowly(condition, what, timeout=90):
    """As eventually(), where a client that is turned away has only looked too early. Each look takes TLS handshakes, of
    which two cores have not many to spare."""
    def look():
        with contextlib.suppress(psycopg2.OperationalError):
            if value := condition():
                return value
        return time.sleep(0.2)

    return eventually(look, what, timeout)


class Etcd:
    def __init__(self, lan, workspace, name):
        self.name, self.machine = name, lan.machine()
        self.folder = workspace.folder(f"etcd-{name}")
        self.port, peer_port = free_port(), free_port()
        self.url = f"http://{self.machine.address}:{self.port}"
        self.peer_url = f"http://{self.machine.address}:{peer_port}"

    def start(self, all_of_them):
        self.process = self.machine.start(
            ["etcd", "--name", self.name, "--data-dir", self.folder / "data", "--listen-client-urls", self.url,
             "--advertise-client-urls", self.url, "--listen-peer-urls", self.peer_url,
             "--initial-advertise-peer-urls", self.peer_url,
             "--initial-cluster", ",".join(f"{one.name}={one.peer_url}" for one in all_of_them),
             "--heartbeat-interval", "200", "--election-timeout", "2000", "--logger", "zap", "--log-level", "error"],
            self.folder / "log")

    def answers(self):
        with self.machine.inside():
            return ask(f"{self.url}/health")[0] == 200

    def leads(self):
        with self.machine.inside():
            status, body = ask(f"{self.url}/v3/maintenance/status", "POST", {})
        answer = json.loads(body) if status == 200 else {}
        return bool(answer) and answer["leader"] == answer["header"]["member_id"]


class Member:
    def __init__(self, lan, workspace, binaries, authority, etcds, name):
        self.name, self.machine = name, lan.machine()
        self.port, self.rest_port = free_port(), free_port()
        address = self.machine.address
        self.server = f"{address}:{self.port}"
        self.rest = f"https://{address}:{self.rest_port}"
        self.folder = workspace.folder(f"member-{name}")
        self.data = self.folder / "data"
        authority.issue(f"patroni-{name}", alternative_names=f"IP:{address}").install(self.folder, "rest")
        write_for_user(self.folder / "ca.crt", authority.certificate.read_bytes())
        login = {"superuser": {"username": "postgres"}, "replication": {"username": "postgres"},
                 "rewind": {"username": "postgres"}}
        hba = ("local all all trust", f"host replication all {lan.NETWORK} trust", f"host all all {lan.NETWORK} trust")
        # YAML takes JSON.
        write_for_user(self.folder / "patroni.yml", json.dumps({
            "scope": "cluster", "name": name,
            "restapi": {"listen": f"{address}:{self.rest_port}", "connect_address": f"{address}:{self.rest_port}",
                        "certfile": str(self.folder / "rest.crt"), "keyfile": str(self.folder / "rest.key"),
                        "cafile": str(self.folder / "ca.crt")},
            "etcd3": {"hosts": [one.url.removeprefix("http://") for one in etcds]},
            "bootstrap": {
                "dcs": {"ttl": LEASE, "loop_wait": LOOP, "retry_timeout": RETRY, "synchronous_mode": True,
                        "postgresql": {"use_pg_rewind": True, "parameters": {
                            "wal_log_hints": "on", "max_connections": 60, "wal_keep_size": "64MB"}}},
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "no-sync", {"auth": "trust"}]},
            "postgresql": {
                "listen": self.server, "connect_address": self.server, "data_dir": str(self.data),
                "pgpass": str(self.folder / "pgpass"), "bin_dir": str(binaries), "authentication": login,
                "pg_hba": list(hba),
                "parameters": {"unix_socket_directories": str(self.folder), "fsync": "off", "shared_buffers": "16MB",
                               "log_connections": "on", "logging_collector": "off"}},
        }))
        self.start()

    def start(self):
        """PostgreSQL's log is in Patroni's."""
        self.process = self.machine.start(["patroni", self.folder / "patroni.yml"], self.folder / "log")

    def query(self, sql):
        """The first row, past pgmoat and past what is cut."""
        connection = psycopg2.connect(host=self.folder, port=self.port, user="postgres", dbname="postgres")
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchone()
        finally:
            connection.close()

    @contextlib.contextmanager
    def patroni_hangs(self):
        """PostgreSQL goes on. At the end both are killed: a Patroni 3.0 that went on as the leader that it was would
        take the key from its successor, and what was written since would be lost."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.kill()

    def kill(self):
        """Patroni and PostgreSQL at once."""
        postmaster = self.data / "postmaster.pid"
        self.process.kill()
        if postmaster.exists():
            try:
                os.kill(int(postmaster.read_text().split()[0]), signal.SIGKILL)
            except ProcessLookupError:
                pass


class Cluster:
    """The first member starts it. The machine that asks it is one that nothing is cut from."""

    def __init__(self, lan, workspace, binaries, authority):
        self._machine = lan.machine()
        self.etcds = [Etcd(lan, workspace, name) for name in ("e1", "e2", "e3")]
        self.members = []
        try:
            for etcd in self.etcds:
                etcd.start(self.etcds)
            slowly(lambda: all(etcd.answers() for etcd in self.etcds), "etcd")
            for name in ("n1", "n2", "n3"):
                self.members.append(Member(lan, workspace, binaries, authority, self.etcds, name))
                if name == "n1":
                    slowly(self.primary, "the first primary")
            self.settle()
        except BaseException:
            self.stop()
            raise

    def ask(self, member, path, *request, **options):
        with self._machine.inside():
            return ask(member.rest + path, *request, **options)

    def described_by(self, member):
        """What this one knows of all: [{"name": "n1", "role": "leader", ...}]"""
        status, body = self.ask(member, "/cluster")
        return json.loads(body)["members"] if status == 200 else []

    def has_role(self, role):
        described = next(filter(None, map(self.described_by, self.members)), [])
        names = [one["name"] for one in described if one["role"] == role]
        return next((member for member in self.members if member.name in names), None)

    def primary(self, among=None):
        """The member that says it is; None in between."""
        return next((one for one in among or self.members if self.ask(one, "/primary", timeout=5)[0] == 200), None)

    def others(self, member):
        return [one for one in self.members if one is not member]

    def switch_over(self, old, new):
        return self.ask(old, "/switchover", "POST", {"leader": old.name, "candidate": new.name}, timeout=60)

    def settle(self):
        """Starts what does not run, and waits until any standby can take over."""
        for etcd in self.etcds:
            if etcd.process.exit_code is not None:
                etcd.start(self.etcds)
        for member in self.members:
            if member.process.exit_code is not None:
                member.start()
        try:
            slowly(lambda: all(map(self._is_whole_to, self.members)) and self.primary(), "a whole cluster", timeout=120)
        except AssertionError as error:
            logs = "".join(f"\n{one.name}: {self.described_by(one)}\n{one.process.log()[-3000:]}"
                           for one in self.members)
            raise AssertionError(f"{error}{logs}") from error

    def _is_whole_to(self, member):
        described = self.described_by(member)
        roles = sorted(one["role"] for one in described)
        return (roles == ["leader", "replica", "sync_standby"] and len({one.get("timeline") for one in described}) == 1
                and all(one["state"] in ("running", "streaming") for one in described))

    def stop(self):
        for member in self.members:
            member.kill()
        for etcd in self.etcds:
            etcd.process.kill()

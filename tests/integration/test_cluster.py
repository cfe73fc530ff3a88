"""A cluster under Patroni that fails over, behind pgmoat and, in the same run, behind HAProxy with Patroni's template.
Clients write through both and try again when they fail; what was acknowledged must be there at the end."""

import os
import threading
import time

import psycopg2
import pytest

from kit import cluster as kit
from kit import wire
from kit.environment import free_port, write_for_user
from kit.process import Process, eventually
from kit.raw_client import RawClient

pytestmark = [
    pytest.mark.skipif(not kit.is_installed(), reason="needs patroni and etcd-server: deploy/install-packages tests"),
    pytest.mark.skipif(os.environ.get("PGMOAT_ORACLE") == "0", reason="once a run, not for each build")]

INTERVAL = 1.0


@pytest.fixture(scope="module")
def cluster(workspace, installations, authority):
    cluster = kit.Cluster(workspace, installations[15].binaries, authority)
    yield cluster
    cluster.stop()


@pytest.fixture
def pgmoat(cluster, start_pgmoat, authority):
    ports = ",".join(str(member.port) for member in cluster.members)
    hosts = ",".join("127.0.0.1" for _ in cluster.members)
    rest = ",".join(member.rest for member in cluster.members)
    return start_pgmoat(settings={
        "upstream": f"host={hosts} port={ports} sslmode=disable target_session_attrs=read-write",
        "health": f"patroni={rest} sslrootcert={authority.certificate} interval={int(INTERVAL * 1000)}ms timeout=5s"})


@pytest.fixture
def haproxy(cluster, workspace):
    """Patroni's template (extras/confd/templates/haproxy.tmpl)."""
    port, folder = free_port(), workspace.folder("haproxy")
    servers = "".join(f"    server {member.name} 127.0.0.1:{member.port} maxconn 100 check check-ssl verify none "
                      f"port {member.rest_port}\n" for member in cluster.members)
    write_for_user(folder / "haproxy.cfg", f"""
global
    maxconn 100
defaults
    mode tcp
    retries 2
    timeout client 30m
    timeout connect 4s
    timeout server 30m
    timeout check 5s
listen master
    bind 127.0.0.1:{port}
    option httpchk OPTIONS /master
    http-check expect status 200
    default-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
{servers}""")
    process = Process(["haproxy", "-db", "-f", folder / "haproxy.cfg"], folder / "log")
    process.port = port
    yield process
    process.kill()


class Writer:
    """A client that writes, and connects again when it fails. `gaps`: the times without an acknowledged write, from
    the last one to the next."""

    def __init__(self, port, name):
        self.port, self.name = port, name
        self.acknowledged, self.failures = set(), []
        self.longest_gap = 0.0
        self._stop = threading.Event()
        self._last = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        number = 0
        while not self._stop.is_set():
            try:
                connection = psycopg2.connect(host="127.0.0.1", port=self.port, user="postgres", dbname="postgres",
                                              sslmode="disable", connect_timeout=10, keepalives_idle=2)
                connection.autocommit = True
                with connection.cursor() as cursor:
                    while not self._stop.is_set():
                        number += 1
                        cursor.execute("INSERT INTO written VALUES (%s, %s)", (self.name, number))
                        self._wrote(number)
                        time.sleep(0.05)
            except psycopg2.Error as error:
                self.failures.append((error.pgcode, str(error).strip()))
                time.sleep(0.1)

    def _wrote(self, number):
        now = time.monotonic()
        self.acknowledged.add(number)
        if self._last:
            self.longest_gap = max(self.longest_gap, now - self._last)
        self._last = now

    def is_writing(self):
        count = len(self.acknowledged)
        eventually(lambda: len(self.acknowledged) > count + 3, f"writes of {self.name}", timeout=60)

    def take_gap(self):
        gap, self.longest_gap = self.longest_gap, 0.0
        return gap

    def stop(self):
        self._stop.set()
        self._thread.join(20)


def execute(port, sql, fetch=False):
    connection = psycopg2.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres", sslmode="disable",
                                  connect_timeout=10)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if fetch else None
    finally:
        connection.close()


def server_of(port):
    return int(execute(port, "SHOW port", fetch=True)[0][0])


def test_clients_follow_the_primary_and_no_acknowledged_write_is_lost(cluster, pgmoat, haproxy):
    execute(pgmoat.port, "CREATE TABLE written (who text, number int)")
    writers = [Writer(pgmoat.port, "pgmoat"), Writer(haproxy.port, "haproxy")]
    gaps = {}

    def after(event):
        for writer in writers:
            writer.is_writing()
        time.sleep(1)
        gaps[event] = {writer.name: round(writer.take_gap(), 1) for writer in writers}

    after("start")

    # --- a switchover: sessions on the old primary are told, or find it closed -----------------------------------
    old = cluster.primary()
    assert server_of(pgmoat.port) == old.port
    candidate = next(one for one in cluster.members if one.name in cluster.synchronous())
    with RawClient(pgmoat.port) as session:
        session.log_in()
        status, body = cluster.switch_over(old, candidate)
        assert status == 200, body
        assert session.receive_error()["C"] == "57P01"
    eventually(lambda: cluster.primary() is candidate, "the switchover", timeout=60)
    after("switchover")
    assert server_of(pgmoat.port) == candidate.port

    # A cancel request reaches the new one.
    with RawClient(pgmoat.port) as client:
        client.log_in().send(wire.query("SELECT pg_sleep(60)"))
        with RawClient(pgmoat.port) as cancel:
            cancel.send(wire.cancel_request(client.backend_process_id, client.backend_key))
        assert client.receive_error()["C"] == "57014"

    # --- the primary is cut off from etcd, and clients still reach it ---------------------------------------------
    eventually(lambda: len(cluster.synchronous()) == 1, "a synchronous standby", timeout=60)
    old = cluster.primary()
    old.cable.cut()
    new = eventually(lambda: (found := cluster.primary()) not in (None, old) and found, "the failover", timeout=90)
    after("partition")
    assert server_of(pgmoat.port) == new.port
    assert old.ask("/primary")[0] == 503
    old.cable.mend()

    # --- the primary's machine is gone ----------------------------------------------------------------------------
    eventually(lambda: len(cluster.synchronous()) == 1, "a synchronous standby", timeout=60)
    dead = cluster.primary()
    dead.kill()
    new = eventually(lambda: (found := cluster.primary()) not in (None, dead) and found, "the failover", timeout=90)
    after("kill -9")
    assert server_of(pgmoat.port) == new.port

    for writer in writers:
        writer.stop()
    print("\nseconds without a write:", gaps)
    for writer in writers:
        written = {number for (number,) in execute(
            new.port, f"SELECT number FROM written WHERE who = '{writer.name}'", fetch=True)}
        assert writer.acknowledged <= written, f"{writer.name} lost {sorted(writer.acknowledged - written)}"
    assert not [text for code, text in writers[0].failures if code == "25006"], "a write was sent to a standby"
    for event, gap in gaps.items():
        # HAProxy's checks come every 3 s, ours every second; what is left is the machine's load.
        assert gap["pgmoat"] <= gap["haproxy"] + 3, gaps

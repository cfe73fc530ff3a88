"""A cluster under Patroni that fails over, with three pgmoats in front of it that a load balancer spreads clients over,
and, in the same run, HAProxy with Patroni's template. Clients write through both and try again when they fail."""

import contextlib
import itertools
import threading
import time

import psycopg2
import pytest

from kit import cluster as kit
from kit import wire
from kit.environment import free_port, write_for_user
from kit.lan import make_lan
from kit.metrics import scrape
from kit.pgmoat import Pgmoat
from kit.process import eventually
from kit.raw_client import RawClient

pytestmark = [
    pytest.mark.skipif(not kit.is_installed(), reason="needs patroni, etcd-server, haproxy: deploy/install-packages"),
    pytest.mark.once_a_run]

# The names that clients of pgmoat give themselves begin with this.
OURS = "pgmoat"
HAPROXY = """
global
    maxconn 100
defaults
    mode tcp
    retries 2
    timeout client 30m
    timeout connect 4s
    timeout server 30m
    timeout check 5s
"""
# extras/confd/templates/haproxy.tmpl of Patroni.
OF_PATRONI = """
    option httpchk OPTIONS /master
    http-check expect status 200
    default-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
"""
OF_PGMOATS = """
    balance roundrobin
    option redispatch 1
    option httpchk GET /readyz
    http-check expect status 200
    default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
"""


class Site:
    """The machines and what runs on them. `door` and `haproxy` are where clients connect to: (address, port)."""

    def __init__(self, workspace, binaries, authority, certificate):
        self.lan, self.no_lan = make_lan()
        self.gaps = {}
        self.replicas, self._balancers = [], []
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(self.stop)
            self.cluster = None
            self.cluster = kit.Cluster(self.lan, workspace, binaries, authority)
            self.clients = self.lan.machine()
            for _ in range(3):
                self.replicas.append(self._start_pgmoat(workspace, authority, certificate))
            self.door = self._balance(workspace, OF_PGMOATS, "check", {
                f"pgmoat{number}": (one.machine.address, one.port, one.settings["http_listen"].split(":")[1])
                for number, one in enumerate(self.replicas)})
            self.haproxy = self._balance(workspace, OF_PATRONI, "maxconn 100 check check-ssl verify none", {
                one.name: (one.machine.address, one.port, one.rest_port) for one in self.cluster.members})
            on_failure.pop_all()

    def _start_pgmoat(self, workspace, authority, certificate):
        machine = self.lan.machine()
        members = self.cluster.members
        pgmoat = Pgmoat(workspace, certificate, names=machine.words, settings={
            "listen_addresses": machine.address, "http_listen": f"{machine.address}:{free_port()}",
            "upstream": f"host={','.join(one.machine.address for one in members)} "
                        f"port={','.join(str(one.port) for one in members)} sslmode=disable "
                        "target_session_attrs=read-write",
            "health": f"patroni={','.join(one.rest for one in members)} sslrootcert={authority.certificate} "
                      "interval=1s"})
        pgmoat.machine = machine
        return pgmoat

    def _balance(self, workspace, settings, options, servers):
        machine, port, folder = self.lan.machine(), free_port(), workspace.folder("haproxy")
        lines = "".join(f"    server {name} {address}:{its_port} {options} port {check_port}\n"
                        for name, (address, its_port, check_port) in servers.items())
        write_for_user(folder / "haproxy.cfg",
                       f"{HAPROXY}listen all\n    bind {machine.address}:{port}{settings}{lines}")
        self._balancers.append(machine.start(["haproxy", "-db", "-f", folder / "haproxy.cfg"], folder / "log"))
        return machine.address, port

    def connect(self, door, name, sslmode="prefer"):
        with self.clients.inside():
            connection = psycopg2.connect(host=door[0], port=door[1], user="postgres", dbname="postgres",
                                          sslmode=sslmode, connect_timeout=10, application_name=name)
        connection.autocommit = True
        return connection

    def query(self, sql, door=None):
        """The first row; through the pgmoats, if no other door is named."""
        with contextlib.closing(self.connect(door or self.door, f"{OURS} query")) as connection:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchone() if cursor.description else None

    def server(self, door=None):
        """Where clients are sent to."""
        return self.query("SELECT host(inet_server_addr()) || ':' || inet_server_port()", door)[0]

    def raw_client(self, door):
        with self.clients.inside():
            return RawClient(door[1], door[0])

    def log_in(self, replica):
        """A client of this pgmoat alone."""
        return self.raw_client(door_of(replica)).start_tls().log_in(application_name=f"{OURS} session")

    def metrics(self, replica):
        with self.clients.inside():
            return scrape(replica)

    def settle(self):
        if not self.no_lan:
            self.lan.heal()
        self.cluster.settle()
        primary = self.cluster.primary().server
        for replica in self.replicas:
            kit.slowly(lambda replica=replica: self.server(door_of(replica)) == primary, "a pgmoat to know the primary")
        # It takes all servers in turn until its first checks have failed.
        kit.slowly(lambda: {self.server(self.haproxy) for _ in range(4)} == {primary}, "HAProxy to know the primary")

    def stop(self):
        for balancer in self._balancers:
            balancer.kill()
        try:
            for replica in self.replicas:
                replica.stop()
        finally:
            if self.cluster:
                self.cluster.stop()
            self.lan.close()


def door_of(replica):
    return replica.machine.address, replica.port


class Writer:
    """A client that writes, and connects again when it fails. `gap`: the longest time without an acknowledged write."""

    def __init__(self, site, door, sslmode, name):
        self._connect = lambda: site.connect(door, name, sslmode)
        self.name = name
        self.acknowledged = {}  # number: (time, server)
        self.failures = []
        self.acknowledged_by_standbys = 0
        self.gap = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        numbers = itertools.count()
        while not self._stop.is_set():
            try:
                with contextlib.closing(self._connect()) as connection, connection.cursor() as cursor:
                    while not self._stop.is_set():
                        self._write(cursor, next(numbers))
                        time.sleep(0.1)
            except psycopg2.Error as error:
                self.failures.append((error.pgcode, str(error).strip()))
                time.sleep(0.1)

    def _write(self, cursor, number):
        cursor.execute("INSERT INTO written VALUES (%s, %s) RETURNING pg_is_in_recovery(), "
                       "host(inet_server_addr()) || ':' || inet_server_port()", (self.name, number))
        in_recovery, server = cursor.fetchone()
        self.acknowledged_by_standbys += in_recovery
        now = time.monotonic()
        if self.acknowledged:
            self.gap = max(self.gap, now - next(reversed(self.acknowledged.values()))[0])
        self.acknowledged[number] = now, server

    def servers(self):
        """One after the other, without repetition."""
        return [server for server, _ in itertools.groupby(server for _, server in list(self.acknowledged.values()))]

    def wait_for_writes(self):
        count = len(self.acknowledged)
        eventually(lambda: len(self.acknowledged) > count + 3,
                   f"writes of {self.name}; its failures: {self.failures[-3:]}", timeout=90)

    def stop(self):
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


class Writers:
    """Three through the pgmoats, as many through HAProxy. Use it in a with statement, at whose end every acknowledged
    write must be found."""

    def __init__(self, site, event):
        self._site, self._event = site, event
        site.query("CREATE TABLE IF NOT EXISTS written (who text, number int)")
        self.ours = [Writer(site, site.door, "require", f"{OURS} {event} {number}") for number in range(3)]
        self.theirs = [Writer(site, site.haproxy, "disable", f"haproxy {event} {number}") for number in range(3)]

    def __enter__(self):
        self.wait()
        return self

    def wait(self):
        for writer in (*self.ours, *self.theirs):
            writer.wait_for_writes()

    def seconds_without_a_write(self):
        """The longest of each, when all write again."""
        self.wait()
        gaps = {name: round(max(writer.gap for writer in writers), 1)
                for name, writers in (("pgmoat", self.ours), ("haproxy", self.theirs))}
        self._site.gaps[self._event] = gaps
        return gaps

    def __exit__(self, *_):
        for writer in (*self.ours, *self.theirs):
            writer.stop()

    def check(self):
        """After the with statement."""
        for writer in (*self.ours, *self.theirs):
            found = self._site.query(f"SELECT array_agg(number) FROM written WHERE who = '{writer.name}'")[0]
            lost = set(writer.acknowledged) - set(found)
            assert not lost, f"{writer.name} lost {sorted(lost)}"
            assert not writer.acknowledged_by_standbys
        for writer in self.ours:
            assert not [one for one in writer.failures if one[0] == "25006"], "a write was sent to a standby"


@pytest.fixture(scope="module")
def shared(workspace, installations, authority, certificate):
    site = Site(workspace, installations[15].binaries, authority, certificate)
    yield site
    print("\nseconds without a write:", site.gaps)
    site.stop()


@pytest.fixture
def site(shared):
    shared.settle()
    return shared


def check_failover(site, writers, old, new):
    """All have moved from the old primary to the new one, for good and not later than HAProxy's clients."""
    gaps = writers.seconds_without_a_write()
    for replica in site.replicas:
        assert site.server(door_of(replica)) == new.server
    for writer in writers.ours:
        assert writer.servers() == [old.server, new.server]
    # HAProxy asks every 3 s and wants to hear twice that a host is the primary; pgmoat asks every second, here. A login
    # that a pgmoat has sent to the old primary goes to the new one as soon as that pgmoat knows it. A second is left to
    # the scheduler of a busy machine.
    assert gaps["pgmoat"] <= gaps["haproxy"] + 1, (gaps, [writer.failures for writer in writers.ours])


def test_a_pgmoat_that_is_gone_costs_its_clients_a_reconnect(site):
    with Writers(site, "loss of a pgmoat") as writers:
        gone = next(one for one in site.replicas if site.metrics(one).sum("pgmoat_connections_live"))
        gone.process.kill()
        try:
            gaps = writers.seconds_without_a_write()
            met = [writer for writer in writers.ours if writer.failures]
            assert met and len(met) < len(writers.ours), "clients of the others notice nothing"
            assert gaps["pgmoat"] < 10, gaps
        finally:
            gone.start()
    writers.check()


def test_an_etcd_that_is_gone_is_not_noticed(site):
    """One that does not lead the others: how fast they elect another leader is not what this is about."""
    old, etcd = site.cluster.primary(), next(one for one in site.cluster.etcds if not one.leads())
    with Writers(site, "loss of an etcd") as writers:
        etcd.process.kill()
        time.sleep(kit.RETRY + 1)  # then a primary that could not renew its lease would have stepped down
        writers.seconds_without_a_write()
    assert not [writer.failures for writer in (*writers.ours, *writers.theirs) if writer.failures]
    assert site.cluster.primary() is old
    writers.check()


def cancel_through(site, door, session, primary, to_its_end=True):
    """A query of this session, cancelled through another door."""
    session.send(wire.query("SELECT pg_sleep(60)"))
    running = f"SELECT wait_event FROM pg_stat_activity WHERE pid = {session.backend_process_id}"
    eventually(lambda: primary.query(running) == ("PgSleep",), "the query to run")
    with site.raw_client(door) as cancel:
        cancel.start_tls().send(wire.cancel_request(session.backend_process_id, session.backend_key))
        assert session.receive_error()["C"] == "57014"
        session.receive_until(b"Z")
        if to_its_end:  # PostgreSQL signals twice: the next query must not begin in between
            cancel.receive_until_closed()


def unknown_keys(site):
    """How many cancel requests came to a pgmoat that has not the session."""
    return [site.metrics(one).sum("pgmoat_cancel_requests_total", outcome="unknown_key") for one in site.replicas]


def test_cancel_requests_reach_the_server_through_any_pgmoat(site):
    primary = site.cluster.primary()
    before = unknown_keys(site)
    with site.log_in(site.replicas[0]) as session:
        for replica in site.replicas:
            cancel_through(site, door_of(replica), session, primary)
        assert unknown_keys(site) == [before[0], before[1] + 1, before[2] + 1]
        # The balancer takes them in turn.
        for _ in range(6):
            cancel_through(site, site.door, session, primary)
        assert all(now > then + 1 for now, then in zip(unknown_keys(site)[1:], before[1:])), "one through each"


def test_clients_follow_a_switchover(site):
    old, new = site.cluster.primary(), site.cluster.has_role("sync_standby")
    with Writers(site, "switchover") as writers, site.log_in(site.replicas[0]) as session:
        status, body = site.cluster.switch_over(old, new)
        assert status == 200, body
        assert session.receive_error()["C"] == "57P01"
        kit.slowly(lambda: site.cluster.primary() is new, "the switchover")
        check_failover(site, writers, old, new)
    writers.check()


def test_a_primary_that_goes_on_after_it_lost_its_lease_gets_no_client(site):
    """Its Patroni hangs and can take nothing back. Clients reach it; etcd and the other members do not, where there
    is a network that can be cut."""
    old = site.cluster.primary()
    others = site.cluster.others(old)
    with (Writers(site, "hanging Patroni") as writers, site.log_in(site.replicas[0]) as session,
          old.patroni_hangs()):
        if not site.no_lan:
            site.lan.cut(old.machine, *(one.machine for one in (*site.cluster.etcds, *others)))
        new = kit.slowly(lambda: site.cluster.primary(others), "the failover")
        assert session.receive_error()["C"] == "57P01"
        for replica in site.replicas:
            kit.slowly(lambda replica=replica: site.server(door_of(replica)) == new.server, "the new primary")
        position = old.process.log_position()
        check_failover(site, writers, old, new)
        assert old.query("SELECT pg_is_in_recovery()") == (False,), "it would take them"
        assert not old.process.log_lines("connection authorized", f"application_name={OURS}", since=position)
    writers.check()


def test_a_primary_that_the_network_has_lost_is_replaced(site):
    if site.no_lan:
        pytest.skip(f"there is no network to cut: {site.no_lan}")
    old = site.cluster.primary()
    with Writers(site, "partition") as writers, site.log_in(site.replicas[0]) as session:
        position = old.process.log_position()
        site.lan.cut(old.machine)
        session.send(wire.query("SELECT 1"))  # an answer never comes
        new = kit.slowly(lambda: site.cluster.primary(site.cluster.others(old)), "the failover")
        assert session.receive_error()["C"] == "57P01"
        check_failover(site, writers, old, new)
        # A host that is silent keeps no cancel request from the others. Whether it has taken it is waited for.
        with site.log_in(site.replicas[0]) as another:
            cancel_through(site, door_of(site.replicas[1]), another, new, to_its_end=False)
        site.settle()
        # When it came back it was a standby.
        assert not old.process.log_lines("connection authorized", f"application_name={OURS}", since=position)
    writers.check()


def test_a_primary_that_was_killed_is_replaced(site):
    old = site.cluster.primary()
    with Writers(site, "kill -9 of the primary") as writers:
        old.kill()
        new = kit.slowly(lambda: site.cluster.primary(site.cluster.others(old)), "the failover")
        check_failover(site, writers, old, new)
    writers.check()

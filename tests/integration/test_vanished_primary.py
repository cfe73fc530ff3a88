"""The primary vanishes and another host takes its place, while clients log in: its packets are lost, and nothing is
refused. They go to the new one as soon as the check knows it, unless they have had an answer of the old one."""

import socket
import threading
import time
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from kit import wire
from kit.environment import free_port
from kit.fake_patroni import member
from kit.process import eventually
from kit.raw_client import RawClient
from kit.resolver import NameServer, own_names

# Far less than the 20 s that connecting may take below.
AT_ONCE = 8
TERMINATED = ("57P01", "terminating connection due to administrator command")
ASKS_FOR_PASSWORD = wire.message(b"R", b"\0\0\0\x03")


class SilentPort:
    """A server whose packets are lost: its queue is full, and a SYN is dropped."""

    def __init__(self):
        self._sockets = [socket.create_server(("127.0.0.1", 0), backlog=0)]
        self.port = self._sockets[0].getsockname()[1]
        for _ in range(4):
            self._sockets.append(socket.socket())
            self._sockets[-1].setblocking(False)
            self._sockets[-1].connect_ex(("127.0.0.1", self.port))
        self._at_first = self._connecting()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self._sockets:
            one.close()

    def _connecting(self):
        syn_sent, here = "02", f"0100007F:{self.port:04X}"
        with open("/proc/net/tcp", encoding="ascii") as table:
            return sum(line.split()[2:4] == [here, syn_sent] for line in table)

    def has_visitor(self):
        return self._connecting() > self._at_first


@pytest.fixture
def silent_port():
    with SilentPort() as silent:
        yield silent


class Cluster:
    """Two hosts behind a pgmoat, of which the first is the primary, until a test says otherwise."""

    def __init__(self, start_pgmoat, patroni, ports, old_host="127.0.0.1", names=None, sslmode="disable", **settings):
        self._patroni, self._ports, self._hosts = patroni, ports, (old_host, "127.0.0.1")
        self.has_primary(ports[0])
        self.pgmoat = start_pgmoat(names=names, settings={
            "upstream": f"host={old_host},127.0.0.1 port={ports[0]},{ports[1]} sslmode={sslmode} connect_timeout=20 "
                        "target_session_attrs=read-write",
            "health": f"patroni={patroni.url} interval=200ms", **settings})
        self.wait_for_log(f'host "{old_host}:{ports[0]}" is now the primary')

    def has_primary(self, port):
        """None: neither."""
        self._patroni.members = [member(one, self._patroni, "leader" if one == port else "replica", host)
                                 for one, host in zip(self._ports, self._hosts)]

    def move(self, back=False):
        self.has_primary(self._ports[0 if back else 1])

    def silence_check(self):
        self._patroni.members = None

    def wait_for_log(self, *texts):
        self.pgmoat.process.wait_for_log(*texts)


@pytest.fixture
def start(start_pgmoat, start_patroni):
    def start(old, new, **options):
        return Cluster(start_pgmoat, start_patroni(is_primary=True), (old.port, new.port), **options)

    return start


def server_port(client):
    return int(client.query("SHOW port")[1][1][6:])


def silent(visitor):
    visitor.receive_until_closed()


def silent_after_ssl_request(visitor):
    visitor.receive(8)
    silent(visitor)


def silent_in_handshake(visitor):
    visitor.receive(8)
    visitor.send(b"S")
    silent(visitor)


def silent_after_startup(visitor):
    visitor.receive(8)
    visitor.send(b"N")
    visitor.receive_packet()
    silent(visitor)


def begins_login(stack, cluster, old):
    """A client that has sent its startup packet. Returns when the old primary has been visited."""
    client = stack.enter_context(RawClient(cluster.pgmoat.port))
    client.send(wire.startup())
    if isinstance(old, SilentPort):
        eventually(old.has_visitor, "a connection attempt")
    else:
        eventually(lambda: old.visitors, "a visitor")
    return client


def check_that_it_moves(cluster, client, port):
    began = time.monotonic()
    cluster.move()
    client.receive_until(b"Z")
    assert time.monotonic() - began < AT_ONCE
    assert server_port(client) == port


def test_while_its_name_is_looked_up(start, postgres):
    with NameServer() as silent_server, ExitStack() as stack:
        cluster = start(SimpleNamespace(port=free_port()), postgres, old_host="old.example",
                        names=lambda folder: own_names(folder, name_server=silent_server))
        client = stack.enter_context(RawClient(cluster.pgmoat.port))
        client.send(wire.startup())
        silent_server.wait_for_question()
        check_that_it_moves(cluster, client, postgres.port)


def test_while_it_is_connected_to(start, silent_port, postgres):
    cluster = start(silent_port, postgres)
    with ExitStack() as stack:
        check_that_it_moves(cluster, begins_login(stack, cluster, silent_port), postgres.port)


@pytest.mark.parametrize("script", (silent, silent_after_ssl_request, silent_in_handshake, silent_after_startup))
def test_after_it_was_connected_to(start, start_fake_server, postgres, script):
    """Until it has answered the startup packet no client has been told anything by it."""
    old = start_fake_server(script)
    cluster = start(old, postgres, sslmode="prefer")
    with ExitStack() as stack:
        check_that_it_moves(cluster, begins_login(stack, cluster, old), postgres.port)


def test_when_its_sessions_would_be_kept(start, start_fake_server, postgres):
    """A login has nothing to lose."""
    old = start_fake_server(silent)
    cluster = start(old, postgres, on_role_change="keep")
    with ExitStack() as stack:
        check_that_it_moves(cluster, begins_login(stack, cluster, old), postgres.port)


def test_when_tls_passes_through(start, start_fake_server, servers):
    def silent_after_hello(visitor):
        visitor.receive(8)
        visitor.send(b"S")
        silent(visitor)

    old, new = start_fake_server(silent_after_hello), servers(18, tls=True)
    cluster = start(old, new, sslmode="require", tls_mode="passthrough")
    with RawClient(cluster.pgmoat.port) as client:
        moving = threading.Thread(target=lambda: (
            eventually(lambda: any(len(one.received) > 8 for one in old.visitors), "a ClientHello"), cluster.move()))
        moving.start()
        began = time.monotonic()
        client.start_tls().log_in()
        assert time.monotonic() - began < AT_ONCE
        assert server_port(client) == new.port
        moving.join()


def test_while_there_is_no_other_primary_a_login_waits_for_one(start, silent_port, postgres):
    cluster = start(silent_port, postgres)
    with ExitStack() as stack:
        client = begins_login(stack, cluster, silent_port)
        cluster.has_primary(None)
        eventually(lambda: not silent_port.has_visitor(), "the end of the attempt", timeout=AT_ONCE)
        check_that_it_moves(cluster, client, postgres.port)


def test_an_error_says_what_became_of_the_host_that_was_left(start, silent_port):
    nobody = SimpleNamespace(port=free_port())
    cluster = start(silent_port, nobody)
    with ExitStack() as stack:
        client = begins_login(stack, cluster, silent_port)
        cluster.move()
        assert client.receive_error()["C"] == "57P03"
    cluster.wait_for_log(f"127.0.0.1:{silent_port.port}: lost the role that is asked for while it was connected to; "
                         f"127.0.0.1:{nobody.port}: Connection refused")


class TestAnswered:
    """What the client has heard it has heard of this server: its session is like any other."""

    @pytest.mark.parametrize("waits_for", ("client", "server"))
    def test_it_is_ended_so_that_it_connects_again(self, start, start_fake_server, postgres, waits_for):
        def asks(visitor):
            visitor.receive_packet()
            visitor.send(ASKS_FOR_PASSWORD)
            silent(visitor)

        old = start_fake_server(asks)
        cluster = start(old, postgres)
        with ExitStack() as stack:
            client = begins_login(stack, cluster, old)
            assert client.receive_message()[0] == b"R"
            if waits_for == "server":
                client.send(wire.message(b"p", b"secret\0"))
                eventually(lambda: b"secret" in old.received, "the password")
            began = time.monotonic()
            cluster.move()
            error = client.receive_error()
            assert (error["C"], error["M"]) == TERMINATED
            assert time.monotonic() - began < AT_ONCE
        assert cluster.pgmoat.closed_line("its server is no longer the primary")["reason"] == "drain"

    def test_it_stays_if_sessions_are_kept(self, start, start_fake_server, postgres):
        may_answer = threading.Event()

        def answers_late(visitor):
            visitor.receive_packet()
            visitor.send(ASKS_FOR_PASSWORD)
            may_answer.wait(20)
            visitor.send(wire.AUTHENTICATION_OK + wire.READY_FOR_QUERY)
            silent(visitor)

        old = start_fake_server(answers_late)
        cluster = start(old, postgres, on_role_change="keep")
        with ExitStack() as stack:
            client = begins_login(stack, cluster, old)
            assert client.receive_message()[0] == b"R"
            cluster.move()
            cluster.wait_for_log(f'host "127.0.0.1:{postgres.port}" is now the primary')
            time.sleep(1.5)  # sessions are looked at once a second
            may_answer.set()
            client.receive_until(b"Z")
            assert len(old.visitors) == 1


def test_a_role_that_comes_and_goes_is_not_followed_for_ever(start, start_fake_server):
    """The login's own time limit holds."""
    old, new = start_fake_server(silent), start_fake_server(silent)
    cluster = start(old, new, authentication_timeout="4s", server_login_timeout="4s")
    stop = threading.Event()

    def flap():
        while not stop.wait(0.8):
            cluster.move()
            if stop.wait(0.8):
                break
            cluster.move(back=True)

    with ExitStack() as stack:
        client = begins_login(stack, cluster, old)
        flapping = threading.Thread(target=flap)
        flapping.start()
        began = time.monotonic()
        try:
            assert client.receive_error()["C"] == "57P03"
        finally:
            stop.set()
            flapping.join()
        assert time.monotonic() - began < 4 + 4 + AT_ONCE
        assert new.visitors and len(old.visitors) + len(new.visitors) < 20


def test_as_long_as_the_check_itself_gets_no_answer_nothing_changes(start, start_fake_server, postgres):
    def answers_late(visitor):
        visitor.receive_packet()
        time.sleep(3)
        visitor.send(wire.AUTHENTICATION_OK + wire.READY_FOR_QUERY)
        silent(visitor)

    old = start_fake_server(answers_late)
    cluster = start(old, postgres)
    with ExitStack() as stack:
        client = begins_login(stack, cluster, old)
        cluster.silence_check()
        client.receive_until(b"Z")
    assert len(old.visitors) == 1

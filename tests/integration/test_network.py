"""Networks that lose, reorder, delay and break: the data is complete, and a dead peer is noticed within the time of
tcp_user_timeout and the keepalives, on the right side and with the right reason."""

import contextlib
import socket
import subprocess
import time
import urllib.request

import pytest

from kit import wire
from kit.environment import RUNS_AS_ROOT
from kit.metrics import Metrics
from kit.network import Network
from kit.postgres import Postgres
from kit.process import eventually
from kit.raw_client import RawClient
from kit.workload import Copies, Door, Tally, begin_sleep, cancel_running

pytestmark = pytest.mark.skipif(not RUNS_AS_ROOT, reason="needs root to make network namespaces")

KEEPALIVES = {"tcp_keepalives_idle": "1s", "tcp_keepalives_interval": "1s", "tcp_keepalives_count": 2}
OF_SERVER = "keepalives_idle=1 keepalives_interval=1 keepalives_count=2"
# More than the settings, for two cores and sanitizers; less than the kernel's own time-outs of minutes.
SOON = 30
WAYS = ("terminated", "in the clear", "re-encrypted", "passed through")


@pytest.fixture(scope="module")
def shared():
    with Network() as network:
        yield network


@pytest.fixture
def network(shared):
    yield shared
    for line in (shared.clients, shared.servers):
        line.heal()
        line.delay = line.loss = line.reorder = 0.0


@pytest.fixture(scope="module")
def server(shared, installations, server_certificate):
    server = Postgres(installations[18], server_certificate, names=shared.outside.words,
                      settings={"listen_addresses": shared.SERVER})
    yield server
    server.stop()


@pytest.fixture
def start(network, server, start_pgmoat, certificate):
    """pgmoat between clients and server, with a line on each side; returns the doors."""

    def start(conninfo="", **settings):
        upstream = f"host={network.SERVER} port={server.port} {conninfo}"
        pgmoat = start_pgmoat(certificate, names=network.inside.words, settings={
            "listen_addresses": "*", "http_listen": "127.0.0.1:9632", "upstream": f"{upstream} sslmode=disable",
            "upstream.tls": f"{upstream} sslmode=require",
            "listener.through": "address=0.0.0.0 port=6002 tls_mode=passthrough upstream=tls",
            "listener.again": "address=0.0.0.0 port=6001 upstream=tls", **settings})
        ports = (pgmoat.port, pgmoat.port, 6001, 6002)
        return pgmoat, {way: Door(way, port, tls=way != "in the clear", may_move=False,
                                  address=network.PGMOAT_FOR_CLIENTS, namespace=network.outside)
                        for way, port in zip(WAYS, ports)}

    return start


@contextlib.contextmanager
def sessions(doors):
    """One in each mode, without unacknowledged data: only then are keepalives sent."""
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(door.open()) for door in doors.values()]
        time.sleep(0.3)  # the last acknowledgement is delayed, and nothing shows when it was sent
        yield opened


def scrape(network, pgmoat):
    with network.inside.inside(), urllib.request.urlopen(f"http://{pgmoat.settings['http_listen']}/metrics") as answer:
        return Metrics(answer.read().decode())


def closed_by(network, pgmoat):
    return scrape(network, pgmoat).by("reason", "pgmoat_connections_closed_total")


def wait_for_ends(network, pgmoat, reason, *words, count=len(WAYS)):
    """Waits for the ends of all sessions, with these texts in the log."""
    eventually(lambda: len(pgmoat.process.log_lines("connection closed", f"reason={reason}", *words)) == count,
               f"{count} lines with {reason} and {words}", SOON)
    assert closed_by(network, pgmoat) == {reason: count}
    assert scrape(network, pgmoat).sum("pgmoat_connections_live") == 0


def seconds_until_let_go(clients):
    began = time.monotonic()
    for client in clients:
        client.receive_until_closed()
        client.socket.close()
    return time.monotonic() - began


def test_a_line_that_loses_reorders_and_is_200_ms_long_changes_no_byte(network, start):
    pgmoat, doors = start()
    for line in (network.clients, network.servers):
        line.delay, line.loss, line.reorder = 0.05, 0.02, 0.1  # there and back over two lines: 200 ms
    tally = Tally()
    workers = [Copies(door, tally, rows=500) for door in doors.values()]
    began = time.monotonic()
    for worker in workers:
        worker.start()
    eventually(lambda: tally.counts["copies"] >= 8 or tally.faults, "COPY in all doors", 120)
    for worker in workers:
        worker.stop()
    for worker in workers:
        worker.join()
    with doors["terminated"].open() as session:
        begin_sleep(session)
        assert cancel_running(doors["terminated"], session) == "57014"
    assert not tally.faults, tally.faults
    for line in (network.clients, network.servers):
        assert line.lost > 10 and line.reordered > 50, (line.lost, line.reordered, line.carried)
    print(f"{time.monotonic() - began:.0f} s, {dict(tally.counts)}, lost {network.clients.lost}, {network.servers.lost}"
          f" of {network.clients.carried}, {network.servers.carried} packets")


def test_idle_clients_that_are_gone_end_by_keepalives(network, start):
    pgmoat, doors = start(**KEEPALIVES)
    with sessions(doors):
        network.clients.cut()
        wait_for_ends(network, pgmoat, "client_io_error", "client", "timed out")


def test_idle_servers_that_are_gone_end_by_keepalives_and_the_clients_are_let_go(network, start):
    pgmoat, doors = start(OF_SERVER)
    with sessions(doors) as clients:
        network.servers.cut()
        assert seconds_until_let_go(clients) > 0.5
        wait_for_ends(network, pgmoat, "server_io_error", "server", "timed out")


def test_clients_that_take_no_answer_end_by_tcp_user_timeout(network, start):
    pgmoat, doors = start(tcp_user_timeout="2s")
    with sessions(doors) as clients:
        for client in clients:
            client.send(wire.query("SELECT pg_sleep(3), repeat('x', 1000)"))
        time.sleep(1)  # the queries are on their way, and no log line shows it
        network.clients.cut()
        wait_for_ends(network, pgmoat, "client_io_error", "client", "timed out")


def test_servers_that_take_no_query_end_by_tcp_user_timeout(network, start):
    pgmoat, doors = start("tcp_user_timeout=2000")
    with sessions(doors) as clients:
        network.servers.cut()
        for client in clients:
            client.send(wire.query("SELECT 1"))
        assert seconds_until_let_go(clients) > 0.5
        wait_for_ends(network, pgmoat, "server_io_error", "server", "timed out")


def test_a_partition_that_heals_in_time_costs_nothing(network, start):
    _, doors = start("tcp_user_timeout=60000", tcp_user_timeout="60s")
    with sessions(doors) as clients:
        for line in (network.clients, network.servers):
            line.cut()
            for client in clients:
                client.send(wire.query("SELECT 'whole'"))
            time.sleep(1)
            line.heal()
            for client in clients:
                assert client.receive_until(b"Z")[1][1].endswith(b"whole")


def test_clients_that_have_forgotten_their_connections_are_reset(network, start):
    pgmoat, doors = start(**{**KEEPALIVES, "tcp_keepalives_count": 20})
    with sessions(doors) as clients:
        network.clients.cut()
        for client in clients:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.socket.close()  # its RST is lost
    network.clients.heal()
    wait_for_ends(network, pgmoat, "client_io_error", "client", "reset by peer")


def test_servers_that_have_forgotten_their_connections_are_reset(network, start):
    pgmoat, doors = start("keepalives_idle=1 keepalives_interval=1 keepalives_count=20")
    with sessions(doors) as clients:
        network.servers.cut()
        with network.outside.inside():
            subprocess.run(["ss", "--kill", "dst", network.PGMOAT_FOR_SERVERS], check=True, stdout=subprocess.DEVNULL)
        network.servers.heal()
        seconds_until_let_go(clients)
        wait_for_ends(network, pgmoat, "server_io_error", "server", "reset by peer")


def test_a_client_that_vanishes_in_its_handshake_costs_authentication_timeout(network, start):
    pgmoat, _ = start(authentication_timeout="2s")
    with network.outside.inside():
        client = RawClient(pgmoat.port, address=network.PGMOAT_FOR_CLIENTS)
    with client:
        client.send(wire.SSL_REQUEST).receive(1)
        network.clients.cut()
        wait_for_ends(network, pgmoat, "timeout", "authentication_timeout", count=1)


def test_a_server_that_cannot_be_reached_is_reported_in_connect_timeout(network, start):
    pgmoat, doors = start("connect_timeout=2")
    network.servers.cut()
    with network.outside.inside():
        client = RawClient(pgmoat.port, address=network.PGMOAT_FOR_CLIENTS)
    with client:
        began = time.monotonic()
        assert client.send(wire.startup()).receive_error()["C"] == "57P03"
        assert 1.5 < time.monotonic() - began < SOON
    network.servers.heal()
    with doors["terminated"].open() as again:
        again.query("SELECT 1")

"""Reaching a server with problems: silent name servers, names with several addresses, servers that libpq would leave or
stay with, and passthrough listeners, which connect to no server before they must."""

import signal
import socket
import time
from contextlib import ExitStack

import pytest

from kit import wire
from kit.environment import free_port
from kit.process import eventually
from kit.raw_client import RawClient
from kit.resolver import NameServer, own_names


def error_of(client):
    return client.receive_error()["C"]


class TestNames:
    @pytest.fixture
    def start(self, start_pgmoat, postgres):
        def start(name_server=None, hosts=(), upstream="host=db.example.test", **settings):
            return start_pgmoat(
                settings={"upstream": f"{upstream} port={postgres.port} sslmode=disable", **settings},
                names=lambda folder: own_names(folder, hosts, name_server))

        return start

    def test_a_name_of_the_hosts_file_is_found(self, start, client):
        pgmoat = start(hosts=(("127.0.0.1", "db.example.test"),))
        assert client.query(pgmoat.port, "SELECT 1") == "1"

    def test_a_silent_name_server_ends_with_the_deadline_and_blocks_no_other(self, start):
        with NameServer() as dead, ExitStack() as stack:
            pgmoat = start(name_server=dead, authentication_timeout="2s")
            began = time.monotonic()
            clients = [stack.enter_context(RawClient(pgmoat.port)).send(wire.startup()) for _ in range(4)]
            assert [error_of(client) for client in clients] == ["57P03"] * 4
            assert 1.5 < time.monotonic() - began < 3.9  # not one after the other
            assert pgmoat.closed_line()["reason"] == "timeout"

    def test_a_silent_name_server_does_not_hold_up_hosts_that_need_none(self, start, postgres, client):
        with NameServer() as dead:
            pgmoat = start(name_server=dead)
            with RawClient(pgmoat.port) as waiting:
                waiting.send(wire.startup())
                dead.wait_for_question()
                pgmoat.process.wait_for_log("configuration was reloaded", since=pgmoat.reload(
                    {"upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"}))
                began = time.monotonic()
                assert client.query(pgmoat.port, "SELECT 1") == "1"
                assert time.monotonic() - began < 10

    @pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
    def test_an_end_waits_for_no_name_server(self, start, number):
        with NameServer() as dead:
            pgmoat = start(name_server=dead, shutdown_timeout="0")
            with RawClient(pgmoat.port) as waiting:
                waiting.send(wire.startup())
                dead.wait_for_question()
                began = time.monotonic()
                pgmoat.process.send_signal(number)
                assert error_of(waiting) == "57P01"
                pgmoat.process.wait()
                assert time.monotonic() - began < 10


class TestCancel:
    def test_goes_to_the_address_of_the_session_though_an_earlier_one_is_up_again(
            self, start_pgmoat, start_fake_server):
        """Regression: the name was resolved again, and the first address that answered got the cancel."""
        hosts = (("127.0.0.2", "db.example.test"), ("127.0.0.1", "db.example.test"))
        key = b"\1\2\3\4"

        def serve(visitor):
            packet = visitor.receive_packet()
            if packet[4:8] == wire.cancel_request(1, key)[4:8]:
                return
            visitor.send(wire.AUTHENTICATION_OK + wire.message(b"K", (99).to_bytes(4, "big") + key)
                         + wire.READY_FOR_QUERY)
            visitor.receive_until_closed()

        server = start_fake_server(serve)
        pgmoat = start_pgmoat(
            settings={"upstream": f"host=db.example.test port={server.port} sslmode=disable"},
            names=lambda folder: own_names(folder, hosts, None))
        with RawClient(pgmoat.port) as client:
            client.send(wire.startup())
            assert client.receive_message()[0] == b"R"
            with socket.create_server(("127.0.0.2", server.port)) as other:
                other.settimeout(1)
                with RawClient(pgmoat.port) as canceller:
                    assert canceller.send(wire.cancel_request(99, key)).receive_until_closed() == b""
                with pytest.raises(TimeoutError):
                    other.accept()
        assert len(server.visitors) == 2

    def test_reaches_the_session_after_a_reload_that_changes_its_upstream(self, start_pgmoat, postgres):
        """Regression: rows were matched against the new configuration only."""
        pgmoat = start_pgmoat(settings={"upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"})
        with RawClient(pgmoat.port) as client:
            client.log_in()
            client.send(wire.message(b"Q", b"SELECT pg_sleep(30)\0"))
            pgmoat.process.wait_for_log("configuration was reloaded", since=pgmoat.reload(
                {"upstream": f"host=localhost port={free_port()} sslmode=disable"}))
            postgres.wait_until_asleep(client.backend_process_id)
            with RawClient(pgmoat.port) as canceller:
                canceller.send(wire.cancel_request(client.backend_process_id, client.backend_key))
                canceller.receive_until_closed()
            assert error_of(client) == "57014"


class TestAsLibpq:
    """psql 18 with the same connection string is the oracle."""

    def check(self, client, start_pgmoat, certificate, conninfo, hosts):
        names = ",".join("127.0.0.1" for _ in hosts)
        ports = ",".join(str(port) for port in hosts)
        direct = client.connect(ports, host=names, hostaddr=names, **conninfo).connected
        options = " ".join(f"{name}={value}" for name, value in conninfo.items())
        pgmoat = start_pgmoat(certificate, settings={"upstream": f"host={names} port={ports} {options}"})
        with RawClient(pgmoat.port) as through:
            through.start_tls().send(wire.startup())
            kind, body = through.receive_message()
        assert (kind == b"R") == direct, f"{body}\n{pgmoat.process.log()}"

    @pytest.mark.parametrize("trouble", ("refuses", "closes", "starting", "error", "no tls"))
    @pytest.mark.parametrize("sslmode", ("disable", "prefer", "require"))
    def test_a_first_host_in_trouble(self, client, start_pgmoat, certificate, servers, start_fake_server, trouble,
                                     sslmode):
        def serve(visitor):
            packet = visitor.receive_packet()
            if trouble == "closes":
                return
            if packet == wire.SSL_REQUEST:
                visitor.send(b"N")
                visitor.receive_packet()
            code = "57P03" if trouble == "starting" else "28000"
            visitor.send(wire.error_response("not now", code))

        first = free_port() if trouble == "refuses" else start_fake_server(serve).port
        self.check(client, start_pgmoat, certificate, {"sslmode": sslmode}, [first, servers(18, tls=True).port])


class TestPassthrough:
    @pytest.fixture
    def start(self, start_pgmoat):
        def start(server_port, **settings):
            return start_pgmoat(settings={"tls_mode": "passthrough", "upstream":
                                          f"host=127.0.0.1 port={server_port} connect_timeout=2", **settings})

        return start

    def test_a_bare_request_for_tls_reaches_no_server(self, start, start_fake_server):
        """Regression: 8 bytes from any client made the server fork."""
        def serve(visitor):
            visitor.receive_packet()
            visitor.send(b"S")
            visitor.receive_until_closed()

        server = start_fake_server(serve)
        pgmoat = start(server.port)
        eventually(lambda: server.visitors, "the question at the start")
        time.sleep(0.2)
        asked = len(server.visitors)
        for _ in range(50):
            with RawClient(pgmoat.port) as client:
                assert client.send(wire.SSL_REQUEST).receive(1) == b"S"
        assert len(server.visitors) == asked

    def test_clients_get_n_as_long_as_the_server_answers_n(self, start, postgres):
        pgmoat = start(postgres.port)  # without TLS
        with RawClient(pgmoat.port) as client:
            assert client.send(wire.SSL_REQUEST).receive(1) == b"N"
            client.log_in()

    def test_the_first_clients_wait_for_the_answer_of_a_slow_server_and_ask_once(self, start, start_fake_server):
        """Regression: clients that came during the first question got S, whatever the server then answered."""
        def serve(visitor):
            visitor.receive_packet()
            time.sleep(0.5)
            visitor.send(b"N")
            visitor.receive_until_closed()

        server = start_fake_server(serve)
        pgmoat = start(server.port)
        with ExitStack() as stack:
            clients = [stack.enter_context(RawClient(pgmoat.port)) for _ in range(10)]
            for client in clients:
                client.send(wire.SSL_REQUEST)
            assert [client.receive(1) for client in clients] == [b"N"] * 10
        assert len(server.visitors) == 1

    def test_a_server_that_no_longer_encrypts_ends_the_connection_with_a_reason(self, start, start_fake_server):
        answers = [b"S", b"N"]

        def serve(visitor):
            visitor.receive_packet()
            visitor.send(answers.pop(0) if answers else b"N")
            visitor.receive_until_closed()

        server = start_fake_server(serve)
        pgmoat = start(server.port)
        eventually(lambda: len(answers) == 1, "the question at the start")
        time.sleep(0.2)
        with RawClient(pgmoat.port) as client:
            with pytest.raises(OSError):
                client.start_tls()
        assert pgmoat.closed_line("does", "SSL")["reason"] == "upstream_failed"

    def test_a_client_in_plaintext_gets_an_error_if_the_server_is_down(self, start):
        with RawClient(start(free_port()).port) as client:
            assert error_of(client.send(wire.startup())) == "57P03"

    def test_connect_timeout_covers_a_server_that_accepts_and_says_nothing(
            self, start_pgmoat, servers, start_fake_server):
        """Regression: it ended with the TCP connection, and the client was held for authentication_timeout."""
        silent = start_fake_server(lambda visitor: visitor.receive_until_closed())
        good = servers(18, tls=True)
        pgmoat = start_pgmoat(settings={
            "tls_mode": "passthrough",
            "upstream": f"host=127.0.0.1,127.0.0.1 port={silent.port},{good.port} connect_timeout=2"})
        with RawClient(pgmoat.port) as client:
            began = time.monotonic()
            client.start_tls().log_in()
            assert 1.5 < time.monotonic() - began < 10


class TestTheFirstHostIsABlackHole:
    def test_and_connect_timeout_is_not_set(self, start_pgmoat, postgres, client):
        """Regression: it took the whole authentication_timeout."""
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as stack:
            port = full.getsockname()[1]
            for _ in range(4):  # the queue is full: a SYN is dropped
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            pgmoat = start_pgmoat(settings={
                "upstream": f"host=127.0.0.1,127.0.0.1 port={port},{postgres.port} sslmode=disable"})
            began = time.monotonic()
            assert client.query(pgmoat.port, "SELECT 1") == "1"
            assert 4 < time.monotonic() - began < 15


class TestKill:
    @pytest.fixture
    def kill(self, start_pgmoat, certificate, postgres):
        def kill(end):
            pgmoat = start_pgmoat(certificate, settings={
                "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "hba_file": "pg_hba.conf",
                "hba_on_reload": "disconnect", "shutdown_timeout": "0"},
                files={"pg_hba.conf": "host all all all trust\n"})
            with RawClient(pgmoat.port) as client:
                client.start_tls().log_in()
                end(pgmoat)
                error = client.receive_error()
                assert client.receive_until_closed() == b""
            return error["S"], error["C"], error["M"]

        return kill

    TERMINATED = ("FATAL", "57P01", "terminating connection due to administrator command")

    def test_a_drain_sends_its_error_in_tls(self, kill):
        assert kill(lambda pgmoat: pgmoat.process.send_signal(signal.SIGINT)) == self.TERMINATED

    def test_rules_that_end_a_session_send_their_error_in_tls(self, kill):
        def reject(pgmoat):
            pgmoat.write_files({"pg_hba.conf": "host all all all reject\n"})
            pgmoat.reload()

        assert kill(reject) == self.TERMINATED


class TestOneConfiguration:
    def test_a_reload_on_the_way_reviews_the_session_like_any_other(self, start_pgmoat, start_fake_server):
        """One configuration decides; the new rules check the session before it is handed over."""
        def slow(visitor):
            visitor.receive_packet()
            visitor.send(wire.message(b"R", b"\0\0\0\3"))
            visitor.receive(7)
            visitor.send(wire.AUTHENTICATION_OK + wire.READY_FOR_QUERY)
            visitor.receive_until_closed()

        server = start_fake_server(slow)
        pgmoat = start_pgmoat(settings={
            "upstream": f"host=127.0.0.1 port={server.port} sslmode=disable", "hba_file": "pg_hba.conf",
            "hba_on_reload": "disconnect"}, files={"pg_hba.conf": "host all all all password\n"})
        with RawClient(pgmoat.port) as client:
            client.send(wire.startup())
            assert client.receive_message()[0] == b"R"
            pgmoat.write_files({"pg_hba.conf": "host all all all reject\n"})
            pgmoat.process.wait_for_log("configuration was reloaded", since=pgmoat.reload())
            assert error_of(client) == "57P01"
        assert pgmoat.closed_line()["reason"] == "killed"

"""Limits: how many clients may be connected, and how long a login may take."""

import socket
import time

import pytest

from kit import wire
from kit.process import eventually
from kit.raw_client import RawClient

TIMEOUT = 2.0


class TestMaxConnections:
    @pytest.fixture
    def pgmoat(self, start_pgmoat, certificate, postgres):
        return start_pgmoat(certificate, settings={
            "max_connections": 2, "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"})

    def test_one_too_many_gets_the_error_inside_tls(self, pgmoat):
        with RawClient(pgmoat.port) as first, RawClient(pgmoat.port) as second, RawClient(pgmoat.port) as third:
            first.start_tls().log_in()
            second.log_in()
            error = third.start_tls().send(wire.startup()).receive_error()
        assert (error["S"], error["C"], error["M"]) == ("FATAL", "53300", "sorry, too many clients already")
        assert pgmoat.closed_line("reason=too_many_connections")["tls"] == "TLSv1.3"

    def test_a_place_that_is_given_up_can_be_taken(self, pgmoat):
        for gone in (2, 4, 6):
            with RawClient(pgmoat.port) as first, RawClient(pgmoat.port) as second:
                first.start_tls().log_in()
                second.start_tls().log_in()
            eventually(lambda: len(pgmoat.process.log_lines("connection closed")) == gone, "both to be gone")

    def test_a_cancel_needs_no_place(self, pgmoat):
        with RawClient(pgmoat.port) as first, RawClient(pgmoat.port) as second, RawClient(pgmoat.port) as third:
            first.start_tls().log_in()
            second.start_tls().log_in()
            third.send(wire.cancel_request(first.backend_process_id, first.backend_key))
            assert third.receive_until_closed() == b""
        assert not pgmoat.process.log_lines("too_many_connections")


class TestAuthenticationTimeout:
    """One absolute deadline, after which the connection is closed without sending anything, as in PostgreSQL."""

    @pytest.fixture
    def pgmoat(self, start_pgmoat, certificate, postgres):
        return start_pgmoat(certificate, settings={
            "authentication_timeout": f"{TIMEOUT:.0f}s",
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"})

    @staticmethod
    def until_closed(client, start):
        received = client.receive_until_closed()
        return received, time.monotonic() - start

    @pytest.mark.parametrize("opening", (b"", b"\0", wire.startup()[:20]), ids=("nothing", "a byte", "half a packet"))
    def test_a_silent_client_is_closed_silently(self, pgmoat, opening):
        start = time.monotonic()
        with RawClient(pgmoat.port) as client:
            received, seconds = self.until_closed(client.send(opening), start)
        assert received == b""
        assert TIMEOUT * 0.9 < seconds < TIMEOUT + 2

    def test_a_client_that_stops_in_its_handshake_is_closed_silently(self, pgmoat):
        start = time.monotonic()
        with RawClient(pgmoat.port) as client:
            client.send(wire.SSL_REQUEST)
            assert client.receive(1) == b"S"
            received, seconds = self.until_closed(client.send(b"\x16\x03\x01\x02\x00\x01"), start)
        assert received == b""
        assert TIMEOUT * 0.9 < seconds < TIMEOUT + 2

    def test_trickled_bytes_do_not_extend_it(self, pgmoat):
        start = time.monotonic()
        closed = None
        with RawClient(pgmoat.port) as client:
            client.socket.settimeout(0.1)
            for byte in wire.startup(application_name="x" * 200):
                try:
                    client.socket.sendall(bytes([byte]))
                    if client.socket.recv(1) == b"":
                        closed = time.monotonic() - start
                        break
                except socket.timeout:
                    continue
                except ConnectionError:
                    closed = time.monotonic() - start
                    break
        assert closed is not None and TIMEOUT * 0.9 < closed < TIMEOUT + 2

    def test_it_covers_the_login_at_the_server(self, start_pgmoat, certificate, start_fake_server):
        def ask_for_a_password_and_wait(visitor):
            visitor.receive_packet()
            visitor.send(wire.message(b"R", b"\0\0\0\3"))
            visitor.receive_until_closed()

        server = start_fake_server(ask_for_a_password_and_wait)
        pgmoat = start_pgmoat(certificate, settings={
            "authentication_timeout": f"{TIMEOUT:.0f}s",
            "upstream": f"host=127.0.0.1 port={server.port} sslmode=disable"})
        start = time.monotonic()
        with RawClient(pgmoat.port) as client:
            client.start_tls().send(wire.startup())
            assert client.receive_message()[0] == b"R"
            received, seconds = self.until_closed(client, start)
        assert received == b""
        assert TIMEOUT * 0.9 < seconds < TIMEOUT + 2
        assert pgmoat.closed_line()["reason"] == "timeout"

    def test_it_does_not_touch_a_session_that_is_logged_in(self, pgmoat):
        with RawClient(pgmoat.port) as client:
            client.start_tls().log_in()
            time.sleep(TIMEOUT + 0.5)
            assert client.query("SELECT 'alive'")[1][1].endswith(b"alive")

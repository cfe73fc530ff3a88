"""Plaintext around the switch to TLS is never used (CVE-2021-23214, CVE-2021-23222, CVE-2024-10977).

Bytes before the handshake are the attacker's. Each case is tried with the segments cut at every place, because a buffer
that happens to be emptied in time hides the fault.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from kit import wire
from kit.raw_client import RawClient, client_hello

STUFFED = wire.startup(user="mallory", database="stuffed")
REQUEST = wire.SSL_REQUEST + STUFFED
POISON = wire.AUTHENTICATION_OK + wire.READY_FOR_QUERY + wire.error_response("poisoned text")
ALERT = b"\x15\x03"


def at_every_split_point(data, attempt):
    """attempt(first, second) for every way to cut the data in two."""
    cuts = range(1, len(data))
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(cuts, pool.map(lambda cut: attempt(data[:cut], data[cut:]), cuts)))


def only_tls_alerts(data):
    return data == b"" or data.startswith(ALERT)


def let_in_anyone(visitor):
    """A naive server: lets every plaintext client in."""
    if visitor.receive_packet() == wire.SSL_REQUEST:
        visitor.send(b"N")
        visitor.receive_packet()
    visitor.send(wire.AUTHENTICATION_OK + wire.READY_FOR_QUERY)
    visitor.receive_until_closed()


def accept_tls_and_listen(visitor):
    visitor.receive_packet()
    visitor.send(b"S")
    visitor.receive_until_closed()


def upstream(server, **keywords):
    text = " ".join(f"{name}={value}" for name, value in keywords.items())
    return {"upstream": f"host=127.0.0.1 port={server.port} {text}"}


class TestFromTheClient:
    @pytest.fixture
    def server(self, start_fake_server):
        return start_fake_server(let_in_anyone)

    def test_bytes_after_ssl_request_never_reach_the_server(self, start_pgmoat, certificate, server):
        pgmoat = start_pgmoat(certificate, settings=upstream(server, sslmode="disable"))

        def attempt(first, second):
            with RawClient(pgmoat.port) as client:
                return client.send(first, second).receive_until_closed()

        for cut, answer in at_every_split_point(REQUEST, attempt).items():
            assert answer[:1] == b"S" and only_tls_alerts(answer[1:]), (cut, answer)
        assert server.visitors == []

    def test_bytes_after_the_answer_never_reach_the_server(self, start_pgmoat, certificate, server):
        """The man in the middle waits for S before it sends."""
        pgmoat = start_pgmoat(certificate, settings=upstream(server, sslmode="disable"))

        def attempt(first, second):
            with RawClient(pgmoat.port) as client:
                client.send(wire.SSL_REQUEST)
                assert client.receive(1) == b"S"
                return client.send(first, second).receive_until_closed()

        for cut, answer in at_every_split_point(STUFFED, attempt).items():
            assert only_tls_alerts(answer), (cut, answer)
        assert server.visitors == []

    def test_without_tls_they_get_the_error_of_postgresql(self, start_pgmoat, server):
        pgmoat = start_pgmoat(settings=upstream(server, sslmode="disable"))

        def attempt(first, second):
            with RawClient(pgmoat.port) as client:
                client.send(first, second)
                return client.receive(1), client.receive_error()

        for cut in range(1, len(REQUEST)):
            if cut == len(wire.SSL_REQUEST):
                continue  # then the second segment is an honest startup packet after the N
            answer, error = attempt(REQUEST[:cut], REQUEST[cut:])
            assert (answer, error["C"], error["M"]) == (
                b"N", "08P01", "received unencrypted data after SSL request"), cut
        assert server.visitors == []

    def test_bytes_after_gssenc_request_get_the_error_of_postgresql(self, start_pgmoat, certificate, server):
        pgmoat = start_pgmoat(certificate, settings=upstream(server, sslmode="disable"))
        with RawClient(pgmoat.port) as client:
            client.send(wire.GSSENC_REQUEST + STUFFED)
            assert client.receive(1) == b"N"
            error = client.receive_error()
        assert (error["C"], error["M"]) == ("08P01", "received unencrypted data after GSSAPI encryption request")
        assert server.visitors == []

    def test_passed_through_only_the_ssl_request_reaches_the_server(self, start_pgmoat, start_fake_server):
        server = start_fake_server(accept_tls_and_listen)
        pgmoat = start_pgmoat(settings={"tls_mode": "passthrough", **upstream(server)})

        def attempt(first, second):
            with RawClient(pgmoat.port) as client:
                return client.send(first, second).receive_until_closed()

        for cut, answer in at_every_split_point(REQUEST, attempt).items():
            assert answer in (b"", b"S"), (cut, answer)
        for visitor in server.visitors:
            assert visitor.received in (b"", wire.SSL_REQUEST)


class TestFromTheServer:
    @staticmethod
    def stuffing_server(start_fake_server, answer):
        """One script for all connections, each with the next cut.

        To try every cut, one more connection than there are cuts is needed, because a proxy may probe its server once
        by itself."""
        cuts = itertools.cycle(range(1, len(answer)))

        def script(visitor):
            cut = next(cuts)
            visitor.receive_packet()
            visitor.send(answer[:cut])
            visitor.connection.settimeout(0.05)
            try:
                visitor.receive_until_closed()
            except TimeoutError:
                visitor.connection.settimeout(10)
                visitor.send(answer[cut:])
                visitor.receive_until_closed()

        return start_fake_server(script), len(answer)

    @pytest.mark.parametrize("sslmode, answer", (
        ("require", b"S" + POISON), ("verify-full", b"S" + POISON), ("require", b"N" + POISON),
        ("require", wire.error_response("poisoned text")),
    ), ids=("S-require", "S-verify-full", "N-require", "E-require"))
    def test_bytes_around_the_answer_never_reach_the_client(
            self, start_pgmoat, start_fake_server, authority, sslmode, answer):
        server, attempts = self.stuffing_server(start_fake_server, answer)
        pgmoat = start_pgmoat(settings=upstream(server, sslmode=sslmode, sslrootcert=authority.certificate))

        def attempt(_):
            with RawClient(pgmoat.port) as client:
                client.send(wire.startup())
                return client.receive_until_closed()

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(attempt, range(attempts)))
        for received in answers:
            # One ErrorResponse of our own, FATAL, and not a byte from the server.
            assert received[:1] == b"E", received
            assert wire.error_fields(received[5:])["S"] == "FATAL"
            assert b"poisoned text" not in received
        for visitor in server.visitors:
            assert b"user\0" not in visitor.received, "the startup packet went out in plaintext"
        assert "poisoned text" not in pgmoat.process.log()

    def test_passed_through_the_client_gets_the_answer_and_nothing_after_it(self, start_pgmoat, start_fake_server):
        server, attempts = self.stuffing_server(start_fake_server, b"S" + POISON)
        pgmoat = start_pgmoat(settings={"tls_mode": "passthrough", **upstream(server)})

        def attempt(_):
            with RawClient(pgmoat.port) as client:
                client.send(wire.SSL_REQUEST)
                try:
                    assert client.receive(1) == b"S"
                    client.send(client_hello())
                except (EOFError, ConnectionError):
                    return b""
                return client.receive_until_closed()

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(attempt, range(attempts)))
        assert all(only_tls_alerts(answer) for answer in answers), set(answers)

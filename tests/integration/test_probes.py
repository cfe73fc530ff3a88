"""A client that connects and sends nothing useful costs a counter, not a log line that alerts an operator."""

import socket
import struct

import pytest

from kit import wire
from kit.raw_client import RawClient

NONSENSE = {
    "http": b"GET / HTTP/1.0\r\n\r\n",
    "zeros": bytes(64),
    "a length of 7": struct.pack("!i", 7) + bytes(8),
    "a length of 10005": struct.pack("!i", 10005) + bytes(64),
    "a negative length": struct.pack("!i", -1) + bytes(64),
    "a huge length": struct.pack("!I", 0x7FFFFFFF) + bytes(64),
}


@pytest.mark.parametrize("tls", (True, False), ids=("tls", "no-tls"))
@pytest.mark.parametrize("mode", ("terminate", "passthrough"))
def test_a_probe_leaves_no_line_above_debug(start_pgmoat, certificate, servers, mode, tls):
    """Without TLS a refused SSLRequest is a probe as well."""
    server = servers(18, tls)
    pgmoat = start_pgmoat(certificate if tls else None, settings={
        "log_min_messages": "info", "tls_mode": mode,
        "upstream": f"host=127.0.0.1 port={server.port} sslmode=disable"})
    before = pgmoat.process.log_position()
    for _ in range(5):
        with RawClient(pgmoat.port) as client:
            if not tls:
                assert client.send(wire.SSL_REQUEST).receive(1) == b"N"
    # A real connection afterwards: once its line is there, those of the probes would be.
    with RawClient(pgmoat.port) as client:
        client.log_in().log_out()
    pgmoat.closed_line("user=postgres")
    lines = pgmoat.process.log(before).splitlines()
    assert len(lines) == 1, lines


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_is_closed_at_once_and_without_an_answer(terminating, nonsense):
    with RawClient(terminating.port) as client:
        client.send(NONSENSE[nonsense])
        assert client.receive_until_closed() == b""
    assert terminating.closed_line()["reason"] == "startup"


def test_a_reset_instead_of_a_close_harms_nothing(terminating, client):
    for _ in range(20):
        with RawClient(terminating.port) as probe:
            probe.send(wire.SSL_REQUEST)
            probe.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert client.query(terminating.port, "SELECT 1", sslmode="require") == "1"


def test_no_descriptor_stays_open(terminating):
    with RawClient(terminating.port) as client:
        client.start_tls().log_in()
    terminating.closed_line("user=postgres")
    before = terminating.process.open_descriptors()
    for _ in range(30):
        with RawClient(terminating.port) as client:
            client.send(wire.SSL_REQUEST)
        with RawClient(terminating.port) as client:
            client.start_tls().log_in()
    terminating.process.wait_for_log("connection closed", "id=61 ")
    assert terminating.process.open_descriptors() <= before + 2


@pytest.mark.parametrize("polite, reason", ((True, "client_closed"), (False, "tls_truncated")))
def test_a_client_that_leaves_without_close_notify_is_distinguished(terminating, polite, reason):
    with RawClient(terminating.port) as client:
        client.start_tls().log_in()
        if polite:
            client.log_out()
    assert terminating.closed_line("user=postgres")["reason"] == reason

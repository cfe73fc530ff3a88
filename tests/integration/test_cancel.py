"""A cancel request ends its query, in all modes."""

import threading

import pytest

from kit import wire
from kit.raw_client import RawClient


def send_cancel(port, way, process_id, key):
    """Sends the request and returns the answer, which must be empty."""
    with RawClient(port) as canceller:
        if way == "inside TLS":
            canceller.start_tls()
        elif way == "direct TLS":
            canceller.handshake()
        elif way == "after a refusal":
            canceller.send(wire.GSSENC_REQUEST)
            assert canceller.receive(1) == b"N"
        return canceller.send(wire.cancel_request(process_id, key)).receive_until_closed()


def cancelled(server, port, way, tls=True, version=(3, 0)):
    """Starts a long query, cancels it, and returns its error."""
    with RawClient(port) as client:
        if tls:
            client.start_tls()
        client.log_in(version=version)
        answer = []
        thread = threading.Thread(target=lambda: answer.extend(client.query("SELECT pg_sleep(60)")))
        thread.start()
        pid = client.backend_process_id
        server.wait_until_asleep(pid)
        assert send_cancel(port, way, pid, client.backend_key) == b""
        thread.join(20)
        assert answer, "the query was not cancelled"
        return wire.error_fields(next(body for kind, body in answer if kind == b"E"))


@pytest.mark.parametrize("way", ("plaintext", "inside TLS", "direct TLS", "after a refusal"))
def test_a_cancel_ends_the_query_through_a_terminating_proxy(terminating, postgres, way):
    assert cancelled(postgres, terminating.port, way)["C"] == "57014"


@pytest.mark.parametrize("way", ("plaintext", "inside TLS", "direct TLS"))
def test_a_cancel_ends_the_query_when_passed_through(passing_through, servers, way):
    assert cancelled(servers(18, tls=True), passing_through.port, way)["C"] == "57014"


def test_a_cancel_ends_a_plaintext_query(terminating, postgres):
    assert cancelled(postgres, terminating.port, "plaintext", tls=False)["C"] == "57014"


def test_a_long_key_of_protocol_3_2_works(terminating, postgres):
    assert cancelled(postgres, terminating.port, "inside TLS", version=(3, 2))["C"] == "57014"


def test_a_cancel_reaches_a_server_behind_tls(start_pgmoat, servers, certificate):
    server = servers(18, tls=True)
    pgmoat = start_pgmoat(certificate, settings={"upstream": f"host=127.0.0.1 port={server.port} sslmode=require"})
    assert cancelled(server, pgmoat.port, "plaintext")["C"] == "57014"


def test_a_wrong_key_cancels_nothing(terminating, postgres):
    with RawClient(terminating.port) as client:
        client.start_tls().log_in()
        wrong = bytes(byte ^ 0xFF for byte in client.backend_key)
        assert send_cancel(terminating.port, "plaintext", client.backend_process_id, wrong) == b""
        assert client.query("SELECT 'still here'")[1][1].endswith(b"still here")


def test_the_key_is_not_logged(terminating):
    with RawClient(terminating.port) as client:
        client.start_tls().log_in()
        key = client.backend_key
        send_cancel(terminating.port, "plaintext", client.backend_process_id, key)
    terminating.closed_line("user=postgres")
    log = terminating.process.log()
    assert key.hex() not in log.lower()
    assert str(int.from_bytes(key, "big", signed=True)) not in log

"""A terminating listener and clients whose TLS messages are large or endless: the connection ends, and another one is
not affected."""

import ssl
import subprocess
import time

import pytest

from kit import wire
from kit.process import PATIENCE
from kit.raw_client import RawClient, client_hello
from kit.tls_records import APPLICATION_DATA, CIPHER, HANDSHAKE, RecordClient

HELLO_MAX = 131396  # OpenSSL's limit for a ClientHello, without its header
RECORD_MAX = 16384
SYNC = b"S\x00\x00\x00\x04"
FLOOD = 5000  # far more than is tolerated of any of these, and no more if pgmoat tolerated all


@pytest.fixture
def pgmoat(start_pgmoat, certificate, postgres):
    return start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "ssl_ciphers": CIPHER})


@pytest.fixture
def bystander(pgmoat):
    """A session that was there before and works afterwards, as do new ones."""
    with RawClient(pgmoat.port) as session:
        session.start_tls().log_in()
        yield session
        assert session.query("SELECT 1")
    with RawClient(pgmoat.port) as late:
        assert late.start_tls().log_in().query("SELECT 1")


def handshake_size(flight):
    """The size of the message in these records."""
    return int.from_bytes(flight[6:9], "big") + 4


def protocols_for(size):
    """A list of ALPN protocols that makes the ClientHello that long: OpenSSL pads short ones, so not below 2 KB."""
    alone = handshake_size(client_hello(alpn=("postgresql",)))
    filler = ["x" * 255] * ((size - alone - 256) // 256)
    rest = size - handshake_size(client_hello(alpn=("postgresql", *filler)))
    while rest > 256:
        filler.append("y" * 99)
        rest -= 100
    return ("postgresql", *filler, "z" * (rest - 1))


@pytest.mark.parametrize("size", (2048, RECORD_MAX + 1, 65536))
def test_a_large_client_hello_is_served(terminating, size):
    protocols = protocols_for(size)
    assert handshake_size(client_hello(alpn=protocols)) == size
    with RawClient(terminating.port) as client:
        assert client.start_tls(alpn=protocols).log_in().query("SELECT 1")


def test_a_larger_one_than_any_client_sends_gets_postgresqls_alert(pgmoat, bystander, servers):
    answers = []
    for port in (pgmoat.port, servers(18, tls=True).port):
        with RawClient(port) as client:
            client.send(wire.SSL_REQUEST).receive(1)
            start = b"\x01" + (HELLO_MAX + 1).to_bytes(3, "big") + b"\x03\x03" + bytes(RECORD_MAX - 6)
            client.send(b"\x16\x03\x01" + RECORD_MAX.to_bytes(2, "big") + start)
            answers.append(client.receive_until_closed())
    illegal_parameter = b"\x15\x03\x03\x00\x02\x02\x2f"
    assert answers == [illegal_parameter] * 2
    assert "excessive message size" in pgmoat.process.wait_for_log("reason=handshake")


def send_until_closed(client, kind, content):
    """As much as the server accepts, in pieces of a hundred records."""
    try:
        for _ in range(FLOOD // 100):
            client.send(b"".join(client.record(kind, content) for _ in range(100)))
    except OSError:
        return
    client.receive_until_closed()


@pytest.mark.parametrize("logged_in", (False, True), ids=("before-login", "logged-in"))
@pytest.mark.parametrize("flood", ("empty records", "renegotiations"))
def test_records_without_data_end_the_connection(pgmoat, bystander, flood, logged_in):
    kind, content = APPLICATION_DATA, b""
    if flood == "renegotiations":
        kind, content = HANDSHAKE, client_hello(maximum_version=ssl.TLSVersion.TLSv1_2)[5:]
    with RecordClient(pgmoat.port) as client:
        if logged_in:
            client.log_in_with_records()
        position = pgmoat.process.log_position()
        client.socket.settimeout(PATIENCE)
        send_until_closed(client, kind, content)
        fields = pgmoat.process.wait_for_log("connection closed", CIPHER.partition(":")[0], since=position)
        assert "received=0 " in fields and "reason=tls_flood" in fields


def test_one_renegotiation_is_refused_and_the_session_continues(pgmoat):
    with RecordClient(pgmoat.port) as client:
        client.log_in_with_records()
        hello = client_hello(maximum_version=ssl.TLSVersion.TLSv1_2)[5:]
        client.send(client.record(HANDSHAKE, hello))
        no_renegotiation = b"\x01\x64"
        assert client.receive_record()[1] == no_renegotiation
        client.send(client.record(APPLICATION_DATA, wire.query("SELECT 1")))
        assert client.receive_record()[0] == APPLICATION_DATA


@pytest.fixture
def s_client(pgmoat):
    """Its commands, such as K, are what one read of its input returns. Logged in."""
    client = subprocess.Popen(
        ["openssl", "s_client", "-starttls", "postgres", "-connect", f"127.0.0.1:{pgmoat.port}", "-tls1_3"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
    client.stdin.write(wire.startup())
    received = b""
    while wire.READY_FOR_QUERY not in received:
        piece = client.stdout.read(4096)
        assert piece, received
        received += piece
    yield client
    client.kill()
    client.communicate()


def test_more_key_updates_than_100_in_a_second_end_the_connection(pgmoat, bystander, s_client):
    deadline = time.monotonic() + PATIENCE
    try:
        while s_client.poll() is None and time.monotonic() < deadline:
            s_client.stdin.write(b"K\n")
            time.sleep(0.002)
    except BrokenPipeError:
        pass
    pgmoat.process.wait_for_log("connection closed", "reason=tls_flood", "too many key updates")


def test_key_updates_now_and_then_are_answered_and_the_session_continues(pgmoat, s_client):
    for _ in range(5):
        s_client.stdin.write(b"K\n")
        time.sleep(0.05)
        s_client.stdin.write(SYNC)  # a query begins with Q, by which s_client would quit
        received = b""
        while wire.READY_FOR_QUERY not in received:
            piece = s_client.stdout.read(4096)
            assert piece, received
            received += piece

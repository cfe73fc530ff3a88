"""Hundreds of megabytes in each direction arrive complete beside other busy connections, and peers that stop reading
cost little memory.

The load matters: what several channels have ready in one turn is received and sent together. PGMOAT_TRANSFER_MIB sets
how much is moved; the slower builds move less. Memory is measured on the release build: sanitizers use many times what
is to be measured.
"""

import hashlib
import struct
import subprocess
import time

import pytest

from kit import wire
from kit.environment import TRANSFER_MIB
from kit.load import beside_load
from kit.postgres import Postgres
from kit.raw_client import RawClient

ROW_BYTES = 8192
ROWS = TRANSFER_MIB * 1024 * 1024 // ROW_BYTES
BIG_QUERY = f"SELECT repeat(md5(i::text), {ROW_BYTES // 32}) FROM generate_series(1, {ROWS}) i"
STALL_BYTES_MAX = 1024 * 1024


@pytest.fixture(scope="module")
def bulk_server(installations, server_certificate):
    """A server for this module, with the table for wrong rows."""
    server = Postgres(installations[18], server_certificate)
    server.query("CREATE UNLOGGED TABLE differing (line text)")
    server.query("CREATE UNLOGGED SEQUENCE arrived")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def expected(bulk_server):
    """The checksum of the answer without a proxy."""
    return checksum_of_query(bulk_server.port, tls=False)


def checksum_of_query(port, tls):
    with RawClient(port) as client:
        if tls:
            client.start_tls()
        client.log_in()
        client.socket.settimeout(120)
        client.send(wire.query(BIG_QUERY))
        digest, tail, count = hashlib.md5(), b"", 0
        buffer = memoryview(bytearray(1 << 18))
        while not tail.endswith(wire.READY_FOR_QUERY):
            received = client.socket.recv_into(buffer)
            assert received, "the answer broke off"
            digest.update(buffer[:received])
            tail = (tail + bytes(buffer[max(0, received - 6):received]))[-6:]
            count += received
        assert count > ROWS * ROW_BYTES
        return digest.hexdigest()


MODES = {
    "terminate-plaintext-behind": ({"tls_mode": "terminate"}, "disable", True),
    "terminate-tls-behind": ({"tls_mode": "terminate"}, "require", True),
    "plaintext-to-plaintext": ({"tls_mode": "terminate"}, "disable", False),
    "passthrough": ({"tls_mode": "passthrough"}, "require", True),
    "passthrough-plaintext": ({"tls_mode": "passthrough"}, "disable", False),
}


@pytest.fixture(params=MODES)
def start_in_mode(request, start_pgmoat, certificate, bulk_server):
    """start_in_mode(...): a proxy in this mode, and whether its clients use TLS."""
    settings, sslmode, tls = MODES[request.param]

    def start(**options):
        conninfo = f"host=127.0.0.1 port={bulk_server.port} sslmode={sslmode}"
        return start_pgmoat(certificate, settings={**settings, "upstream": conninfo}, **options), tls

    return start


@pytest.fixture
def proxy(start_in_mode):
    """Meanwhile it relays small queries and answers of 200 kB for others."""
    pgmoat, tls = start_in_mode()
    with beside_load(pgmoat.port, tls):
        yield pgmoat, tls


def test_a_large_answer_arrives_whole(proxy, expected):
    pgmoat, tls = proxy
    print(f"{TRANSFER_MIB} MiB")
    assert checksum_of_query(pgmoat.port, tls) == expected


def test_a_large_copy_in_arrives_whole(proxy, bulk_server, client):
    """The server compares each row with the expected one, and keeps those that differ."""
    pgmoat, tls = proxy
    print(f"{TRANSFER_MIB} MiB")
    bulk_server.query("TRUNCATE differing; ALTER SEQUENCE arrived RESTART")
    copy = ("COPY differing FROM STDIN"
            f" WHERE line <> repeat(md5(nextval('arrived')::text), {ROW_BYTES // 32})")
    psql = client.start_psql(pgmoat.port, "-c", copy, keywords={"sslmode": "require" if tls else "disable"},
                             stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    for number in range(1, ROWS + 1):
        psql.stdin.write(hashlib.md5(str(number).encode()).hexdigest().encode() * (ROW_BYTES // 32) + b"\n")
    psql.stdin.close()
    assert psql.wait(120) == 0, psql.stderr.read()
    psql.stderr.close()
    assert bulk_server.query("SELECT last_value FROM arrived") == str(ROWS)
    assert bulk_server.query("SELECT count(*) FROM differing") == "0"


def test_answers_to_readers_that_pause_arrive_whole(proxy):
    """A stream that falls behind accumulates bytes for several turns of the relay."""
    pgmoat, tls = proxy
    query = f"SELECT repeat(md5(i::text), 31) FROM generate_series(1, {TRANSFER_MIB * 32}) i"
    with RawClient(pgmoat.port) as one:
        if tls:
            one.start_tls()
        one.log_in()
        one.socket.settimeout(120)
        one.send(wire.query(query))
        received = bytearray()
        while not received.endswith(wire.READY_FOR_QUERY):
            piece = one.socket.recv(1 << 16)
            assert piece, "the answer broke off"
            received += piece
            if len(received) // (1 << 20) != (len(received) - len(piece)) // (1 << 20):
                time.sleep(0.01)

    def data_row(number):
        row = hashlib.md5(str(number).encode()).hexdigest().encode() * 31
        return wire.message(b"D", struct.pack("!hi", 1, len(row)) + row)

    start = received.index(data_row(1))
    rows = b"".join(map(data_row, range(1, TRANSFER_MIB * 32 + 1)))
    assert received[start:start + len(rows)] == rows


def test_a_client_that_stops_reading_costs_little_memory(start_in_mode, workspace):
    pgmoat, tls = start_in_mode(binary=workspace.release)

    def logged_in(receive_buffer):
        client = RawClient(pgmoat.port, receive_buffer=receive_buffer)
        if tls:
            client.start_tls()
        return client.log_in()

    # The first one warms up what is allocated once: threads' buffers, the allocator's arenas.
    with logged_in(None) as warm:
        warm.query(f"SELECT repeat('x', 1000000) FROM generate_series(1, 20)")
    with logged_in(4096) as stalled:
        before = pgmoat.process.resident_bytes()
        stalled.send(wire.query(BIG_QUERY))
        for _ in range(20):
            time.sleep(0.1)
            grown = pgmoat.process.resident_bytes() - before
            assert grown <= STALL_BYTES_MAX, f"grew by {grown} bytes"


def test_a_server_that_stops_reading_costs_little_memory(start_pgmoat, workspace, certificate, start_fake_server):
    def read_nothing_after_login(visitor):
        visitor.let_in()
        time.sleep(5)

    server = start_fake_server(read_nothing_after_login)
    pgmoat = start_pgmoat(certificate, binary=workspace.release, settings={
        "upstream": f"host=127.0.0.1 port={server.port} sslmode=disable"})
    with RawClient(pgmoat.port) as client:
        client.start_tls().send(wire.startup())
        client.receive_until(b"Z")
        before = pgmoat.process.resident_bytes()
        client.socket.settimeout(1)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 256 * 1024 * 1024:
                client.socket.sendall(bytes(1 << 16))
                sent += 1 << 16
        grown = pgmoat.process.resident_bytes() - before
    assert grown <= STALL_BYTES_MAX, f"grew by {grown} bytes"

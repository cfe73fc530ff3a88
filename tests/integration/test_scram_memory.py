"""What the memory of an idle process still holds of the logins that it has bridged or relayed: nothing with which
somebody could log in, and nothing that one could be computed from.

Known by design: salt, StoredKey and ServerKey of users whose secrets pgmoat keeps (auth_file, and auth_query's
answers). They are what the server itself keeps in pg_authid. With a proof and its nonces they would give the
ClientKey, so of those none may be left. TLS keys that are in use are in memory as OpenSSL keeps them; the text of
pgmoat's key file is not. libpq reads the key file of auth_query_conninfo its own way, and keeps the last answers.
"""

import base64
import hashlib
import itertools
import os
import secrets
import struct
import time
from array import array

import pytest

from kit import scram, wire
from kit.environment import RUNS_AS_ROOT, write_for_user
from kit.fake_server import FakeServer
from kit.postgres import USER
from kit.process import PATIENCE, eventually
from kit.raw_client import RawClient
from test_scram_bridge import (  # noqa: F401 - fixtures
    bridge, certificates, in_tls, lookup_files, secret_of, start_server)

pytestmark = [pytest.mark.once_a_run, pytest.mark.skipif(not RUNS_AS_ROOT, reason="reads another process's memory")]

PAGE = os.sysconf("SC_PAGE_SIZE")
LARGEST_REGION = 1 << 34  # a sanitizer's shadow memory is terabytes
PASSWORD = "a password that is in no other process"


def memory_of(pid):
    """Writable memory that has been written to, in runs of pages."""
    with open(f"/proc/{pid}/mem", "rb", 0) as memory, open(f"/proc/{pid}/pagemap", "rb", 0) as pages, \
            open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        for line in maps:
            span, mode = line.split()[:2]
            begin, end = (int(part, 16) for part in span.split("-"))
            if not mode.startswith("rw") or end - begin > LARGEST_REGION:
                continue
            pages.seek(begin // PAGE * 8)
            entries = array("Q", pages.read((end - begin) // PAGE * 8))
            for is_there, run in itertools.groupby(range(len(entries)), lambda page: entries[page] >> 62 != 0):
                if is_there:  # present or swapped out
                    run = list(run)
                    memory.seek(begin + run[0] * PAGE)
                    yield memory.read(len(run) * PAGE)


class Known:
    """What was sent and what it was computed from, by name."""

    def __init__(self):
        self.values = {}

    def add(self, name, value):
        """A text as it is; bytes as they are and in base64."""
        if isinstance(value, str):
            self.values[name] = value.encode()
        elif value:
            self.values[name] = value
            self.values[f"{name} in base64"] = base64.b64encode(value)

    def add_exchange(self, name, side):
        """Either side of kit.scram."""
        for number, nonce in enumerate(side.nonces):
            self.values[f"nonce {number} of {name}"] = nonce if isinstance(nonce, bytes) else nonce.encode()
        self.add(f"proof of {name}", side.proof)

    def add_password(self, password, secret_text):
        iterations, salt = secret_text.split("$")[1].split(":")
        salt = base64.b64decode(salt)
        self.add("password", password)
        self.add("SaltedPassword", scram.salted_password(password, salt, int(iterations)))
        self.add("ClientKey", scram.keys(password, salt, int(iterations))[0])

    def add_key_file(self, name, file):
        """Lines of its text, and the whole key in DER."""
        lines = file.read_text().splitlines()[1:-1]
        self.values[f"key file {name}"] = lines[0].encode()
        if len(lines) > 2:
            self.values[f"second line of key file {name}"] = lines[1].encode()
        self.values[f"key file {name} in DER"] = base64.b64decode("".join(lines))[:64]

    def assert_not_logged(self, process):
        """All levels are logged: kit.pgmoat sets the lowest."""
        log = process.log().encode()
        assert not [name for name, value in self.values.items() if value in log]

    def found_in(self, process):
        regions = list(memory_of(process.pid))
        return sorted(name for name, value in self.values.items() if any(value in region for region in regions))

    def assert_gone(self, pgmoat):
        """Eventually: its threads may still be working."""
        deadline = time.monotonic() + PATIENCE
        while (left := self.found_in(pgmoat.process)) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not left
        self.assert_not_logged(pgmoat.process)


def new_nonce():
    return secrets.token_urlsafe(18)


def log_in(known, name, port, user=USER, password=PASSWORD, database="postgres", stop_at="", tls=True):
    """With a raw client, which records what it sent. `stop_at`: the client disconnects instead of its last message."""
    with RawClient(port) as raw:
        if tls:
            raw.start_tls()
        raw.send(wire.startup(user=user, database=database))
        exchange = scram.ScramClient(password, nonce=new_nonce())
        if stop_at == "final":
            raw.receive_until(b"R")
            raw.send(exchange.first())
            final = exchange.final(raw.receive_until(b"R")[-1][1][4:])
            raw.send(final[:-4])
            messages = []
        else:
            messages = exchange.log_in_from_the_start(raw)
            for kind, body in messages:
                if kind == b"R" and body[:4] == struct.pack("!i", 12):
                    known.add(f"signature of {name}", body[6:].decode())
            raw.send(wire.TERMINATE)
        known.add_exchange(name, exchange)
        return messages[-1][0] if messages else None


@pytest.fixture
def known():
    return Known()


@pytest.fixture(scope="module")
def server(start_server, certificates):  # noqa: F811
    server = start_server(18, certificates["ecdsa-p256"])
    server.query(f"ALTER ROLE {USER} PASSWORD '{PASSWORD}'")
    server.query(f"CREATE ROLE refused LOGIN PASSWORD '{PASSWORD}' VALID UNTIL '2020-01-01'")
    yield server
    server.stop()


def wait_until_idle(pgmoat, connections):
    eventually(lambda: len(pgmoat.process.log_lines("connection closed")) == connections, "the end of the logins")


def test_the_search_finds_what_is_there(server, known):
    """Otherwise the tests below could not fail: this process has all of it."""
    class Here:
        pid = "self"

    known.add_password(PASSWORD, server.query(secret_of(USER)))
    assert {"password", "ClientKey", "SaltedPassword"} <= set(known.found_in(Here))


def test_nothing_is_left_of_bridged_logins(bridge, server, known, certificate):  # noqa: F811
    pgmoat = bridge(server)
    known.add_password(PASSWORD, server.query(secret_of(USER)))
    known.add("a wrong password", "this one is wrong, whoever reads it")
    known.add_key_file("of pgmoat", certificate.key)
    assert log_in(known, "a login", pgmoat.port) == b"Z"
    assert log_in(known, "a login in the clear", pgmoat.port, tls=False) == b"Z"
    assert log_in(known, "a wrong password's", pgmoat.port, password="this one is wrong, whoever reads it") == b"E"
    assert log_in(known, "an unknown user's", pgmoat.port, user="nobody") == b"E"
    assert log_in(known, "one refused by the server", pgmoat.port, user="refused") == b"E"
    assert log_in(known, "one left early", pgmoat.port, stop_at="final") is None
    wait_until_idle(pgmoat, 6)
    known.assert_gone(pgmoat)


def test_nothing_is_left_of_the_leg_to_the_server(start_pgmoat, certificate, certificates, workspace,  # noqa: F811
                                                  known):
    """A scripted server records what pgmoat has sent to it."""
    exchanges = []

    def script(visitor):
        visitor.receive_packet()
        exchange = scram.ScramServer(PASSWORD, nonce=new_nonce())
        exchanges.append(exchange)
        exchange.log_in(visitor)
        visitor.receive_until_closed()

    file = workspace.folder("auth") / "users"
    write_for_user(file, f'"{USER}" "{scram.secret(PASSWORD)}"\n', mode=0o600)
    known.add_password(PASSWORD, scram.secret(PASSWORD))
    for sslmode, run in (("require", in_tls(certificates["rsa"], script)), ("disable", script)):
        with FakeServer(run) as fake:
            pgmoat = start_pgmoat(certificate, settings={
                "upstream": f"host=127.0.0.1 port={fake.port} sslmode={sslmode}", "auth_file": file,
                "login": "bridge"})
            assert log_in(known, f"the client before {sslmode}", pgmoat.port) == b"Z"
            assert log_in(known, f"a wrong one before {sslmode}", pgmoat.port, password="wrong") == b"E"
            wait_until_idle(pgmoat, 2)
            for number, exchange in enumerate(exchanges):
                known.add_exchange(f"login {number} at the server", exchange)
                known.add(f"signature of login {number} at the server", exchange.signature)
            known.assert_gone(pgmoat)


HBA = """
local all all trust
host all md5 all md5
host all clear all password
host all all all scram-sha-256
"""


@pytest.mark.parametrize("tls", (True, False), ids=("tls", "plaintext"))
def test_nothing_is_left_of_relayed_logins(start_pgmoat, start_postgres, certificate, certificates, known,  # noqa: F811
                                           tls):
    server = start_postgres(18, certificate=certificates["rsa"], hba=HBA)
    server.query(f"CREATE ROLE clear LOGIN PASSWORD '{PASSWORD}'; ALTER ROLE {USER} PASSWORD '{PASSWORD}'; "
                 f"SET password_encryption = 'md5'; CREATE ROLE md5 LOGIN PASSWORD '{PASSWORD}'")
    pgmoat = start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={server.port} sslmode={'require' if tls else 'disable'}"})
    known.add_password(PASSWORD, server.query(secret_of(USER)))
    assert log_in(known, "SCRAM", pgmoat.port, tls=tls) == b"Z"

    def answer(user, message_of):
        with RawClient(pgmoat.port) as raw:
            if tls:
                raw.start_tls()
            raw.send(wire.startup(user=user, database="postgres"))
            _, body = raw.receive_until(b"R")[-1]
            raw.send(wire.message(b"p", message_of(body) + b"\0"))
            raw.receive_until(b"Z")
            raw.send(wire.TERMINATE)

    def md5(body):
        inner = hashlib.md5(f"{PASSWORD}md5".encode()).hexdigest()
        response = "md5" + hashlib.md5(inner.encode() + body[4:]).hexdigest()
        known.add("md5 response", response)
        return response.encode()

    answer("clear", lambda body: PASSWORD.encode())
    answer("md5", md5)
    wait_until_idle(pgmoat, 3)
    known.assert_gone(pgmoat)


def test_nothing_is_left_of_logins_to_the_console(start_pgmoat, certificate, workspace, known):
    file = workspace.folder("console") / "users"
    write_for_user(file, f'"admin" "{scram.secret(PASSWORD)}"\n', mode=0o600)
    pgmoat = start_pgmoat(certificate, settings={
        "upstream": "host=127.0.0.1 port=1", "console_users": "admin", "console_auth_file": file})
    known.add_password(PASSWORD, scram.secret(PASSWORD))
    assert log_in(known, "the console", pgmoat.port, user="admin", database="pgmoat") == b"Z"
    assert log_in(known, "a wrong one", pgmoat.port, user="admin", database="pgmoat", password="wrong") == b"E"
    wait_until_idle(pgmoat, 2)
    known.assert_gone(pgmoat)

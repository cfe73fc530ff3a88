"""A bridged login step by step: what either side may send in between, where either may stop, and which protocol version
is used.

Scripted servers, and PostgreSQL as the oracle."""

import itertools
import threading

import pytest

from kit import scram, wire
from kit.environment import write_for_user
from kit.fake_server import FakeServer
from kit.postgres import PASSWORD, USER
from kit.process import eventually
from kit.raw_client import RawClient
from test_scram_bridge import (  # noqa: F401 - fixtures
    bridge, certificates, lookup_files, outcomes, running, start_server)

STEPS = scram.ScramServer.STEPS
ITERATIONS = 16  # few: hundreds of logins
LIST = scram.sasl(10, b"SCRAM-SHA-256\0\0")
END = wire.AUTHENTICATION_OK + wire.READY_FOR_QUERY


def notice(text):
    return b"N" + wire.error_response(text, "01000", "NOTICE")[1:]


@pytest.fixture
def before(start_pgmoat, certificate, workspace, http_port):
    """before(server): a pgmoat that bridges every login, with the user's secret from a file."""

    def start(server):
        file = workspace.folder("auth") / "users"
        write_for_user(file, f'"{USER}" "{scram.secret(PASSWORD, iterations=ITERATIONS)}"\n', mode=0o600)
        return start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={server.port} sslmode=disable", "auth_file": file, "login": "bridge",
            "http_listen": f"127.0.0.1:{http_port}", "log_disconnections": "off"})

    return start


def server_of(**options):
    """A script for one login, which stays connected."""
    def script(visitor):
        visitor.receive_packet()
        scram.ScramServer(PASSWORD, iterations=ITERATIONS, **options).log_in(visitor)
        visitor.receive_until_closed()

    return FakeServer(script)


def log_in(port):
    """Everything that the server sent, and whether it then closed."""
    with RawClient(port) as raw:
        raw.send(wire.startup(user=USER))
        messages = scram.ScramClient(PASSWORD).log_in_from_the_start(raw)
        closed = messages[-1][0] == b"E" and raw.receive_until_closed() == b""
        return messages, closed


# --- what may come in between -------------------------------------------------------------------------------------


def test_notices_pass_at_every_step_in_their_place(before):
    notices = {step: notice(f"before {step}") for step in STEPS}
    with server_of(before=notices) as server:
        messages, _ = log_in(before(server).port)
    assert [kind for kind, _ in messages] == [b"N", b"R"] * 4 + [b"N", b"Z"]
    assert [wire.message(*message) for message in messages[::2]] == list(notices.values())


@pytest.mark.parametrize("step", STEPS)
def test_an_error_of_the_server_at_any_step_reaches_the_client_byte_for_byte(before, step):
    error = wire.error_response(f"not before {step}", "28P01")
    with server_of(before={step: error}) as server:
        pgmoat = before(server)
        messages, closed = log_in(pgmoat.port)
        assert wire.message(*messages[-1]) == error
        assert [kind for kind, _ in messages[:-1]] == [b"R"] * STEPS.index(step)
        assert closed
        # Before the list there is nothing to bridge; when it is accepted the bridge has done its work.
        expected = {"list": {}, "ready": {"ok": 1}, "ok": {"ok": 1}}.get(step, {"refused_by_server": 1})
        eventually(lambda: outcomes(pgmoat) == expected, f"{expected} instead of {outcomes(pgmoat)}")


@pytest.mark.parametrize("step", STEPS[:3])
def test_a_message_that_is_not_allowed_there_ends_the_login(before, step):
    wrong = (wire.READY_FOR_QUERY, wire.message(b"K", bytes(8)), wire.message(b"S", b"a\0b\0"),
             wire.message(b"D", bytes(2)), wire.message(b"R", bytes(3)), b"R\0\0\0\1")
    to_come = iter(wrong)

    def script(visitor):
        visitor.receive_packet()
        scram.ScramServer(PASSWORD, iterations=ITERATIONS, before={step: next(to_come)}).log_in(visitor)

    with FakeServer(script) as server:
        pgmoat = before(server)
        for message in wrong:
            messages, closed = log_in(pgmoat.port)
            kind, body = messages[-1]
            assert kind == b"E" and wire.error_fields(body)["C"] == "57P03", (message, messages)
            assert closed and {kind for kind, _ in messages[:-1]} <= {b"R"}, (message, messages)


# --- where either side may stop -----------------------------------------------------------------------------------


class Allowance:
    """A visitor that may send so many bytes, and then disconnects."""

    def __init__(self, visitor, count):
        self._visitor = visitor
        self._left = count

    def send(self, data):
        self._visitor.send(data[:self._left])
        self._left -= min(self._left, len(data))
        if not self._left:
            raise EOFError

    def __getattr__(self, name):
        return getattr(self._visitor, name)


def length_of_the_servers_part():
    sent = []

    def script(visitor):
        visitor.receive_packet()
        visitor.send = lambda data, send=visitor.send: (sent.append(data), send(data))
        scram.ScramServer(PASSWORD, iterations=ITERATIONS).log_in(visitor)

    with FakeServer(script) as server, RawClient(server.port) as raw:
        raw.send(wire.startup(user=USER))
        scram.ScramClient(PASSWORD).log_in_from_the_start(raw)
    # pgmoat's nonce has another length than the test's: 24 characters.
    return len(b"".join(sent)) + 24 - len("a-nonce-of-the-test")


def test_a_server_that_stops_after_any_byte_lets_no_client_in(before):
    count = length_of_the_servers_part()
    numbers = itertools.count(1)

    def script(visitor):
        visitor.receive_packet()
        scram.ScramServer(PASSWORD, iterations=ITERATIONS).log_in(Allowance(visitor, next(numbers)))

    with FakeServer(script) as server:
        pgmoat = before(server)
        for size in range(1, count):
            with RawClient(pgmoat.port) as raw:
                raw.send(wire.startup(user=USER))
                try:
                    messages = scram.ScramClient(PASSWORD).log_in_from_the_start(raw)
                except (EOFError, OSError):
                    messages = []
                assert not messages or messages[-1][0] == b"E", (size, messages)
        messages, _ = log_in(pgmoat.port)
        assert messages[-1][0] == b"Z"
        found = outcomes(pgmoat)
        # Where the server had signed only that it is ready was missing; before its list nothing was bridged.
        assert found["ok"] == len(END) + 1, found
        assert found["abandoned"] == count - len(LIST) - len(END), found


def test_a_client_that_stops_after_any_byte_is_not_let_in(before):
    convinced = threading.Event()

    def script(visitor):
        visitor.receive_packet()
        scram.ScramServer(PASSWORD, iterations=ITERATIONS).log_in(visitor)
        convinced.set()
        visitor.receive_until_closed()

    with FakeServer(script) as server:
        pgmoat = before(server)
        abandoned = 0
        for step in ("first", "final"):
            for size in itertools.count():
                with RawClient(pgmoat.port) as raw:
                    raw.send(wire.startup(user=USER))
                    client = scram.ScramClient(PASSWORD)
                    raw.receive_until(b"R")
                    message = client.first()
                    if step == "final":
                        raw.send(message)
                        message = client.final(raw.receive_until(b"R")[-1][1][4:])
                    if size == len(message):
                        break
                    raw.send(message[:size])
                    abandoned += 1
        abandoned += 2  # those that were going to be complete
        eventually(lambda: outcomes(pgmoat) == {"abandoned": abandoned}, f"{abandoned}: {outcomes(pgmoat)}")
        assert not convinced.is_set()
        assert log_in(pgmoat.port)[0][-1][0] == b"Z"


def test_a_login_whose_bytes_come_one_by_one_is_a_login(before):
    class Slowly:
        def __init__(self, peer):
            self._peer = peer

        def send(self, data):
            for byte in data:
                self._peer.send(bytes([byte]))

        def __getattr__(self, name):
            return getattr(self._peer, name)

    def script(visitor):
        visitor.receive_packet()
        scram.ScramServer(PASSWORD, iterations=ITERATIONS,
                          before={step: notice(step) for step in STEPS}).log_in(Slowly(visitor))
        visitor.receive_until_closed()

    with FakeServer(script) as server:
        pgmoat = before(server)
        for tls in (False, True):
            with RawClient(pgmoat.port) as raw:
                if tls:
                    raw.start_tls()
                raw.send(wire.startup(user=USER))
                messages = scram.ScramClient(PASSWORD).log_in_from_the_start(Slowly(raw))
                assert [kind for kind, _ in messages] == [b"N", b"R"] * 4 + [b"N", b"Z"]
        assert outcomes(pgmoat) == {"ok": 2}


# --- protocol -----------------------------------------------------------------------------------------------------


def start_session(port, version, options):
    raw = RawClient(port)
    raw.start_tls()
    raw.send(wire.startup(user=USER, database="postgres", version=version, **options))
    return raw, scram.ScramClient(PASSWORD).log_in_from_the_start(raw)


@pytest.mark.parametrize("major", (15, 18), ids=("server-15", "server-18"))
@pytest.mark.parametrize("options", ({}, {"_pq_.test": "1"}), ids=("plain", "with-an-option"))
@pytest.mark.parametrize("version", ((3, 0), (3, 2), (3, 9999)), ids=lambda version: f"3.{version[1]}")
def test_the_protocol_is_negotiated_once_as_with_the_server_itself(
        bridge, running, major, version, options):  # noqa: F811
    server = running(major)
    pgmoat = bridge(server)

    def negotiate(port):
        raw, messages = start_session(port, version, options)
        with raw:
            assert messages[-1][0] == b"Z", messages[-1]
            return [(kind, body) if kind == b"v" else (kind, len(body)) if kind == b"K" else kind
                    for kind, body in messages]

    assert negotiate(pgmoat.port) == negotiate(server.port)
    assert outcomes(pgmoat) == {"ok": 1}


@pytest.mark.parametrize("version", ((3, 0), (3, 2)), ids=("short-key", "long-key"))
def test_a_cancel_request_reaches_a_session_that_was_bridged(bridge, running, version):  # noqa: F811
    pgmoat = bridge(running())
    raw, messages = start_session(pgmoat.port, version, {})
    with raw:
        key = dict(messages)[b"K"]
        assert len(key) == (8 if version == (3, 0) else 36)
        raw.send(wire.query("SELECT pg_sleep(60)"))
        running().wait_until_asleep(int.from_bytes(key[:4], "big"))
        with RawClient(pgmoat.port) as canceller:
            canceller.start_tls().send(wire.cancel_request(int.from_bytes(key[:4], "big"), key[4:]))
            canceller.receive_until_closed()
        assert raw.receive_error()["C"] == "57014"

"""Clients that work through one or more ways to a server ("doors") of a pgmoat. Every answer is checked to the byte,
and errors are recorded.

Every query takes the next number of a sequence that only its client uses. So a lost answer is noticed even if the
connection was reset: a query that was begun has taken a number.
"""

import collections
import contextlib
import hashlib
import random
import select
import ssl
import struct
import threading
import time
from dataclasses import dataclass

from kit import wire
from kit.raw_client import RawClient, tls_context

FAREWELL = "57P01"
CANCELLED = "57014"
TLS = tls_context()
# What a session gets that was told to leave and was closed before its query came.
GONE = (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)


@dataclass(frozen=True)
class Door:
    """One way to the server. `may_move`: its sessions may be ended between two transactions."""

    name: str
    port: int
    tls: bool
    may_move: bool = True
    address: str = "127.0.0.1"
    namespace: object = None  # kit.network's, of the client

    def _connect(self):
        with self.namespace.inside() if self.namespace else contextlib.nullcontext():
            return RawClient(self.port, address=self.address)

    def open(self, patience=60):
        client = self._connect()
        try:
            client.socket.settimeout(patience)
            if self.tls:
                client.send(wire.SSL_REQUEST)
                answer = client.receive(1)
                assert answer == b"S", answer
                client.socket = TLS.wrap_socket(client.socket, server_hostname="localhost")
            return client.log_in()
        except BaseException:
            client.socket.close()
            raise

    def cancel(self, session):
        """In plaintext, as libpq does it; returns when pgmoat has closed the connection."""
        with self._connect() as client:
            assert client.send(wire.cancel_request(session.backend_process_id, session.backend_key)) \
                .receive_until_closed() == b""


class Moved(Exception):
    """The session was ended before its query was begun."""


class LostAnswer(AssertionError):
    """A query was begun, and the connection ended before its answer."""


class WrongBytes(AssertionError):
    """Bytes arrived that the server had not sent, or are missing. Never excused."""


class Tally:
    """What was done, what went wrong, and which errors were expected."""

    def __init__(self):
        self._lock = threading.Lock()
        self.counts = collections.Counter()
        self.faults = []
        self.excused = collections.Counter()
        self._excuses = {}

    def add(self, what, number=1):
        with self._lock:
            self.counts[what] += number

    def fault(self, who, error):
        text = f"{who}: {error!r}"
        with self._lock:
            if not isinstance(error, WrongBytes):
                for excuse in self._excuses.values():
                    if excuse[1] in (None, who):
                        self.excused[excuse[0]] += 1
                        return
            self.counts["faults"] += 1
            if len(self.faults) < 50:
                self.faults.append(f"{time.strftime('%H:%M:%S')} {text}")

    @contextlib.contextmanager
    def excuse(self, why, door=None, grace=0.0):
        """Errors (of one door) until the end of the block, and for this long afterwards, are caused by the fault."""
        key = object()
        with self._lock:
            self._excuses[key] = (why, door)
        try:
            yield
            time.sleep(grace)
        finally:
            with self._lock:
                del self._excuses[key]


def rows_of(messages):
    """The values of the first column."""
    values = []
    for kind, body in messages:
        if kind == b"D":
            (length,) = struct.unpack("!i", body[2:6])
            values.append(body[6:6 + length].decode())
    return values


def refuse_errors(message, door):
    """Raises if the answer begins with an error."""
    kind, body = message
    if kind == b"E":
        fields = wire.error_fields(body)
        if fields["C"] == FAREWELL and door.may_move:
            raise Moved
        raise AssertionError(fields)


def readable(client, seconds=0.0):
    return isinstance(client.socket, ssl.SSLSocket) and client.socket.pending() > 0 \
        or bool(select.select([client.socket], [], [], seconds)[0])


def make_sequences(postgres, count):
    postgres.query(f"""DO $$ BEGIN FOR i IN 0..{count - 1} LOOP
        EXECUTE format('CREATE SEQUENCE asked_%s', i); END LOOP; END $$""")


class Session:
    """One session at a time through one door, and the number that its client has requested last."""

    def __init__(self, door, number):
        self.door, self.sequence, self.last = door, f"asked_{number}", 0
        self.client = None
        self._in_doubt = False  # a query was sent, and the connection ended without an answer

    def open(self):
        self.client = self.door.open()
        if self._in_doubt:
            (known,) = rows_of(self.client.query(
                f"SELECT coalesce((SELECT last_value FROM {self.sequence} WHERE is_called), 0)"))
            answered, self.last, self._in_doubt = self.last, int(known), False
            if self.last != answered:
                raise LostAnswer(f"{answered} queries were answered, {known} begun")

    def ask(self):
        """The next number. Moved: the session was ended before the query was begun."""
        if self.client is None:
            self.open()
        try:
            if not readable(self.client):
                self._in_doubt = True
                self.client.send(wire.query(f"SELECT nextval('{self.sequence}')"))
            messages = [self.client.receive_message()]
        except GONE as error:
            self.close()
            if not self.door.may_move:
                raise
            raise Moved from error
        except BaseException:
            self.close()
            raise
        try:
            refuse_errors(messages[0], self.door)
            while messages[-1][0] != b"Z":
                messages.append(self.client.receive_message())
        except BaseException:
            self.close()
            raise
        expected = [str(self.last + 1)]
        if rows_of(messages) != expected:
            self.close()
            raise WrongBytes(f"{messages}, not {expected}")
        self.last += 1
        self._in_doubt = False

    def close(self, politely=False):
        if self.client is not None:
            with contextlib.suppress(OSError):
                if politely:
                    self.client.send(wire.TERMINATE)
                self.client.socket.close()
        self.client = None


class Worker(threading.Thread):
    """Calls turn() repeatedly, until stop()."""

    def __init__(self, door, tally):
        super().__init__(daemon=True)
        self.door, self.tally = door, tally
        self.asked_to_stop = threading.Event()

    def run(self):
        while not self.asked_to_stop.is_set():
            try:
                self.turn()
            except Exception as error:  # whatever it is, the test must see it
                self.tally.fault(self.door.name, error)
                self.asked_to_stop.wait(0.2)
        self.finish()

    def finish(self):
        pass

    def stop(self):
        self.asked_to_stop.set()


class Queries(Worker):
    """Sessions that stay, each queried in turn; each with the sequence of its number."""

    def __init__(self, door, tally, numbers, pause=0.0):
        super().__init__(door, tally)
        self.sessions = [Session(door, number) for number in numbers]
        self.pause = pause
        self.rounds = 0

    def turn(self):
        for session in self.sessions:
            if self.asked_to_stop.is_set():
                return
            try:
                self._ask(session)
            except Exception as error:  # this session's error; the others are queried all the same
                self.tally.fault(self.door.name, error)
            self.asked_to_stop.wait(self.pause)
        self.rounds += 1

    def _ask(self, session):
        for _ in range(2):
            try:
                session.ask()
                self.tally.add("queries")
                return
            except Moved:  # the next session is another process's
                self.tally.add("moved")

    def finish(self):
        for session in self.sessions:
            session.close(politely=True)


class Connects(Worker):
    """Connects, queries once, disconnects; so many times a second, if the machine is fast enough."""

    def __init__(self, door, tally, number, rate):
        super().__init__(door, tally)
        self.session = Session(door, number)
        self.rate = rate
        self._next = time.monotonic()

    def turn(self):
        self.asked_to_stop.wait(max(0.0, self._next - time.monotonic()))
        self._next = max(self._next + random.expovariate(self.rate), time.monotonic() - 1)
        try:
            self.session.ask()
            self.tally.add("connects")
        except Moved:
            self.tally.add("moved")
        finally:
            self.session.close(politely=True)


class Copies(Worker):
    """Copies rows in and out again in one transaction, which must not be interrupted."""

    def __init__(self, door, tally, rows=2000, pause=0.0):
        super().__init__(door, tally)
        self.rows, self.pause = rows, pause
        self.round = 0

    def turn(self):
        with self.door.open() as client:
            try:
                refuse_errors(client.send(wire.query("BEGIN")).receive_message(), self.door)
                client.receive_until(b"Z")
            except (Moved, *GONE):
                if not self.door.may_move:
                    raise
                self.tally.add("moved")
                return
            self._copy(client)
            client.query("ROLLBACK")
            client.send(wire.TERMINATE)
        self.asked_to_stop.wait(self.pause)

    def _copy(self, client):
        self.round += 1
        lines = [f"{number}\t{hashlib.md5(f'{self.round} {number}'.encode()).hexdigest() * 8}\n".encode()
                 for number in range(self.rows)]
        client.query("CREATE TEMPORARY TABLE copied (number int, line text) ON COMMIT DROP")
        client.send(wire.query("COPY copied FROM STDIN")).receive_until(b"G")
        for start in range(0, len(lines), 200):
            client.send(wire.message(b"d", b"".join(lines[start:start + 200])))
        client.send(wire.message(b"c"))
        tag = client.receive_until(b"Z")[0]
        if tag != (b"C", f"COPY {self.rows}\0".encode()):
            raise WrongBytes(tag)
        client.send(wire.query("COPY (SELECT * FROM copied ORDER BY number) TO STDOUT"))
        back = b"".join(body for kind, body in client.receive_until(b"Z") if kind == b"d")
        if back != b"".join(lines):
            raise WrongBytes(f"{len(back)} bytes of COPY came back, not those {sum(map(len, lines))} that were sent")
        self.tally.add("copied bytes", 2 * len(back))
        self.tally.add("copies")


class Cancels(Worker):
    """Starts an endless query, and cancels it."""

    def __init__(self, door, tally, pause=0.5):
        super().__init__(door, tally)
        self.pause = pause

    def turn(self):
        with self.door.open() as session:
            if cancel_sleep(self.door, session):
                self.tally.add("cancels")
            session.send(wire.TERMINATE)
        self.asked_to_stop.wait(self.pause)


def begin_sleep(session):
    session.send(wire.query("SELECT pg_sleep(600)"))


def cancel_running(door, session):
    """Repeatedly, since a cancel that arrives before its query is lost; returns the error's SQLSTATE."""
    for _ in range(100):
        door.cancel(session)
        if readable(session, 0.3):
            return session.receive_error()["C"]
    raise AssertionError("the query could not be cancelled")


def cancel_sleep(door, session):
    """False: the session was ended before the query was begun."""
    begin_sleep(session)
    code = cancel_running(door, session)
    if code == FAREWELL and door.may_move:
        return False
    assert code == CANCELLED, code
    return True

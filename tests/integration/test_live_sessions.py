"""SIGUSR2: live sessions that pgmoat does not encrypt move to the new process: passed-through ones, and those in
plaintext on both sides. They lose no byte and no answer, keep their row, and can be ended and cancelled there."""

import hashlib
import re
import shutil
import threading
import time
from contextlib import ExitStack

import psycopg2
import pytest

from kit import scram, wire
from kit.chain import Chain, is_gone
from kit.environment import free_port, write_for_user
from kit.http import Http
from kit.load import beside_load
from kit.metrics import scrape
from kit.postgres import PASSWORD
from kit.process import eventually
from kit.raw_client import RawClient

KINDS = ("passed_through", "in_the_clear")
UPGRADES = 3


@pytest.fixture
def start(start_pgmoat, servers):
    """A listener that passes TLS through, and plaintext as well."""
    chains = []

    def start(certificate=None, **settings):
        server = servers(18, tls=True)
        files = settings.pop("files", None)
        binary = settings.pop("binary", None)
        chains.append(Chain(start_pgmoat(certificate, files=files, binary=binary, settings={
            "tls_mode": "passthrough", "upstream": f"host=127.0.0.1 port={server.port}", "shutdown_timeout": "120s",
            "http_listen": f"127.0.0.1:{free_port()}", **settings})))
        return chains[-1]

    yield start
    for chain in chains:
        chain.end()


def logged_in(port, kind):
    client = RawClient(port)
    if kind == "passed_through":
        client.start_tls()
    return client.log_in()


def rows_of(chain):
    port = int(chain.pgmoat.settings["http_listen"].rsplit(":", 1)[1])
    return {row["id"]: row for row in Http(port).json("/connections.json")["connections"]}


class Worker(threading.Thread):
    """Works in one session until stop(); an error is in `fault`."""

    def __init__(self, client):
        super().__init__()
        self.client, self.fault, self.done = client, None, 0
        self.stopping = threading.Event()

    def run(self):
        try:
            self.work()
        except Exception as fault:  # whatever it is, the test must see it
            self.fault = repr(fault)

    def stop(self):
        self.stopping.set()
        self.join()
        assert self.fault is None, (type(self).__name__, self.fault)


class Queries(Worker):
    """Small and large answers, one after another."""

    def work(self):
        number = 0
        while not self.stopping.is_set():
            number += 1
            size = 10 if number % 5 else 300_000
            answer = self.client.query(f"SELECT '{number}', repeat('{number % 10}', {size})")
            assert [kind for kind, _ in answer] == [b"T", b"D", b"C", b"Z"], answer[0]
            row = answer[1][1]
            assert row.endswith(str(number % 10).encode() * size) and str(number).encode() in row[:40]
            self.done += 1


class Slow(Worker):
    """A query is nearly always running, in a transaction that never ends."""

    def work(self):
        self.client.query("BEGIN")
        self.client.query("CREATE TEMPORARY TABLE mine AS SELECT 42 AS answer")
        while not self.stopping.is_set():
            answer = self.client.query("SELECT answer, pg_sleep(0.3) FROM mine")
            assert answer[1][1][6:8] == b"42", answer
            assert answer[-1] == (b"Z", b"T")
            self.done += 1


class CopyOut(Worker):
    """One COPY for the whole time, read slowly at first, so that every buffer on its way is full."""

    rows = 120_000

    def line(self, number):
        return b"%d\t%s\n" % (number, str(number * 7919).encode() * 12)

    def work(self):
        self.client.send(wire.query(
            f"COPY (SELECT n, repeat((n::bigint * 7919)::text, 12) FROM generate_series(1, {self.rows}) n) TO STDOUT"))
        self.client.receive_until(b"H")
        got, expected = hashlib.sha256(), hashlib.sha256()
        number = 0
        while True:
            kind, body = self.client.receive_message()
            if kind != b"d":
                break
            number += 1
            got.update(body)
            expected.update(self.line(number))
            if number % 500 == 0 and not self.stopping.is_set():
                time.sleep(0.1)
        assert kind == b"c", (kind, body)
        assert number == self.rows and got.digest() == expected.digest()
        self.client.receive_until(b"Z")
        self.done = number


class CopyIn(Worker):
    """One COPY for the whole time. In the end its rows are read back from the server."""

    def work(self):
        self.client.query("CREATE TEMPORARY TABLE t (n int, x text)")
        self.client.send(wire.query("COPY t FROM STDIN")).receive_until(b"G")
        sent = hashlib.sha256()
        number = 0
        while not self.stopping.is_set():
            rows = []
            for _ in range(2000):
                number += 1
                rows.append(b"%d\t%s\n" % (number, b"abc" * (number % 50)))
            data = b"".join(rows)
            sent.update(data)
            self.client.send(wire.message(b"d", data))
            time.sleep(0.01)
        self.client.send(wire.message(b"c")).receive_until(b"Z")
        self.client.send(wire.query("COPY (SELECT * FROM t ORDER BY n) TO STDOUT")).receive_until(b"H")
        got = hashlib.sha256()
        while (message := self.client.receive_message())[0] == b"d":
            got.update(message[1])
        assert message[0] == b"c" and got.digest() == sent.digest()
        self.client.receive_until(b"Z")
        self.done = number


def test_sessions_at_work_survive_three_upgrades_without_a_wrong_byte(start):
    chain = start()
    port = chain.pgmoat.port
    with ExitStack() as stack:
        workers = [work(stack.enter_context(logged_in(port, kind)))
                   for kind in KINDS for work in (Queries, Queries, Slow, CopyOut, CopyIn)]
        idle = [stack.enter_context(logged_in(port, kind)) for kind in KINDS for _ in range(20)]
        eventually(lambda: all(row["stage"] == "live" for row in rows_of(chain).values()), "all to be live")
        before = rows_of(chain)
        assert len(before) == len(workers) + len(idle)
        for worker in workers:
            worker.start()
        for _ in range(UPGRADES):
            done = [worker.done for worker in workers]
            eventually(lambda: all(worker.done > had for worker, had in zip(workers, done)
                                   if isinstance(worker, (Queries, Slow))), "queries to be answered")
            chain.upgrade_and_wait()  # prompt: shutdown_timeout is much longer
            assert "handed over" in chain.log()
            now = rows_of(chain)
            assert now.keys() == before.keys()
            for number, row in now.items():
                for name in ("client.port", "tls.protocol.version", "user.name", "upstream"):
                    assert row.get(name) == before[number].get(name)
                assert row["seconds"] >= before[number]["seconds"]
        for client in idle:
            assert client.query("SELECT 'idle'")[1][1].endswith(b"idle")
        for worker in workers:
            worker.stop()
        assert all(worker.done > 0 for worker in workers)
        metrics = scrape(chain.pgmoat)
        live = metrics.sum("pgmoat_connections_live")
        opened, closed = (metrics.sum(f"pgmoat_connections_{what}_total") for what in ("opened", "closed"))
        assert live == len(before) == opened - closed
    assert len(set(chain.pids)) == UPGRADES + 1 and not is_gone(chain.pids[-1])
    assert not chain.pgmoat.process.log_lines("internal")
    eventually(lambda: chain.pgmoat.process.exit_code == 0, "all its threads to end, without an error")
    eventually(lambda: scrape(chain.pgmoat).sum("pgmoat_connections_live") == 0, "all to be closed")


def test_many_sessions_that_are_ready_at_once_move_under_load(start):
    """Their receives and sends are batched (io_uring), some of them are bulk, and none may fail."""
    chain = start()
    with beside_load(chain.pgmoat.port, tls=True), beside_load(chain.pgmoat.port, tls=False):
        eventually(lambda: len(rows_of(chain)) == 22, "the load to begin")
        since = chain.log_position()  # pgbench leaves its first connections with unread TLS tickets
        for _ in range(UPGRADES + 2):
            chain.upgrade_and_wait()
            assert len(rows_of(chain)) == 22
            begun = scrape(chain.pgmoat).sum("pgmoat_bytes_total", direction="from_server")
            eventually(lambda: scrape(chain.pgmoat).sum("pgmoat_bytes_total", direction="from_server") > begun + 5e6,
                       "the load to go on")
        assert not re.search("reason=(?!client_closed)", chain.log(since)), chain.log(since)


@pytest.mark.parametrize("kind", KINDS)
def test_the_row_goes_along_with_its_counts(start, kind):
    chain = start()
    with logged_in(chain.pgmoat.port, kind) as client:
        moved = ("received", "sent")  # a client may have its answer before that is counted
        in_the_clear = kind == "in_the_clear"

        def counted(queries, than):
            ((number, row),) = rows_of(chain).items()
            seen = row["stage"] == "live" and row["queries"] == (queries if in_the_clear else 0)
            return (number, row) if seen and all(row[name] > than[name] for name in moved) else None

        client.query("SELECT 1")
        number, before = eventually(lambda: counted(1, dict.fromkeys(moved, 0)), "both directions to be counted")
        chain.upgrade_and_wait()
        client.query("SELECT 2")
        same, after = eventually(lambda: counted(2, before), "both directions to be counted again")
        assert same == number
        changing = {*moved, "seconds", "queries", "transactions", "messages_received", "messages_sent"}
        assert {name: value for name, value in after.items() if name not in changing} == {
            name: value for name, value in before.items() if name not in changing}
        with logged_in(chain.pgmoat.port, kind) as another:
            another.query("SELECT 1")
            eventually(lambda: max(rows_of(chain)) > number + 1000, "an id that the old process has not used")
    assert "reason=client_closed" in chain.wait_for(r"connection closed.*")[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_is_cancelled_in_the_process_that_has_it(start, kind, servers):
    chain = start()
    with logged_in(chain.pgmoat.port, kind) as client:
        client.send(wire.query("SELECT pg_sleep(120)"))
        servers(18, tls=True).wait_until_asleep(client.backend_process_id)
        chain.upgrade_and_wait()
        with RawClient(chain.pgmoat.port) as cancel:
            cancel.send(wire.cancel_request(client.backend_process_id, client.backend_key))
            cancel.receive_until_closed()
        assert client.receive_error()["C"] == "57014"
        client.receive_until(b"Z")
        client.query("SELECT 1")


def test_the_console_of_the_new_process_shows_and_kills_them(start_pgmoat, certificate, postgres, workspace):
    """Plaintext sessions of a listener with TLS; the console is used over TLS."""
    path = workspace.folder("console") / "users.txt"
    write_for_user(path, f'"admin" "{scram.secret(PASSWORD)}"\n', mode=0o600)
    chain = Chain(start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "shutdown_timeout": "60s",
        "console_users": "admin", "console_auth_file": path}))

    def ask(statement):
        connection = psycopg2.connect(host="localhost", hostaddr="127.0.0.1", port=chain.pgmoat.port, user="admin",
                                      password=PASSWORD, dbname="pgmoat", sslmode="require", gssencmode="disable")
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                if cursor.description:
                    return [dict(zip([column.name for column in cursor.description], row)) for row in cursor]
        finally:
            connection.close()

    try:
        with RawClient(chain.pgmoat.port) as client, RawClient(chain.pgmoat.port) as other:
            client.log_in(application_name="moves").query("BEGIN")
            other.log_in(application_name="stays in touch")

            def shown():
                return {row["application_name"]: row for row in ask("SHOW CONNECTIONS") if row["state"] == "live"}

            eventually(lambda: len(shown()) == 2, "both to be live")
            before = shown()
            chain.upgrade_and_wait()
            after = shown()
            assert after.keys() == before.keys()
            for name, row in after.items():
                assert abs((row["connect_time"] - before[name]["connect_time"]).total_seconds()) < 2  # whole seconds
                assert [row[column] for column in ("id", "pid", "usename", "client_port", "listener", "mode")] == [
                    before[name][column] for column in ("id", "pid", "usename", "client_port", "listener", "mode")]
            ask(f"KILL {after['moves']['id']}")
            assert client.receive_error()["C"] == "57P01"
            other.query("SELECT 1")
    finally:
        chain.end()


def test_sessions_with_tls_of_ours_leave_as_before(start_pgmoat, certificate, postgres):
    chain = Chain(start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "shutdown_timeout": "60s"}))
    try:
        with RawClient(chain.pgmoat.port) as sealed, RawClient(chain.pgmoat.port) as clear:
            sealed.start_tls().log_in()
            clear.log_in().query("SELECT 1")
            chain.upgrade_and_wait()
            assert sealed.receive_error()["C"] == "57P01"
            clear.query("SELECT 1")
    finally:
        chain.end()


def test_the_rules_of_the_new_configuration_check_them(start_pgmoat, servers):
    """By what rules know about passed-through TLS: the address."""
    rule = "host all all 127.0.0.{}/32 trust\n"
    server = servers(18, tls=True)
    chain = Chain(start_pgmoat(files={"pg_hba.conf": rule.format(1)}, settings={
        "tls_mode": "passthrough", "upstream": f"host=127.0.0.1 port={server.port}", "shutdown_timeout": "60s",
        "hba_file": "pg_hba.conf", "hba_on_reload": "disconnect"}))
    try:
        with logged_in(chain.pgmoat.port, "passed_through") as client:
            chain.upgrade_and_wait()
            client.query("SELECT 1")
            chain.pgmoat.write_files({"pg_hba.conf": rule.format(2)})
            since = chain.upgrade_and_wait()
            client.receive_until_closed()
        chain.wait_for("closing connection: no longer permitted by the access rules", since)
        chain.wait_for("reason=killed", since)
    finally:
        chain.end()


def test_a_session_whose_listener_is_gone_ends_in_the_old_process(start):
    chain = start()
    server = chain.pgmoat.settings["upstream"]
    with logged_in(chain.pgmoat.port, "in_the_clear") as clear:
        chain.pgmoat.configure({"upstream.other": server, "listen_addresses": "", "listener.main":
                                f"address=127.0.0.1 port={chain.pgmoat.port} upstream=other tls_mode=passthrough"})
        since = chain.upgrade()
        chain.wait_for("the new process does not take over 1 connection:", since)
        assert clear.receive_error()["C"] == "57P01"
    eventually(lambda: is_gone(chain.pids[0]), "the old process to end")


SUCCESSOR = """#!/usr/bin/python3 -I
import array, os, socket, time
sessions = socket.socket(fileno=int(os.environ["PGMOAT_SESSIONS"]))
sessions.setblocking(True)
{script}
"""
SAY_READY = """
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
    manager.sendto(b"READY=1\\n", "\\0" + os.environ["NOTIFY_SOCKET"][1:])
"""
HELLO = 'sessions.send(b"pgmoat sessions 1\\n")\n'
RECEIVE = "sessions.recvmsg(300000, socket.CMSG_SPACE(8))\n"


@pytest.mark.parametrize("script", (
    HELLO + SAY_READY + RECEIVE + "os._exit(9)",                   # it crashes before it answers
    HELLO + SAY_READY + "time.sleep(1)\nos._exit(9)",              # it has read nothing
    HELLO + SAY_READY + RECEIVE + "time.sleep(60)",                # it hangs
    HELLO + SAY_READY + RECEIVE + 'sessions.send(b"nonsense")\ntime.sleep(20)',
    HELLO + SAY_READY + 'sessions.send(b"y\\0\\0\\0\\x63")\ntime.sleep(20)',  # it answers for one that was not sent
), ids=("crash", "crash without reading", "hang", "nonsense", "wrong number"))
def test_a_new_process_that_does_not_answer_leaves_the_sessions_where_they_are(start, workspace, script):
    binary = workspace.folder("program") / "pgmoat"
    shutil.copy(workspace.pgmoat, binary)
    chain = start(binary=binary)
    with ExitStack() as stack:
        sealed = [stack.enter_context(logged_in(chain.pgmoat.port, "passed_through")) for _ in range(20)]
        clear = stack.enter_context(logged_in(chain.pgmoat.port, "in_the_clear"))
        clear.query("BEGIN")
        queries = Queries(sealed[0])
        queries.start()
        binary.unlink()
        binary.write_text(SUCCESSOR.format(script=script))
        binary.chmod(0o755)
        since = chain.upgrade()
        chain.wait_for("the new process (has closed|did not answer|does not take|no longer takes)", since)
        for client in sealed[1:]:
            client.query("SELECT 1")
        queries.stop()
        clear.query("SELECT 1")
        clear.query("COMMIT")
        assert clear.receive_error()["C"] == "57P01"
    assert "handed over" not in chain.log(since).replace("handed_over", "")
    eventually(lambda: is_gone(chain.pids[0]), "the old process to end when they have", 40)
    eventually(lambda: chain.pgmoat.process.exit_code == 0, "all its threads to end, without an error")


@pytest.mark.parametrize("script", (
    SAY_READY + "time.sleep(20)",                                               # a version without this feature
    'sessions.send(b"pgmoat sessions 0\\n")\n' + SAY_READY + "time.sleep(20)",  # another version
), ids=("older", "other"))
def test_a_new_process_that_takes_no_sessions_changes_nothing(start, workspace, script):
    binary = workspace.folder("program") / "pgmoat"
    shutil.copy(workspace.pgmoat, binary)
    chain = start(binary=binary)
    with logged_in(chain.pgmoat.port, "passed_through") as sealed, \
            logged_in(chain.pgmoat.port, "in_the_clear") as clear:
        binary.unlink()
        binary.write_text(SUCCESSOR.format(script=script))
        binary.chmod(0o755)
        chain.upgrade()
        assert clear.receive_error()["C"] == "57P01"
        sealed.query("SELECT 1")
    eventually(lambda: is_gone(chain.pids[0]), "the old process to end")


def test_a_session_on_its_way_in_follows(start):
    chain = start()
    with RawClient(chain.pgmoat.port) as client:
        client.start_tls()  # live for pgmoat, but the server has not finished
        late = RawClient(chain.pgmoat.port)
        with late:
            late.send(wire.SSL_REQUEST)
            assert late.receive(1) == b"S"
            chain.upgrade()
            client.log_in().query("SELECT 1")
            late.handshake().log_in().query("SELECT 1")
            eventually(lambda: is_gone(chain.pids[0]), "the old process to end", 40)
            late.query("SELECT 1")
            assert len(rows_of(chain)) == 2

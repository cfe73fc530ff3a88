"""The console: the virtual database pgmoat, with psql, psycopg2, node's pg and a raw client."""

import contextlib
import os
import struct
import subprocess
import time

import psycopg2
import pytest

from kit import scram, wire
from kit.environment import NPM_MODULES, free_port, write_for_user
from kit.postgres import PASSWORD, SUPERUSER, USER
from kit.process import eventually
from kit.raw_client import RawClient

ADMIN = "admin"    # may do everything
WATCHER = "stats"  # may look


@pytest.fixture(scope="session")
def auth_file(workspace):
    path = workspace.folder("console") / "users.txt"
    write_for_user(path, "".join(f'"{user}" "{scram.secret(PASSWORD)}"\n' for user in (ADMIN, WATCHER)), mode=0o600)
    return path


@pytest.fixture
def start(start_pgmoat, certificate, postgres, auth_file):
    def start(files=None, **settings):
        return start_pgmoat(certificate, files=files, settings={
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable",
            "console_users": ADMIN, "console_stats_users": WATCHER, "console_auth_file": auth_file, **settings})
    return start


@pytest.fixture
def pgmoat(start):
    """Sessions on one control thread use the other one, which owns what they read."""
    return start(control_threads=2)


def connect(port, user=ADMIN, dbname="pgmoat", **keywords):
    connection = psycopg2.connect(**{
        "host": "localhost", "hostaddr": "127.0.0.1", "port": port, "user": user, "password": PASSWORD,
        "dbname": dbname, "sslmode": "require", "gssencmode": "disable", **keywords})
    connection.autocommit = True
    return connection


def ask(connection, statement):
    """The rows as dictionaries; nothing if the statement returns none."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        if cursor.description:
            return [dict(zip([column.name for column in cursor.description], row)) for row in cursor]


@pytest.fixture
def console(pgmoat):
    connection = connect(pgmoat.port)
    yield connection
    connection.close()


@pytest.fixture
def session(pgmoat):
    """A client that is logged in to the server."""
    connection = connect(pgmoat.port, user=SUPERUSER, dbname="postgres")
    yield connection
    connection.close()


def live_rows(console, statement):
    """A client gets its ReadyForQuery a moment before its session is live."""
    return eventually(lambda: [row for row in ask(console, statement) if row["state"] == "live"], "a live session")


def first_answer(client, user):
    """`R` and a request, not AuthenticationOk; or another letter."""
    with client:
        client.send(wire.startup(user=user, database="pgmoat"))
        kind, body = client.receive_message()
        return b"ok" if (kind, body) == (b"R", bytes(4)) else kind


def refusal(port, user, database="pgmoat"):
    with RawClient(port) as client:
        return client.send(wire.startup(user=user, database=database)).receive_error()


def psql(client, pgmoat, *statements, user=ADMIN, **keywords):
    arguments = [word for statement in statements for word in ("-c", statement)]
    return client.psql(pgmoat.port, *arguments, user=user, dbname="pgmoat", **{"sslmode": "require", **keywords})


# --- who comes in ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sslmode", ("require", "disable"))
def test_psql_logs_in_with_a_password_in_tls_and_in_plaintext(clients, pgmoat, sslmode):
    for client in clients.values():
        result = psql(client, pgmoat, "SHOW VERSION", sslmode=sslmode)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith("pgmoat ")


def test_a_wrong_password_and_a_user_without_one_are_refused_alike(client, start, auth_file):
    pgmoat = start(console_stats_users=f"{WATCHER},forgotten")
    for user in (ADMIN, "forgotten"):
        result = psql(client.with_password("wrong"), pgmoat, "SHOW VERSION", user=user)
        assert f'FATAL:  password authentication failed for user "{user}"' in result.stderr
        assert pgmoat.closed_line(f"user={user}")["reason"] == "login_failed"
    stored_keys = [line.split("$")[-1].rstrip('"\n') for line in open(auth_file, encoding="ascii")]
    log = pgmoat.process.log()
    assert not [key for key in stored_keys if key in log]
    assert "wrong" not in log.replace("wrong password", "")


def test_the_users_are_not_revealed_before_authentication(client, start, workspace):
    users = workspace.folder("console") / "more.txt"
    write_for_user(users, "".join(f'"{user}" "{scram.secret(PASSWORD)}"\n' for user in (ADMIN, "unlisted")), mode=0o600)
    pgmoat = start(console_auth_file=users)
    for user in (ADMIN, "stranger"):
        assert first_answer(RawClient(pgmoat.port), user) == b"R"
    result = psql(client.with_password("wrong"), pgmoat, "SHOW VERSION", user="stranger")
    assert 'FATAL:  password authentication failed for user "stranger"' in result.stderr
    result = psql(client, pgmoat, "SHOW VERSION", user="unlisted")
    assert 'FATAL:  user "unlisted" is not allowed to use the console' in result.stderr
    assert pgmoat.closed_line("user=unlisted", "database=pgmoat")["reason"] == "denied"


RULES = f"""
local pgmoat {ADMIN} scram-sha-256
hostnossl pgmoat {ADMIN} 127.0.0.1/32 trust
host all all all trust
"""


def test_trust_counts_only_in_a_rule_that_names_the_console(start, workspace):
    folder = workspace.folder("socket")
    pgmoat = start(hba_file="pg_hba.conf", unix_socket_directories=folder, files={"pg_hba.conf": RULES})
    with RawClient(pgmoat.port) as named:
        named.log_in(user=ADMIN, database="pgmoat")
    for client in (RawClient(pgmoat.port).start_tls(), RawClient(pgmoat.port, address=folder)):
        assert first_answer(client, ADMIN) == b"R"


def test_an_unknown_version_is_negotiated_before_the_first_request(pgmoat):
    with RawClient(pgmoat.port) as client:
        client.send(wire.startup(user=ADMIN, database="pgmoat", version=(3, 2)))
        assert [kind for kind, _ in (client.receive_message(), client.receive_message())] == [b"v", b"R"]


def test_without_a_file_of_secrets_no_user_gets_in_over_tcp(start):
    pgmoat = start(console_auth_file=None)
    assert refusal(pgmoat.port, ADMIN) == refusal(pgmoat.port, "stranger")
    assert refusal(pgmoat.port, ADMIN)["C"] == "28000"


def test_pgmoats_own_user_and_root_come_in_over_a_unix_socket(client, start, workspace):
    folder = workspace.folder("socket")
    pgmoat = start(console_auth_file=None, unix_socket_directories=folder)
    result = psql(client, pgmoat, "SHOW VERSION", host=folder, hostaddr="", sslmode="disable")
    assert (result.returncode, result.stderr) == (0, "")


def test_without_console_users_the_name_is_that_of_any_database(start):
    pgmoat = start(console_users=None, console_stats_users=None, console_auth_file=None)
    assert refusal(pgmoat.port, SUPERUSER)["C"] == "3D000"


def test_the_console_works_when_max_connections_is_reached(start):
    pgmoat = start(max_connections=1)
    session = connect(pgmoat.port, user=SUPERUSER, dbname="postgres")
    assert refusal(pgmoat.port, SUPERUSER, "postgres")["C"] == "53300"
    console = connect(pgmoat.port)
    assert {row["state"] for row in ask(console, "SHOW CONNECTIONS")} == {"live", "console"}
    console.close()
    session.close()


# --- what it shows --------------------------------------------------------------------------------


PG_STAT_SSL = ["pid", "ssl", "version", "cipher", "bits", "client_dn", "client_serial", "issuer_dn"]


@pytest.mark.parametrize("version", ("TLSv1.2", "TLSv1.3"))
@pytest.mark.parametrize("with_certificate", (False, True))
def test_a_row_of_pg_stat_ssl_is_the_one_that_postgresql_has(
        start, start_postgres, authority, certificate, workspace, version, with_certificate):
    keywords = {"user": SUPERUSER, "dbname": "postgres", "ssl_min_protocol_version": version,
                "ssl_max_protocol_version": version}
    if with_certificate:
        leaf = authority.issue("client", subject="app/O=PG, Inc./emailAddress=a@b.c")
        keywords |= {"sslcert": str(leaf.certificate), "sslkey": str(leaf.key)}
    folder = workspace.folder("ca")
    write_for_user(folder / "root.crt", authority.certificate.read_bytes())
    trusted = {"ssl_ca_file": folder / "root.crt"}

    with connect(start_postgres(certificate=certificate, settings=trusted).port, **keywords) as direct:
        (expected,) = ask(direct, "SELECT * FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    pgmoat = start(**trusted)
    through = connect(pgmoat.port, **keywords)
    console = connect(pgmoat.port)
    (seen,) = ask(console, "SELECT * FROM pg_stat_ssl")
    assert list(seen) == list(expected) == PG_STAT_SSL
    assert seen == {**expected, "pid": through.info.backend_pid}
    assert [type(value) for value in seen.values()] == [type(value) for value in expected.values()]
    through.close()
    console.close()


def test_a_connection_that_passes_through_has_its_row_as_well(start_pgmoat, servers, auth_file):
    console_port = free_port()
    pgmoat = start_pgmoat(settings={
        "tls_mode": "passthrough", "upstream": f"host=127.0.0.1 port={servers(18, tls=True).port}",
        "listener.console": f"address=127.0.0.1 port={console_port} tls_mode=terminate",
        "console_users": ADMIN, "console_auth_file": auth_file})
    through = connect(pgmoat.port, user=SUPERUSER, dbname="postgres")
    (expected,) = ask(through, "SELECT * FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    console = connect(console_port, sslmode="disable")
    (seen,) = ask(console, "SELECT * FROM pg_stat_ssl")
    assert seen == {**expected, "pid": None}
    (more,) = live_rows(console, "SELECT * FROM pg_stat_ssl_pgmoat")
    assert (more["mode"], more["group"]) == ("passthrough", "X25519")
    through.close()
    console.close()


def test_every_statement_of_help_that_shows_something_can_be_run(console, session):
    statements = [row["statement"] for row in ask(console, "SHOW HELP")]
    shown = {statement: ask(console, statement) for statement in statements
             if statement.startswith(("SHOW", "SELECT"))}
    assert shown["SHOW LISTENERS"][0]["connections"] == 2
    assert shown["SHOW UPSTREAMS"][0]["connections"] == 1
    assert shown["SHOW STATS"][0]["connections_opened"] == 2
    assert shown["SHOW RULES"] == []
    (certificate,) = shown["SHOW CERTIFICATES"]
    assert (certificate["subject"], certificate["dns_names"]) == ("/CN=localhost", "localhost")
    (row,) = live_rows(console, "SHOW CONNECTIONS")
    assert (row["pid"], row["usename"], row["datname"]) == (session.info.backend_pid, SUPERUSER, "postgres")


def test_show_config_has_the_place_of_a_value_and_no_secret(start, postgres):
    secret = "hidden-passphrase"
    pgmoat = start(**{
        "upstream.other": f"host=127.0.0.1 sslmode=disable sslcert=a sslkey=b sslpassword={secret}",
        "role_query": "SELECT rolname FROM pg_roles WHERE rolname = $1",
        "role_query_conninfo": f"user={SUPERUSER} password={secret}",
        "ssl_passphrase_command": f"echo {secret}"})
    for user in (ADMIN, WATCHER):
        console = connect(pgmoat.port, user=user)
        rows = {row["name"]: row for row in ask(console, "SHOW CONFIG")}
        assert secret not in str(rows)
        console.close()
    assert rows["upstream.other"]["value"].endswith("sslpassword=********")
    assert rows["port"] == {"name": "port", "value": str(pgmoat.port), "default": "6432", "change": "restart",
                            "file": str(pgmoat.config_file), "line": 4}


def test_what_the_console_does_not_do_is_refused_with_an_error(client, pgmoat):
    for statement, words in (("INSERT INTO t VALUES (1)", "INSERT is not implemented in the console"),
                             ("SHOW POOLS", "SHOW POOLS is not implemented: pgmoat does not pool connections"),
                             ("SELECT * FROM nowhere", 'relation "nowhere" does not exist')):
        assert f"ERROR:  {words}" in psql(client, pgmoat, statement).stderr


# --- what it does ---------------------------------------------------------------------------------


def test_kill_ends_one_connection_and_the_log_says_who_did_it(pgmoat, console, session):
    eventually(lambda: "live" in str(ask(console, "SHOW CONNECTIONS")), "the session was handed over")
    (row,) = [row for row in ask(console, "SHOW CONNECTIONS") if row["state"] == "live"]
    ask(console, f"KILL {row['id']}")
    line = pgmoat.process.wait_for_log("connection closed", f"id={row['id']} ")
    assert "reason=killed" in line and f"ended by console user {ADMIN}" in line.replace("\\", "").replace('"', "")
    with pytest.raises(psycopg2.OperationalError):
        ask(session, "SELECT 1")
    assert ask(console, "SELECT 1") == [{"?column?": 1}]
    with pytest.raises(psycopg2.Error, match="there is no connection"):
        ask(console, f"KILL {row['id']}")


@pytest.mark.parametrize("tls", (False, True))
@pytest.mark.parametrize("statement", (
    "KILL {id}", "SELECT pg_terminate_backend({id})"))
def test_the_query_of_a_killed_connection_ends_too(start, servers, tls, statement):
    server = servers(18, tls=tls)
    pgmoat = start(upstream=f"host=127.0.0.1 port={server.port} sslmode={'require' if tls else 'disable'}")
    console = connect(pgmoat.port)
    # The backend of a client that has gone notices it only when its query has ended.
    running = ("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() "
               "AND query LIKE '%pg_sleep(61)%'")
    with RawClient(pgmoat.port) as client:
        client.start_tls().log_in()
        client.send(wire.query("SELECT pg_sleep(61)"))
        eventually(lambda: server.query(running) == "1", "the query")
        (row,) = live_rows(console, "SHOW CONNECTIONS")
        ask(console, statement.format(id=row["id"]))
        client.receive_until_closed()
        eventually(lambda: server.query(running) == "0", "the end of the query", timeout=10)
    assert pgmoat.closed_line(f"id={row['id']} ")["reason"] == "killed"
    console.close()


def test_a_console_session_has_decided_when_it_begins(pgmoat, console):
    ask(console, "SELECT 1")
    (row,) = [row for row in ask(console, "SHOW CONNECTIONS") if row["state"] == "console"]
    time.sleep(1.1)
    console.close()
    line = pgmoat.closed_line(f"id={row['id']} ")
    assert float(line["seconds"]) > 1 > float(line["decide_seconds"]) + float(line["login_seconds"])


def test_the_state_of_each_host_of_an_upstream(start, servers, server_certificate):
    server, nobody = servers(18, tls=True), free_port()
    pgmoat = start(**{
        "upstream": f"host=127.0.0.1,localhost hostaddr=127.0.0.1,127.0.0.1 port={nobody},{server.port} sslmode=require",
        "upstream.by_address": f"hostaddr=127.0.0.1 port={nobody} sslmode=disable",
        "listener.two": f"address=127.0.0.1 port={free_port()} upstream=by_address"})
    console = connect(pgmoat.port)

    def rows():
        return {(row["name"], row["port"]): row for row in ask(console, "SHOW UPSTREAMS")}

    assert rows()["by_address", nobody]["state"] == "untried"
    for _ in range(2):
        connect(pgmoat.port, user=SUPERUSER, dbname="postgres", channel_binding="disable").close()
    down, up = rows()["default", nobody], rows()["default", server.port]
    assert down["state"] == "down" and down["connected"] == 0 and down["failed"] >= 2
    assert down["last_error"] == "Connection refused" and down["address"] == f"127.0.0.1:{nobody}"
    assert down["state_since"] <= down["last_error_at"] and down["certificate_expires"] is None
    assert up["state"] == "up" and up["connected"] >= 2 and up["failed"] == 0 and up["last_error"] is None
    until = subprocess.run(["openssl", "x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in",
                            server_certificate.certificate], capture_output=True, text=True, check=True).stdout
    assert up["certificate_expires"].strftime("%Y-%m-%d %H:%M:%S") in until
    # The one that was up and goes down has a new time.
    with pytest.raises(psycopg2.OperationalError):
        connect(int(pgmoat.settings["listener.two"].split("port=")[1].split()[0]), user=SUPERUSER, dbname="postgres")
    assert rows()["by_address", nobody]["state"] == "down"
    console.close()


def test_a_connection_that_is_still_logging_in_can_be_killed(pgmoat, console):
    with RawClient(pgmoat.port) as stuck:
        stuck.send(wire.startup(user=USER, database=USER))
        stuck.receive_until(b"R")  # the server waits for a password
        (row,) = [row for row in ask(console, "SHOW CONNECTIONS") if row["state"] == "login"]
        ask(console, f"KILL {row['id']}")
        stuck.receive_until_closed()
    assert pgmoat.closed_line(f"id={row['id']} ")["reason"] == "killed"


def test_a_stats_user_looks_and_changes_nothing(pgmoat, session):
    watcher = connect(pgmoat.port, user=WATCHER)
    assert ask(watcher, "SHOW CONNECTIONS")
    for statement in ("RELOAD", "KILL 1", "DRAIN", "SHUTDOWN"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            ask(watcher, statement)
    watcher.close()
    assert ask(session, "SELECT 1 AS one") == [{"one": 1}]


def test_a_reload_that_removes_a_role_removes_it_from_live_sessions(pgmoat, console):
    pgmoat.configure({"console_users": "someone", "console_stats_users": ADMIN})
    ask(console, "RELOAD")
    assert ask(console, "SELECT current_user") == [{"current_user": ADMIN}]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        ask(console, "SHUTDOWN")


def test_invalid_text_in_names_does_not_break_the_console(pgmoat, console):
    body = struct.pack("!HH", 3, 0) + b"application_name\0\xfe\0database\0\xff\x1b[2J\0user\0" + USER.encode() + b"\0\0"
    with RawClient(pgmoat.port).start_tls() as client:
        client.send(struct.pack("!i", len(body) + 4) + body)
        client.receive_until(b"R")  # the server waits for a password
        for statement in ("SHOW CONNECTIONS", "SELECT * FROM pg_stat_ssl_pgmoat"):
            assert ask(console, statement)
        assert "\ufffd" in str(ask(console, "SHOW CONNECTIONS"))


def test_reload_takes_what_the_file_says_or_names_the_line_that_is_wrong(pgmoat, console):
    pgmoat.configure({"max_connections": 7})
    ask(console, "RELOAD")
    rows = {row["name"]: row["value"] for row in ask(console, "SHOW CONFIG")}
    assert rows["max_connections"] == "7"
    pgmoat.configure({"max_connections": "many"})
    line = 1 + list(pgmoat.settings).index("max_connections")
    with pytest.raises(psycopg2.Error) as error:
        ask(console, "RELOAD")
    assert f'in file "{pgmoat.config_file}" line {line}' in str(error.value)
    assert "No changes were applied." in str(error.value)


def test_drain_waits_for_transactions_and_the_console_lives_until_then(pgmoat, console, session):
    ask(session, "BEGIN")
    ask(console, "DRAIN")
    pgmoat.process.wait_for_log(f'console user "{ADMIN}" asks to drain, waiting for 1 connection')
    with pytest.raises(OSError):
        RawClient(pgmoat.port)
    assert len(ask(console, "SHOW CONNECTIONS")) == 2
    assert ask(session, "SELECT 1 AS one") == [{"one": 1}]
    ask(session, "COMMIT")
    assert pgmoat.process.wait() == 0
    assert "reason=drain" in pgmoat.process.wait_for_log("connection closed", "database=pgmoat")


def test_shutdown_ends_every_session_at_once(pgmoat, console, session):
    ask(console, "SHUTDOWN")
    assert pgmoat.process.wait() == 1  # some were cut off
    assert pgmoat.closed_line("database=postgres")["reason"] == "drain"


# --- clients --------------------------------------------------------------------------------------


def test_psql_turns_results_around_and_watches(client, pgmoat):
    result = psql(client, pgmoat, r"\x", "SHOW VERSION")
    assert "version|pgmoat " in result.stdout
    watching = client.start_psql(pgmoat.port, keywords={"user": ADMIN, "dbname": "pgmoat"}, text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    watching.stdin.write("SHOW VERSION \\watch 0.1\n")
    watching.stdin.close()
    seen = 0
    while seen < 2:
        line = watching.stdout.readline()
        assert line, "psql has ended"
        seen += line.startswith("pgmoat ")
    watching.terminate()
    watching.wait()
    watching.stdout.close()


def test_psycopg2_runs_statements_in_a_transaction(console):
    console.autocommit = False
    assert ask(console, "SELECT 1") == [{"?column?": 1}]
    with pytest.raises(psycopg2.errors.SyntaxError):
        ask(console, "FROB")
    with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
        ask(console, "SELECT 1")
    console.rollback()
    assert ask(console, "SHOW transaction_isolation") == [{"transaction_isolation": "read committed"}]


NODE_SCRIPT = """
const { Client } = require('pg');
const [port, user, password] = process.argv.slice(1);
const client = new Client({
  host: '127.0.0.1', port: Number(port), user, password, database: 'pgmoat', ssl: { rejectUnauthorized: false },
});
(async () => {
  await client.connect();
  const simple = await client.query('SHOW CONNECTIONS');
  const prepared = await client.query({ name: 'version', text: 'SHOW VERSION' });
  const again = await client.query({ name: 'version', text: 'SHOW VERSION' });
  console.log(simple.rows[0].state, prepared.rows[0].version === again.rows[0].version);
  await client.query('SELECT frob FROM pg_stat_ssl LIMIT 1').catch(error => console.log(error.code));
  await client.end();
})().catch(error => { console.error(error.message); process.exit(1); });
"""


def test_nodes_driver_logs_in_and_runs_simple_and_prepared_statements(pgmoat):
    result = subprocess.run(
        ["node", "-e", NODE_SCRIPT, str(pgmoat.port), ADMIN, PASSWORD],
        env={"PATH": os.environ["PATH"], "NODE_PATH": str(NPM_MODULES)},
        capture_output=True, text=True, check=False, timeout=60)
    assert (result.stdout.split(), result.stderr) == (["console", "true", "42703"], "")


def parse(name, sql):
    return wire.message(b"P", name + b"\0" + sql + b"\0\0\0")


def bind(name, *formats):
    return wire.message(b"B", b"\0" + name + b"\0" + struct.pack(f"!hhh{len(formats)}h", 0, 0, len(formats), *formats))


DESCRIBE = wire.message(b"D", b"P\0")
EXECUTE = wire.message(b"E", b"\0" + struct.pack("!i", 0))
SYNC = wire.message(b"S")


def kinds(client):
    return "".join(kind.decode() for kind, _ in client.receive_until(b"Z"))


def test_a_client_like_pgjdbc_is_served_by_the_extended_protocol(start, workspace):
    """Statements that it sends by itself, a named statement, and binary integers once it knows their types."""
    folder = workspace.folder("socket")
    pgmoat = start(unix_socket_directories=folder)
    with RawClient(pgmoat.port, address=folder) as client:  # as root or as pgmoat's user: no password
        client.log_in(user=ADMIN, database="pgmoat")
        for sql in (b"SET extra_float_digits = 3", b"SET application_name = 'PostgreSQL JDBC Driver'"):
            client.send(parse(b"", sql) + bind(b"") + EXECUTE + SYNC)
            assert kinds(client) == "12CZ"
        client.send(parse(b"S_1", b"SELECT 258") + bind(b"S_1") + DESCRIBE + EXECUTE + SYNC)
        assert kinds(client) == "12TDCZ"
        client.send(bind(b"S_1", 1) + EXECUTE + SYNC)
        messages = dict(client.receive_until(b"Z"))
        assert messages[b"D"] == struct.pack("!hii", 1, 4, 258)
    with RawClient(pgmoat.port, address=folder) as watcher:
        watcher.log_in(user=WATCHER, database="pgmoat")
        watcher.send(parse(b"", b"SHUTDOWN") + bind(b"") + EXECUTE + SYNC)
        assert kinds(watcher) == "12EZ"


def test_a_client_that_leaves_in_the_middle_gives_its_slot_back(start, workspace):
    """Without Terminate, and more often than there are slots."""
    folder = workspace.folder("socket")
    pgmoat = start(unix_socket_directories=folder)

    def leave_in_the_middle():
        with RawClient(pgmoat.port, address=folder) as client:
            client.send(wire.startup(user=WATCHER, database="pgmoat"))
            if client.receive_message()[0] == b"E":  # the slots of those before are not free yet
                return False
            client.receive_until(b"Z")
            client.send(wire.query("SHOW CONFIG")[:7])
            return True

    for _ in range(20):
        eventually(leave_in_the_middle, "a free slot")
        eventually(lambda: first_answer(RawClient(pgmoat.port), WATCHER) == b"R", "a free slot")
    with RawClient(pgmoat.port, address=folder) as console:
        console.log_in(user=ADMIN, database="pgmoat")
        eventually(lambda: sum(kind == b"D" for kind, _ in console.query("SHOW CONNECTIONS")) == 1,
                   "the others have left")


def test_stats_users_leave_slots_to_console_users(start, workspace):
    folder = workspace.folder("socket")
    pgmoat = start(unix_socket_directories=folder)

    def there(stack, user):
        stack.enter_context(RawClient(pgmoat.port, address=folder)).log_in(user=user, database="pgmoat")

    with contextlib.ExitStack() as all_of_them:
        for _ in range(12):
            there(all_of_them, WATCHER)
        with RawClient(pgmoat.port, address=folder) as late:
            late.send(wire.startup(user=WATCHER, database="pgmoat"))
            assert late.receive_error()["C"] == "53300"
        for _ in range(4):
            there(all_of_them, ADMIN)
        with RawClient(pgmoat.port, address=folder) as late:
            late.send(wire.startup(user=ADMIN, database="pgmoat"))
            assert late.receive_error()["C"] == "53300"


def test_what_a_client_asked_for_before_it_left_is_done(start, workspace):
    folder = workspace.folder("socket")
    pgmoat = start(unix_socket_directories=folder)
    with RawClient(pgmoat.port, address=folder) as client:
        client.log_in(user=ADMIN, database="pgmoat")
        client.send(wire.query("DRAIN") + wire.TERMINATE)
        client.receive_until_closed()
    pgmoat.process.wait_for_log(f'console user "{ADMIN}" asks to drain')
    assert pgmoat.process.wait() == 0

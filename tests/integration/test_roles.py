"""target_session_attrs and load_balance_hosts with a primary and a standby whose roles a check by SQL finds out, and
what happens to sessions when the primary moves."""

import signal
import time
from contextlib import ExitStack

import pytest

from kit import wire
from kit.environment import USER, write_for_user
from kit.http import Http
from kit.metrics import scrape
from kit.postgres import SUPERUSER
from kit.postgres import USER as APP
from kit.process import eventually
from kit.raw_client import RawClient
from kit.replication import Pair, upstream_hosts

CHECK = f"sql user={SUPERUSER} interval=200ms timeout=5s"
NO_SERVER = ("57P03", "no upstream server has the required role")


@pytest.fixture(scope="module")
def pair(installations):
    """A pair that no test changes."""
    pair = Pair(installations[15])
    yield pair
    pair.stop()


@pytest.fixture
def own_pair(installations):
    pair = Pair(installations[15])
    yield pair
    pair.stop()


@pytest.fixture
def start(start_pgmoat, certificate, workspace):
    folder = workspace.folder("socket")

    def start(upstream, check=CHECK, **settings):
        pgmoat = start_pgmoat(certificate, settings={
            "upstream": upstream, "health": check, "console_users": USER.pw_name, "unix_socket_directories": folder,
            **settings})

        pgmoat.hosts = lambda: upstream_hosts(pgmoat, folder)
        return pgmoat

    return start


def logged_in(stack, port):
    return stack.enter_context(RawClient(port)).start_tls().log_in()


def server_port(port):
    """Of the server that a new client is sent to."""
    with ExitStack() as stack:
        return int(logged_in(stack, port).query("SHOW port")[1][1][6:])


def refused(port):
    """Code and text; nothing: it was let in."""
    with RawClient(port) as client:
        client.start_tls().send(wire.startup())
        while True:
            kind, body = client.receive_message()
            if kind == b"E":
                error = wire.error_fields(body)
                return error["C"], error["M"]
            if kind == b"Z":
                return None


@pytest.mark.parametrize("wanted, primary", (
    ("primary", True), ("read-write", True), ("standby", False), ("read-only", False), ("prefer-standby", False)))
def test_a_client_is_sent_to_a_server_of_the_role(start, pair, wanted, primary):
    right, wrong = (pair.primary, pair.standby) if primary else (pair.standby, pair.primary)
    pgmoat = start(pair.hosts(wrong, right) + f" target_session_attrs={wanted}")
    position = wrong.process.log_position()
    if wanted == "prefer-standby":  # no role is required: before the first answer any host is used
        eventually(lambda: pgmoat.hosts()[right.port]["role"] == "standby", "the role")
    assert [server_port(pgmoat.port) for _ in range(5)] == [right.port] * 5  # the first one waits for the first answer
    # Only the health check logs in there.
    assert all("application_name=pgmoat" in line
               for line in wrong.process.log_lines("connection authorized", since=position))


def test_a_client_of_passed_through_tls_is_sent_to_a_server_of_the_role(start_pgmoat, pair):
    pgmoat = start_pgmoat(settings={"upstream": pair.hosts() + " target_session_attrs=primary", "health": CHECK,
                                    "tls_mode": "passthrough"})
    with RawClient(pgmoat.port) as client:
        assert int(client.log_in().query("SHOW port")[1][1][6:]) == pair.primary.port


def test_without_a_server_of_the_role_a_client_gets_an_error_after_a_while(start, pair):
    pgmoat = start(pair.hosts(pair.standby) + " target_session_attrs=primary connect_timeout=2")
    began = time.monotonic()
    assert refused(pgmoat.port) == NO_SERVER
    assert time.monotonic() - began > 1.5
    line = pgmoat.process.wait_for_log("connection closed", "target_session_attrs=primary")
    assert f"127.0.0.1:{pair.standby.port} is a standby" in line and "upstream_failed" in line


def test_clients_are_spread_over_hosts_and_none_goes_to_one_that_is_down(start, pair):
    pgmoat = start(pair.hosts() + " load_balance_hosts=random")
    found = {server_port(pgmoat.port) for _ in range(30)}
    assert found == {pair.primary.port, pair.standby.port}
    assert all(host["failed"] == 0 for host in pgmoat.hosts().values())


def test_load_balancing_needs_no_check(start, pair):
    pgmoat = start(pair.hosts() + " load_balance_hosts=random", check="")
    assert {server_port(pgmoat.port) for _ in range(30)} == {pair.primary.port, pair.standby.port}
    assert all(host["role"] is None and host["health"] is None for host in pgmoat.hosts().values())


def test_roles_are_shown(start, pair, http_port):
    pgmoat = start(pair.hosts() + " target_session_attrs=primary", http_listen=f"127.0.0.1:{http_port}")
    server_port(pgmoat.port)
    hosts = eventually(lambda: (rows := pgmoat.hosts())[pair.standby.port]["lag_bytes"] is not None and rows, "a lag")
    primary, standby = hosts[pair.primary.port], hosts[pair.standby.port]
    assert (primary["role"], primary["health"], primary["lag_bytes"]) == ("primary", "ok", None)
    assert (standby["role"], standby["health"]) == ("standby", "ok")
    assert primary["role_since"] and primary["health_since"] and primary["health_error"] is None
    metrics = scrape(pgmoat)
    about = {"upstream": "default", "host": f"127.0.0.1:{pair.primary.port}"}
    assert metrics.by("role", "pgmoat_upstream_role", **about) == {"primary": 1}
    assert len(metrics.all("pgmoat_upstream_role", **about)) == 3
    assert metrics.sum("pgmoat_upstream_health_check_successful") == 2
    assert len(metrics.all("pgmoat_upstream_lag_bytes")) == 1
    shown = {host["host"]: host for host in Http(http_port).json("/status.json")["upstream_roles"]}
    assert shown[f"127.0.0.1:{pair.standby.port}"]["role"] == "standby"


def test_a_standby_that_is_too_far_behind_gets_no_client(start, pair):
    pair.standby.query("SELECT pg_wal_replay_pause()")
    try:
        pair.primary.query("SELECT pg_logical_emit_message(true, 'x', repeat('x', 2000000))")
        pgmoat = start(pair.hosts() + " target_session_attrs=prefer-standby", check=CHECK + " lag=1MB")
        eventually(lambda: server_port(pgmoat.port) == pair.primary.port, "the primary")
        assert pgmoat.hosts()[pair.standby.port]["lag_bytes"] > 1024 * 1024
    finally:
        pair.standby.query("SELECT pg_wal_replay_resume()")
    eventually(lambda: server_port(pgmoat.port) == pair.standby.port, "the standby")


def test_a_cancel_request_reaches_the_server_of_the_session(start, pair):
    pgmoat = start(pair.hosts() + " target_session_attrs=primary")
    with ExitStack() as stack:
        client = logged_in(stack, pgmoat.port)
        client.send(wire.query("SELECT pg_sleep(60)"))
        pair.primary.wait_until_asleep(client.backend_process_id)
        with RawClient(pgmoat.port) as cancel:
            cancel.send(wire.cancel_request(client.backend_process_id, client.backend_key))
        assert client.receive_error()["C"] == "57014"


def test_a_primary_that_is_silent_is_replaced_by_the_one_that_was_promoted(start, own_pair):
    pgmoat = start(own_pair.hosts() + " target_session_attrs=read-write connect_timeout=20")
    assert server_port(pgmoat.port) == own_pair.primary.port
    own_pair.primary.process.kill()
    host = eventually(lambda: (row := pgmoat.hosts()[own_pair.primary.port])["health"] == "failing" and row, "a failure")
    assert host["role"] == "primary" and host["health_error"]  # the last answer stays
    own_pair.standby.promote()
    pgmoat.process.wait_for_log(f'host "127.0.0.1:{own_pair.standby.port}" is now the primary')
    assert server_port(pgmoat.port) == own_pair.standby.port
    assert pgmoat.hosts()[own_pair.primary.port]["role"] == "unknown"


def test_sessions_on_the_old_primary_are_ended_and_new_ones_go_to_the_new_one(start, own_pair):
    """Both report that they are the primary: the newer timeline is accepted."""
    pgmoat = start(own_pair.hosts() + " target_session_attrs=primary")
    with ExitStack() as stack:
        idle, busy = logged_in(stack, pgmoat.port), logged_in(stack, pgmoat.port)
        busy.query("BEGIN")
        own_pair.standby.promote()
        assert idle.receive_error()["C"] == "57P01"
        assert busy.receive_error()["C"] == "57P01"
        assert pgmoat.closed_line("no longer the primary")["reason"] == "drain"
        assert server_port(pgmoat.port) == own_pair.standby.port
        eventually(lambda: "says that it is the primary" in (pgmoat.hosts()[own_pair.primary.port]["health_error"] or ""),
                   "the old one's claim")
        assert server_port(pgmoat.port) == own_pair.standby.port


def test_sessions_stay_where_they_are_when_they_are_to_be_kept(start, own_pair):
    pgmoat = start(own_pair.hosts() + " target_session_attrs=primary", on_role_change="keep")
    with ExitStack() as stack:
        client = logged_in(stack, pgmoat.port)
        own_pair.standby.promote()
        eventually(lambda: server_port(pgmoat.port) == own_pair.standby.port, "the new primary")
        time.sleep(1.5)  # sessions are checked once a second
        assert int(client.query("SHOW port")[1][1][6:]) == own_pair.primary.port
        # A reload with another value applies to them too, and keeps the known roles.
        pgmoat.reload({"on_role_change": "disconnect"})
        assert client.receive_error()["C"] == "57P01"


def test_a_primary_whose_sessions_are_read_only_is_not_read_write(start, own_pair):
    pgmoat = start(own_pair.hosts() + " target_session_attrs=read-write connect_timeout=2")
    assert server_port(pgmoat.port) == own_pair.primary.port
    own_pair.primary.query("ALTER SYSTEM SET default_transaction_read_only = on")
    own_pair.primary.query("SELECT pg_reload_conf()")
    eventually(lambda: refused(pgmoat.port) == NO_SERVER, "the refusal")


def test_a_server_that_says_in_the_login_that_it_is_a_standby_gets_no_client(start, own_pair):
    """Between two checks: the last answer is an hour old and no longer true."""
    server = own_pair.primary
    pgmoat = start(own_pair.hosts() + " target_session_attrs=read-write", check=CHECK.replace("200ms", "1h"))
    assert server_port(pgmoat.port) == server.port
    server.process.send_signal(signal.SIGINT)
    server.process.wait()
    write_for_user(server.data / "standby.signal", "")
    server._start()
    assert refused(pgmoat.port) == NO_SERVER
    assert pgmoat.closed_line("says in the login that it is a standby")["reason"] == "upstream_failed"


def test_a_check_logs_in_with_a_certificate_over_the_tls_of_the_upstream(start, start_postgres, authority, workspace,
                                                                         server_certificate):
    folder = workspace.folder("health")
    authority.issue("health", APP).install(folder, "health")
    server = start_postgres(15, certificate=server_certificate, settings={"ssl_ca_file": authority.certificate},
                            hba=f"hostssl all {APP} all cert\n")
    pgmoat = start(f"host=localhost hostaddr=127.0.0.1 port={server.port} sslmode=verify-full "
                   f"sslrootcert={authority.certificate} target_session_attrs=primary",
                   check=f"sql user={APP} sslcert={folder}/health.crt sslkey={folder}/health.key interval=200ms")
    eventually(lambda: pgmoat.hosts()[server.port]["role"] == "primary", "the role")


def test_a_check_that_cannot_log_in_says_so_and_no_client_is_sent_anywhere(start, pair):
    pgmoat = start(pair.hosts() + " target_session_attrs=primary connect_timeout=2",
                   check="sql user=nobody_at_all interval=200ms")
    assert refused(pgmoat.port) == NO_SERVER
    host = pgmoat.hosts()[pair.primary.port]
    assert host["role"] == "unknown" and host["health"] == "failing"
    assert 'role "nobody_at_all" does not exist' in host["health_error"]

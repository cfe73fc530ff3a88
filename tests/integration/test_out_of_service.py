"""DRAIN LISTENER and DRAIN UPSTREAM: one part goes out of service and comes back, the others are not affected."""

from contextlib import ExitStack

import psycopg2
import pytest

from kit import wire
from kit.environment import USER
from kit.raw_client import RawClient

NOT_NOW = ("57P03", "the database system is not accepting connections")


@pytest.fixture
def start(start_pgmoat, certificate, workspace):
    folder = workspace.folder("socket")

    def start(upstream, **settings):
        pgmoat = start_pgmoat(certificate, settings={
            "upstream": upstream, "console_users": USER.pw_name, "unix_socket_directories": folder, **settings})
        pgmoat.console = lambda statement: console(folder, pgmoat.port, statement)
        return pgmoat

    return start


def console(folder, port, statement):
    connection = psycopg2.connect(host=folder, port=port, user=USER.pw_name, dbname="pgmoat")
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def logged_in(stack, port):
    client = stack.enter_context(RawClient(port))
    return client.start_tls().log_in()


def refused(port):
    with RawClient(port) as client:
        client.start_tls().send(wire.startup())
        error = client.receive_error()
        return error["C"], error["M"]


def server_port(client):
    return client.query("SHOW port")[1][1][6:].decode()


def test_an_upstream_leaves_service_at_the_end_of_transactions_and_comes_back(start, postgres):
    pgmoat = start(f"host=127.0.0.1 port={postgres.port} sslmode=disable")
    with ExitStack() as stack:
        idle, busy = logged_in(stack, pgmoat.port), logged_in(stack, pgmoat.port)
        busy.query("BEGIN")
        pgmoat.console("DRAIN UPSTREAM default")
        assert idle.receive_error()["C"] == "57P01"
        assert refused(pgmoat.port) == NOT_NOW
        assert busy.query("SELECT 'still here'")[1][1].endswith(b"still here")
        busy.query("ROLLBACK")
        assert busy.receive_error()["C"] == "57P01"
        assert pgmoat.closed_line("detail", "upstream")["reason"] == "drain"
        pgmoat.console("UNDRAIN UPSTREAM default")
        logged_in(stack, pgmoat.port).query("SELECT 1")


def test_one_host_leaves_and_the_others_take_its_clients(start, servers):
    first, second = servers(15, tls=False), servers(18, tls=False)
    pgmoat = start(f"host=127.0.0.1,127.0.0.1 port={first.port},{second.port} sslmode=disable")
    with ExitStack() as stack:
        client = logged_in(stack, pgmoat.port)
        assert server_port(client) == str(first.port)
        pgmoat.console(f"DRAIN UPSTREAM default HOST '127.0.0.1:{first.port}'")
        assert client.receive_error()["C"] == "57P01"
        moved = logged_in(stack, pgmoat.port)
        assert server_port(moved) == str(second.port)
        pgmoat.console(f"UNDRAIN UPSTREAM default HOST '127.0.0.1:{first.port}'")
        assert server_port(moved) == str(second.port)
        assert server_port(logged_in(stack, pgmoat.port)) == str(first.port)


def test_a_query_in_a_drained_upstream_can_still_be_cancelled(start, postgres):
    pgmoat = start(f"host=127.0.0.1 port={postgres.port} sslmode=disable")
    with ExitStack() as stack:
        client = logged_in(stack, pgmoat.port)
        client.query("BEGIN")
        client.send(wire.query("SELECT pg_sleep(60)"))
        postgres.wait_until_asleep(client.backend_process_id)
        pgmoat.console("DRAIN UPSTREAM default")
        with RawClient(pgmoat.port) as cancel:
            cancel.send(wire.cancel_request(client.backend_process_id, client.backend_key))
        assert client.receive_error()["C"] == "57014"


def test_a_listener_leaves_service_and_comes_back_and_a_reload_changes_nothing(start, postgres):
    pgmoat = start(f"host=127.0.0.1 port={postgres.port} sslmode=disable")
    with ExitStack() as stack:
        client = logged_in(stack, pgmoat.port)
        pgmoat.console("DRAIN LISTENER default")
        assert client.receive_error()["C"] == "57P01"
        pgmoat.process.wait_for_log("configuration was reloaded", since=pgmoat.reload())
        assert refused(pgmoat.port) == NOT_NOW
        pgmoat.console("UNDRAIN LISTENER default")
        logged_in(stack, pgmoat.port)


@pytest.mark.parametrize("statement, words", (
    ("DRAIN LISTENER nobody", 'there is no listener "nobody"'),
    ("DRAIN UPSTREAM nobody", 'there is no upstream "nobody"'),
    ("DRAIN UPSTREAM default HOST db9", 'upstream "default" has no host "db9"'),
    ("UNDRAIN UPSTREAM default", 'upstream "default" is not drained'),
))
def test_what_is_not_there_is_an_error(start, postgres, statement, words):
    pgmoat = start(f"host=127.0.0.1 port={postgres.port} sslmode=disable")
    with pytest.raises(psycopg2.Error) as error:
        pgmoat.console(statement)
    assert words in str(error.value)

"""The counts of sessions' messages, compared with what real clients and servers sent."""

import io

import psycopg2
import pytest

from kit import wire
from kit.environment import free_port
from kit.metrics import Since
from kit.postgres import PASSWORD, SUPERUSER
from kit.raw_client import RawClient


@pytest.fixture
def pgmoat(start_pgmoat, certificate, postgres):
    return start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable",
        "http_listen": f"127.0.0.1:{free_port()}"})


@pytest.fixture
def session(pgmoat):
    with RawClient(pgmoat.port) as client:
        yield client.start_tls().log_in()


@pytest.fixture
def driver(pgmoat):
    connection = psycopg2.connect(host="localhost", hostaddr="127.0.0.1", port=pgmoat.port, user=SUPERUSER,
                                  password=PASSWORD, dbname="postgres", gssencmode="disable", sslmode="require")
    yield connection
    connection.close()


def extended(sql, parameter=None):
    """Parse, Bind, Describe, Execute and Sync, as drivers send them."""
    parameters = b"\0\0" if parameter is None else b"\0\1" + len(parameter).to_bytes(4, "big") + parameter
    return (wire.message(b"P", b"\0" + sql.encode() + b"\0\0\0") + wire.message(b"B", b"\0\0\0\0" + parameters + b"\0\0")
            + wire.message(b"D", b"P\0") + wire.message(b"E", b"\0" + bytes(4)) + wire.message(b"S"))


def test_a_simple_query_is_counted_while_the_session_lives(pgmoat, session):
    since = Since(pgmoat)
    session.query("SELECT generate_series(1, 1000)")
    assert since.queries() == 1
    assert since.from_client() == {"query": 1}
    assert since.from_server() == {"row_description": 1, "data_row": 1000, "command_complete": 1, "ready_for_query": 1}
    assert since.transactions() == {"committed": 1}
    assert since.errors() == {}
    assert since.sum("pgmoat_bytes_total", direction="from_client") == len(wire.query("SELECT generate_series(1, 1000)"))


def test_the_extended_protocol_is_counted_by_its_executes(pgmoat, session):
    since = Since(pgmoat)
    for number in (b"1", b"22"):
        session.send(extended("SELECT $1::int", number)).receive_until(b"Z")
    assert since.queries() == 2
    assert since.from_client() == {"parse": 2, "bind": 2, "describe": 2, "execute": 2, "sync": 2}
    assert since.from_server() == {"parse_complete": 2, "bind_complete": 2, "row_description": 2, "data_row": 2,
                                   "command_complete": 2, "ready_for_query": 2}
    assert since.transactions() == {"committed": 2}


def test_errors_are_counted_by_class(pgmoat, session):
    since = Since(pgmoat)
    for sql in ("SELECT 1/0", "SELEC", "SELECT * FROM no_such_table", "DO $$ BEGIN RAISE 'x'; END $$",
                "DO $$ BEGIN RAISE 'x' USING ERRCODE = 'ZZ123'; END $$"):
        session.query(sql)
    assert since.errors() == {"22": 1, "42": 2, "P0": 1, "other": 1}
    assert since.transactions() == {"failed": 5}


def test_transactions_are_counted_by_their_end(pgmoat, driver):
    since = Since(pgmoat)
    with driver.cursor() as cursor:
        cursor.execute("SELECT 1")
        driver.commit()
        cursor.execute("SELECT 1")
        driver.rollback()
        with pytest.raises(psycopg2.Error):
            cursor.execute("SELECT 1/0")
        driver.rollback()
        cursor.execute("SAVEPOINT s")
        with pytest.raises(psycopg2.Error):
            cursor.execute("SELECT 1/0")
        cursor.execute("ROLLBACK TO SAVEPOINT s")
        driver.commit()
    assert since.transactions() == {"committed": 2, "rolled_back": 1, "failed": 1}
    assert since.errors() == {"22": 2}


def test_copy_works_and_its_rows_are_not_counted(pgmoat, driver):
    rows = "".join(f"{number}\tsome text\n" for number in range(5000))
    driver.autocommit = True
    with driver.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE t (i int, x text)")
        since = Since(pgmoat)
        cursor.copy_expert("COPY t FROM STDIN", io.StringIO(rows))
        out = io.StringIO()
        cursor.copy_expert("COPY t TO STDOUT", out)
        assert out.getvalue() == rows
        assert since.from_client() == {"query": 2, "copy_done": 1}
        assert since.from_server() == {"copy_in_response": 1, "copy_out_response": 1, "copy_done": 1,
                                       "command_complete": 2, "ready_for_query": 2}
        assert since.transactions() == {"committed": 2}
        # The count has kept its position in both streams.
        cursor.execute("SELECT 1")
        assert since.queries() == 3


def test_psql_is_counted_to_its_last_message(pgmoat, client):
    since = Since(pgmoat)
    assert client.query(pgmoat.port, "SELECT 'x'") == "x"
    pgmoat.closed_line("application=psql")
    assert since.from_client() == {"query": 1, "terminate": 1}


def test_a_client_that_sends_no_messages_ends_as_the_server_wants(pgmoat, session):
    since = Since(pgmoat)
    session.query("SELECT 1")
    session.send(b"GET / HTTP/1.1\r\n\r\n" + bytes(100))
    assert session.receive_error()["C"] == "08P01"
    assert since.from_client() == {"query": 1}
    assert since.errors() == {"08": 1}


@pytest.fixture
def passing(start_pgmoat, servers):
    return start_pgmoat(settings={"tls_mode": "passthrough", "upstream": f"host=127.0.0.1 port={servers(18, True).port}",
                                  "http_listen": f"127.0.0.1:{free_port()}"})


def test_tls_that_passes_through_is_not_counted(passing):
    since = Since(passing)
    with RawClient(passing.port) as client:
        client.start_tls().log_in().query("SELECT 1")
    assert since.sum("pgmoat_messages_total") == since.queries() == 0
    assert since.sum("pgmoat_bytes_total") > 0


def test_a_plaintext_session_that_passes_through_is_counted(passing):
    since = Since(passing)
    with RawClient(passing.port) as client:
        client.log_in().query("SELECT 1")
        assert since.from_client() == {"query": 1}
        assert since.transactions() == {"committed": 1}

"""idle_session_timeout and max_session_lifetime, compared with PostgreSQL's own idle_session_timeout."""

import time

import pytest

from kit import wire
from kit.raw_client import RawClient


@pytest.fixture
def start(start_pgmoat, certificate, postgres):
    def start(**settings):
        return start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", **settings})

    return start


def logged_in(port):
    client = RawClient(port)
    return client.start_tls().log_in()


def the_last_words(client):
    """The error that ends the session, and what came before it."""
    error = wire.error_fields(client.receive_until(b"E")[-1][1])
    assert client.receive_until_closed() == b""
    return {field: error.get(field) for field in "SVCM"}


def words_of_postgresql(postgres):
    with RawClient(postgres.port) as client:
        client.log_in()
        client.query("SET idle_session_timeout = 100")
        return the_last_words(client)


def test_an_idle_session_gets_the_error_of_postgresql(start, postgres):
    pgmoat = start(idle_session_timeout="2s")
    with logged_in(pgmoat.port) as client:
        client.query("SELECT 1")
        began = time.monotonic()
        assert the_last_words(client) == words_of_postgresql(postgres)
        assert 1.9 <= time.monotonic() - began < 7
    assert pgmoat.closed_line("user=postgres")["reason"] == "idle"


def test_neither_a_transaction_nor_a_long_query_is_idle(start):
    pgmoat = start(idle_session_timeout="2s")
    with logged_in(pgmoat.port) as in_transaction, logged_in(pgmoat.port) as busy:
        in_transaction.query("BEGIN")
        assert busy.query("SELECT pg_sleep(4.5), 'done'")[1][1].endswith(b"done")
        assert in_transaction.query("SELECT 'still here'")[1][1].endswith(b"still here")


def test_a_session_that_asks_now_and_then_is_not_idle(start):
    pgmoat = start(idle_session_timeout="5s")
    with logged_in(pgmoat.port) as client:
        for _ in range(4):
            time.sleep(1.5)
            client.query("SELECT 1")


def test_a_session_at_the_end_of_its_lifetime_ends_after_its_transaction(start):
    pgmoat = start(max_session_lifetime="3s")
    with logged_in(pgmoat.port) as client:
        client.query("BEGIN")
        time.sleep(4.5)
        client.query("SELECT 1")
        assert client.query("COMMIT")[-1] == (b"Z", b"I")
        assert the_last_words(client)["C"] == "57P01"
    assert pgmoat.closed_line("user=postgres")["reason"] == "lifetime"


def test_a_reload_brings_the_limit_to_live_sessions(start):
    pgmoat = start()
    with logged_in(pgmoat.port) as client:
        pgmoat.process.wait_for_log("configuration was reloaded", since=pgmoat.reload({"idle_session_timeout": "1s"}))
        assert the_last_words(client)["C"] == "57P05"


def test_a_session_that_passes_through_has_no_such_limit(start_pgmoat, servers):
    server = servers(18, tls=True)
    pgmoat = start_pgmoat(settings={
        "tls_mode": "passthrough", "upstream": f"host=127.0.0.1 port={server.port}",
        "idle_session_timeout": "1s", "max_session_lifetime": "1s"})
    with logged_in(pgmoat.port) as client:
        time.sleep(3)
        assert client.query("SELECT 'still here'")[1][1].endswith(b"still here")

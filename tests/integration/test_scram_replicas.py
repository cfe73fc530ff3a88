"""Bridged logins on several servers: a standby has its primary's secrets, a logical replica has its own.

Salt and iteration count are always those of the server that the client has reached."""

import signal

import pytest

from kit.environment import free_port
from kit.postgres import PASSWORD, USER, Postgres
from kit.process import eventually
from test_scram_bridge import (  # noqa: F401 - fixtures
    HBA, bridge, certificates, log_in, lookup_files, outcomes, secret_of, start_server)


@pytest.fixture
def primary_and_standby(installations, start_server, certificates, authority):  # noqa: F811
    """Debian's PostgreSQL, as npm's has no pg_basebackup. Each has a certificate of its own."""
    primary = start_server(15, certificates["ecdsa-p256"])
    standby = Postgres(installations[15], certificates["rsa"], hba=HBA, primary=primary,
                       settings={"ssl_ca_file": authority.certificate})
    yield primary, standby
    standby.stop()
    primary.stop()


@pytest.fixture
def two_servers(start_server, certificates):  # noqa: F811
    """Two servers that share only the names of roles, as a logical replica does: salt and count differ."""
    first = start_server(18, certificates["ecdsa-p256"])
    second = start_server(18, certificates["rsa-pss"])
    second.query(f"SET scram_iterations = 1000; ALTER ROLE {USER} PASSWORD '{PASSWORD}'")
    yield first, second
    for server in (first, second):
        server.stop()


def fail(server):
    """Kills it and its children at once."""
    server.process.send_signal(signal.SIGQUIT)
    server.process.wait()


def in_order(*servers):
    hosts = ",".join("127.0.0.1" for _ in servers)
    return f"host={hosts} port={','.join(str(server.port) for server in servers)} sslmode=require"


def test_a_password_of_the_primary_is_right_at_its_standby(bridge, primary_and_standby, client):  # noqa: F811
    primary, standby = primary_and_standby
    pgmoat = bridge(standby)
    assert not log_in(client, pgmoat.port, "require")
    primary.query(f"ALTER ROLE {USER} PASSWORD 'another'")
    changed = primary.query(secret_of(USER))
    eventually(lambda: standby.query(secret_of(USER)) == changed, "the change at the standby")
    assert not log_in(client, pgmoat.port, "require", password="another")
    expected = log_in(client, standby.port)
    assert "password authentication failed" in expected and log_in(client, pgmoat.port) == expected
    assert outcomes(pgmoat) == {"ok": 2, "wrong_proof": 1}


def test_logins_go_on_at_the_standby_when_the_primary_is_gone(bridge, primary_and_standby, client):  # noqa: F811
    primary, standby = primary_and_standby
    pgmoat = bridge(primary, settings={"upstream": in_order(primary, standby)})
    assert not log_in(client, pgmoat.port, "require")
    fail(primary)
    assert not log_in(client, pgmoat.port, "require")
    in_recovery = client.query(pgmoat.port, "SELECT pg_is_in_recovery()", user=USER, dbname="postgres",
                               sslmode="require", channel_binding="require")
    assert in_recovery == "t"
    assert outcomes(pgmoat) == {"ok": 3}


def test_each_of_two_upstreams_has_its_own_salt(bridge, two_servers, client):  # noqa: F811
    first, second = two_servers
    other_port = free_port()
    pgmoat = bridge(first, settings={
        "upstream.other": f"host=127.0.0.1 port={second.port} sslmode=require",
        "listener.other": f"address=127.0.0.1 port={other_port} upstream=other"})
    for _ in range(3):
        for port in (pgmoat.port, other_port):
            assert not log_in(client, port, "require")
    assert outcomes(pgmoat) == {"ok": 6}


def test_another_server_behind_the_same_upstream_has_another_salt(bridge, two_servers, client):  # noqa: F811
    """The cached secret of the first one is stale at the second, which is noticed before the proof."""
    first, second = two_servers
    pgmoat = bridge(first, settings={"upstream": in_order(first, second)})
    for _ in range(2):
        assert not log_in(client, pgmoat.port, "require")
    fail(first)
    for _ in range(2):
        assert not log_in(client, pgmoat.port, "require")
    assert outcomes(pgmoat) == {"ok": 4}


def test_cached_secrets_are_used_while_the_server_for_secrets_is_down(bridge, two_servers, client):  # noqa: F811
    first, second = two_servers
    second.query(f"ALTER ROLE {USER} PASSWORD '{first.query(secret_of(USER))}'")
    pgmoat = bridge(first, query=f"port={second.port}")
    assert not log_in(client, pgmoat.port, "require")
    fail(second)
    assert not log_in(client, pgmoat.port, "require")
    first.query(f"ALTER ROLE {USER} PASSWORD 'another'")  # the cached secrets are now wrong
    assert "the user's secret cannot be looked up" in log_in(client, pgmoat.port, "require", password="another")
    assert outcomes(pgmoat) == {"ok": 2, "lookup_failed": 1}

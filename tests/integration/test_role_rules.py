"""Rules that need the server's catalog: +role and samerole, answered by role_query on the upstream."""

import re
import signal

import pytest

from kit import wire
from kit.environment import SOURCE, free_port, write_for_user
from kit.postgres import Postgres
from kit.process import eventually
from kit.raw_client import RawClient

RULES = """
host all           +staff 127.0.0.1/32 trust
host samerole      all    127.0.0.1/32 trust
host all           plain  127.0.0.1/32 trust
"""

ROLES = """
CREATE ROLE staff; CREATE ROLE night_staff; GRANT staff TO night_staff;
CREATE ROLE direct LOGIN; GRANT staff TO direct;
CREATE ROLE nested LOGIN NOINHERIT; GRANT night_staff TO nested;
CREATE ROLE boss LOGIN SUPERUSER;
CREATE ROLE plain LOGIN;
CREATE ROLE tenant; CREATE ROLE renter LOGIN; GRANT tenant TO renter;
CREATE ROLE pgmoat_roles LOGIN PASSWORD 'its secret';
"""


def readme_query():
    readme = (SOURCE / "proxy/lookups/README.md").read_text()
    return re.search(r"^role_query = '(.*)'$", readme, re.MULTILINE)[1]


HBA = """
local all all trust
host all pgmoat_roles all scram-sha-256
host all all all trust
"""


@pytest.fixture(scope="module", params=(15, 18))
def catalog(request, installations):
    """A server with these roles, which asks the role login for its password."""
    server = Postgres(installations[request.param], hba=HBA)
    for statement in ROLES.strip().split(";")[:-1]:
        server.query(statement)
    server.query("CREATE DATABASE tenant")
    yield server
    server.stop()


@pytest.fixture
def start(start_pgmoat):
    def start(port, password="its secret", **settings):
        return start_pgmoat(
            settings={"upstream": f"host=127.0.0.1 port={port} sslmode=disable", "hba_file": "pg_hba.conf",
                      "role_query": readme_query(),
                      "role_query_conninfo": f"user=pgmoat_roles dbname=postgres password='{password}'", **settings},
            files={"pg_hba.conf": RULES})

    return start


def refusal(pgmoat, user, database="postgres"):
    with RawClient(pgmoat.port) as client:
        client.send(wire.startup(user=user, database=database))
        kind, body = client.receive_message()
        return wire.error_fields(body)["M"] if kind == b"E" else None


def no_entry(user, database="postgres"):
    return f'no pg_hba.conf entry for host "127.0.0.1", user "{user}", database "{database}", no encryption'


def test_members_are_let_in_as_postgresql_counts_them(start, catalog):
    pgmoat = start(catalog.port)
    outcomes = {user: refusal(pgmoat, user) for user in ("direct", "nested", "plain", "boss", "nobody")}
    assert outcomes == {"direct": None, "nested": None, "plain": None,
                        "boss": no_entry("boss"), "nobody": no_entry("nobody")}
    assert refusal(pgmoat, "renter", "tenant") is None
    assert refusal(pgmoat, "renter") == no_entry("renter")
    assert refusal(pgmoat, "boss", "tenant") == no_entry("boss", "tenant")


def test_one_connection_is_kept_and_made_again_when_it_broke(start, catalog):
    pgmoat = start(catalog.port)
    assert refusal(pgmoat, "direct") is None
    assert refusal(pgmoat, "boss") is not None
    mine = "FROM pg_stat_activity WHERE usename = 'pgmoat_roles'"
    assert catalog.query(f"SELECT count(*) {mine}") == "1"
    catalog.query(f"SELECT pg_terminate_backend(pid) {mine}")
    assert refusal(pgmoat, "nested") is None


def test_a_failed_query_lets_no_client_in_and_shows_no_password(start, catalog):
    pgmoat = start(catalog.port, password="not it at all")
    assert refusal(pgmoat, "direct") is not None
    assert "not it at all" not in pgmoat.process.log()
    assert "password authentication failed" in pgmoat.process.wait_for_log("connection closed")


def test_a_silent_server_delays_only_clients_that_need_its_roles_and_no_shutdown(start, start_fake_server):
    silent = start_fake_server(lambda visitor: visitor.receive_until_closed())
    pgmoat = start(free_port(), role_query_conninfo=f"host=127.0.0.1 port={silent.port} user=x")
    with RawClient(pgmoat.port) as waiting:
        waiting.send(wire.startup(user="direct"))
        eventually(lambda: silent.visitors, "the role query's login")
        with RawClient(pgmoat.port) as refused:
            refused.send(wire.startup(user="direct", replication="true"))
            assert "no pg_hba.conf entry for replication" in refused.receive_error()["M"]
        pgmoat.process.send_signal(signal.SIGINT)
        assert pgmoat.process.wait() == 1  # it was cut off


def test_a_changed_login_is_used_after_a_reload(start, catalog):
    pgmoat = start(catalog.port, password="wrong")
    assert refusal(pgmoat, "direct") is not None
    since = pgmoat.reload({"role_query_conninfo": "user=pgmoat_roles dbname=postgres password='its secret'"})
    pgmoat.process.wait_for_log("configuration was reloaded", since=since)
    assert refusal(pgmoat, "direct") is None


def test_a_passfile_is_relative_to_the_configuration(start, catalog):
    pgmoat = start(catalog.port, role_query_conninfo="user=pgmoat_roles dbname=postgres passfile=roles.pass")
    write_for_user(pgmoat.folder / "roles.pass", "*:*:*:pgmoat_roles:its secret\n", mode=0o600)
    assert refusal(pgmoat, "direct") is None

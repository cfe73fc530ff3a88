"""SCRAM with TLS on both legs and two certificates: the bridge logs in with the stored secret.

The client must see what PostgreSQL itself would show it with pgmoat's certificate.
"""

import base64
import os
import re
import ssl
import statistics
import struct
import subprocess
import threading
import time

import pytest

from kit import scram, wire
from kit.environment import AS_USER, free_port, write_for_user
from kit.fake_server import FakeServer
from kit.metrics import scrape
from kit.pgmoat import run_pgmoat
from kit.postgres import PASSWORD, USER, Postgres
from kit.process import PATIENCE, eventually
from kit.raw_client import RawClient
from kit.scram import sasl

OK = ""
NO_PLUS = "channel binding is required, but server did not offer an authentication method that supports"
BINDINGS = ("disable", "prefer", "require")
KEYS = {"rsa": "rsa:2048", "rsa-pss": "rsa-pss", "ecdsa-p256": "ec:P-256", "ecdsa-p384": "ec:P-384",
        "ed25519": "ed25519"}

HBA = """
local all all trust
local replication all trust
hostssl all pgmoat_auth all cert
hostssl replication all all scram-sha-256
host all all all scram-sha-256
"""


@pytest.fixture(scope="module")
def certificates(authority):
    """By kind; each is self-signed, so that the digest is that of its own kind."""
    return {kind: authority.sign_itself(f"itself-{kind}", key, "sha384" if kind == "ecdsa-p384" else "sha256")
            for kind, key in KEYS.items()}


@pytest.fixture(scope="module")
def lookup_files(workspace, authority):
    """The certificate for pgmoat's own connection that looks up secrets."""
    folder = workspace.folder("lookup")
    authority.issue("pgmoat_auth", subject="pgmoat_auth", usage="clientAuth").install(folder, "lookup")
    return folder / "lookup.crt", folder / "lookup.key"


@pytest.fixture(scope="module")
def start_server(installations, authority):
    def start(major, certificate, **settings):
        server = Postgres(installations[major], certificate, hba=HBA,
                          settings={"ssl_ca_file": authority.certificate, **settings})
        server.query("CREATE ROLE pgmoat_auth LOGIN SUPERUSER")
        return server

    return start


@pytest.fixture(scope="module")
def running(start_server, certificates):
    """running(major, kind): servers that no test changes."""
    servers = {}

    def get(major=18, kind="ecdsa-p256"):
        if (major, kind) not in servers:
            servers[major, kind] = start_server(major, certificates[kind])
        return servers[major, kind]

    yield get
    for server in servers.values():
        server.stop()


@pytest.fixture
def server(start_server, certificates):
    """One that a test may change."""
    server = start_server(18, certificates["ecdsa-p256"])
    yield server
    server.stop()


@pytest.fixture
def bridge(start_pgmoat, certificate, lookup_files, http_port):
    """bridge(server): a pgmoat with another certificate, which looks up secrets on the server."""

    def start(server, own=certificate, sslmode="require", query="", **options):
        settings = {"upstream": f"host=127.0.0.1 port={server.port} sslmode={sslmode}",
                    "http_listen": f"127.0.0.1:{http_port}", **options.pop("settings", {})}
        if query is not None:
            settings["auth_query_conninfo"] = \
                f"user=pgmoat_auth dbname=postgres sslcert={lookup_files[0]} sslkey={lookup_files[1]} {query}"
        return start_pgmoat(own, settings=settings, **options)

    return start


def log_in(client, port, channel_binding="prefer", user=USER, password=PASSWORD, sslmode="require"):
    """The error, or nothing."""
    return client.with_password(password).connect(port, user=user, dbname="postgres", sslmode=sslmode,
                                                  channel_binding=channel_binding).error


def outcomes(pgmoat):
    return scrape(pgmoat).by("outcome", "pgmoat_scram_logins_total")


def assert_all(client, port, require=OK):
    for channel_binding, text in zip(BINDINGS, (OK, OK, require)):
        error = log_in(client, port, channel_binding)
        assert text in error if text else not error, (channel_binding, error)


# --- who can log in ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("libpq", (15, 18), ids=("libpq-15", "libpq-18"))
@pytest.mark.parametrize("kind", KEYS)
def test_every_certificate_of_the_client_leg(bridge, running, certificates, clients, kind, libpq):
    pgmoat = bridge(running(), own=certificates[kind])
    assert_all(clients[libpq], pgmoat.port, NO_PLUS if kind == "ed25519" else OK)


@pytest.mark.parametrize("major", (15, 18), ids=("server-15", "server-18"))
@pytest.mark.parametrize("kind", KEYS)
def test_every_certificate_of_the_server_leg(bridge, running, client, kind, major):
    pgmoat = bridge(running(major, kind))
    assert_all(client, pgmoat.port)
    pgmoat.process.wait_for_log("scram=bridged", "scram_client_bound=true",
                                f"scram_server_bound={'false' if kind == 'ed25519' else 'true'}")
    assert outcomes(pgmoat) == {"ok": 3}


def secret_of(user):
    return f"SELECT rolpassword FROM pg_authid WHERE rolname = '{user}'"


def with_file(bridge, server, users, **options):
    """A pgmoat with an auth_file, which must exist before the start."""
    folder = server.installation.workspace.folder("auth")
    write_for_user(folder / "users", "".join(f'"{user}" "{secret}"\n' for user, secret in users.items()), mode=0o600)
    return bridge(server, query=options.pop("query", None),
                  settings={"auth_file": folder / "users", **options.pop("settings", {})}, **options)


def test_secrets_of_a_file(bridge, running, client):
    pgmoat = with_file(bridge, running(), {USER: running().query(secret_of(USER))})
    assert_all(client, pgmoat.port)


def test_login_bridge_binds_the_client_before_a_server_without_tls(bridge, servers, client):
    server = servers(18, tls=False)
    pgmoat = with_file(bridge, server, {USER: server.query(secret_of(USER))}, sslmode="disable",
                       settings={"login": "bridge"})
    assert_all(client, pgmoat.port)
    pgmoat.process.wait_for_log("scram=bridged", "scram_client_bound=true", "scram_server_bound=false")


def test_login_bridge_of_one_upstream(bridge, running, client):
    server = running()
    pgmoat = bridge(server, settings={
        "login": "relay", "upstream": f"host=127.0.0.1 port={server.port} sslmode=require login=bridge"})
    assert_all(client, pgmoat.port)


def test_login_relay_relays_although_there_are_secrets(bridge, running, client):
    pgmoat = bridge(running(), settings={"login": "relay"})
    assert not log_in(client, pgmoat.port, "disable")
    assert "SCRAM channel binding check failed" in log_in(client, pgmoat.port, "prefer")
    assert outcomes(pgmoat) == {}


def test_a_bridged_login_keeps_the_promise_of_a_rule(bridge, running, client):
    pgmoat = bridge(running(), settings={"hba_file": "pg_hba.conf", "log_connections": "on"},
                    files={"pg_hba.conf": "hostssl all all all scram-sha-256\n"})
    assert_all(client, pgmoat.port)
    pgmoat.process.wait_for_log(f'connection authenticated: identity="{USER}" method=scram-sha-256')
    assert outcomes(pgmoat) == {"ok": 3}


def test_a_rule_that_scram_does_not_satisfy_refuses_before_the_bridge(bridge, running, client):
    pgmoat = bridge(running(), settings={"hba_file": "pg_hba.conf"},
                    files={"pg_hba.conf": "hostssl all all all ldap ldapserver=x ldapprefix=x\n"})
    assert "but the server does not ask for it" in log_in(client, pgmoat.port)
    assert outcomes(pgmoat) == {}


def test_without_secrets_only_clients_that_bind_are_refused_with_what_to_configure(bridge, running, client):
    pgmoat = bridge(running(), query=None)
    assert not log_in(client, pgmoat.port, "disable")
    for channel_binding in ("prefer", "require"):
        error = log_in(client, pgmoat.port, channel_binding)
        assert "SCRAM authentication with channel binding is not configured in pgmoat" in error
        assert "auth_query_conninfo" in error
    assert outcomes(pgmoat) == {"not_configured": 2}


def test_bridge_without_secrets_is_an_error_of_the_configuration(bridge, running):
    pgmoat = bridge(running(), query=None, settings={"login": "bridge"}, ready=False)
    pgmoat.process.wait_for_log('login mode "bridge" needs SCRAM secrets')
    assert pgmoat.process.wait() == 3


# --- the server decides -------------------------------------------------------------------------------------------


def same_refusal(client, pgmoat, server, **options):
    """pgmoat's refusal is the server's own."""
    expected = log_in(client, server.port, **options)
    assert expected and log_in(client, pgmoat.port, **options) == expected
    return expected


def test_a_password_that_was_changed_is_taken_at_the_first_login(bridge, server, client):
    pgmoat = bridge(server)
    assert not log_in(client, pgmoat.port)
    server.query(f"ALTER ROLE {USER} PASSWORD 'another'")
    assert not log_in(client, pgmoat.port, password="another")
    server.query(f"SET scram_iterations = 1000; ALTER ROLE {USER} PASSWORD 'a third'")
    assert not log_in(client, pgmoat.port, password="a third")
    assert "password authentication failed" in same_refusal(client, pgmoat, server, password=PASSWORD)
    assert outcomes(pgmoat) == {"ok": 3, "wrong_proof": 1}


def test_the_same_password_with_another_salt(bridge, server, client):
    pgmoat = bridge(server)
    assert not log_in(client, pgmoat.port)
    server.query(f"ALTER ROLE {USER} PASSWORD '{PASSWORD}'")
    assert not log_in(client, pgmoat.port)


@pytest.mark.parametrize("change, words", {
    "wrong-password": ("SELECT 1", "password authentication failed"),
    "valid-until": ("ALTER ROLE {} VALID UNTIL '2020-01-01'", "password authentication failed"),
    "nologin": ("ALTER ROLE {} NOLOGIN", "is not permitted to log in"),
    "connection-limit": ("ALTER ROLE {} CONNECTION LIMIT 0", "too many connections for role"),
    "renamed": ("ALTER ROLE {} RENAME TO other", "password authentication failed"),
    "no-password": ("ALTER ROLE {} PASSWORD NULL", "password authentication failed"),
}.values(), ids=lambda value: None)
def test_the_server_refuses_with_its_own_text(bridge, server, client, change, words):
    pgmoat = bridge(server)
    assert not log_in(client, pgmoat.port)
    server.query(change.format(USER))
    password = "wrong" if change == "SELECT 1" else PASSWORD
    without_answers = bridge(server, settings={"http_listen": None})
    for either in (pgmoat, without_answers):
        assert words in same_refusal(client, either, server, password=password)


def test_a_renamed_role_logs_in_under_its_new_name(bridge, server, client):
    pgmoat = bridge(server)
    assert not log_in(client, pgmoat.port)
    server.query(f"ALTER ROLE {USER} RENAME TO new_name")
    assert not log_in(client, pgmoat.port, user="new_name")


def test_a_dropped_role_and_one_that_never_was(bridge, server, client):
    server.query("CREATE ROLE gone LOGIN PASSWORD 'secret'")
    pgmoat = bridge(server)
    assert not log_in(client, pgmoat.port, user="gone")
    server.query("DROP ROLE gone")
    same_refusal(client, pgmoat, server, user="gone")
    same_refusal(client, pgmoat, server, user="nobody")
    assert outcomes(pgmoat) == {"ok": 1, "no_secret": 2}


def raw_login(port, user, password, version=(3, 0), **startup):
    with RawClient(port) as raw:
        raw.start_tls()
        raw.send(wire.startup(user=user, database="postgres", version=version, **startup))
        return scram.ScramClient(password).log_in(raw)


def error_of(messages):
    fields = wire.error_fields(messages[-1][1])
    return {name: fields.get(name) for name in "SVCMDH"}


def test_a_wrong_password_and_an_unknown_user_get_the_same_bytes(bridge, running):
    pgmoat = bridge(running())
    wrong = raw_login(pgmoat.port, USER, "wrong")
    unknown = raw_login(pgmoat.port, "apq", "wrong")
    assert [kind for kind, _ in wrong] == [kind for kind, _ in unknown] == [b"R", b"E"]
    assert [len(body) for _, body in wrong] == [len(body) for _, body in unknown]
    assert wrong[-1][1].replace(USER.encode(), b"apq") == unknown[-1][1]


def test_a_secret_in_the_file_that_is_stale_is_refused_as_a_wrong_password(bridge, running, client):
    pgmoat = with_file(bridge, running(), {USER: scram.secret(PASSWORD)})
    assert f'password authentication failed for user "{USER}"' in log_in(client, pgmoat.port)
    pgmoat.process.wait_for_log("another than the known secret's")
    assert outcomes(pgmoat) == {"stale_secret": 1}


def test_a_stale_file_is_made_good_by_the_query(bridge, running, client):
    pgmoat = with_file(bridge, running(), {USER: scram.secret(PASSWORD)}, query="")
    assert_all(client, pgmoat.port)


def test_a_server_for_secrets_that_is_down(bridge, running, client):
    pgmoat = bridge(running(), query=f"port={free_port()}")
    assert "the user's secret cannot be looked up" in log_in(client, pgmoat.port)
    pgmoat.process.wait_for_log("auth_query: ", "Connection refused")
    assert outcomes(pgmoat) == {"lookup_failed": 1}


def test_a_server_for_secrets_that_goes_away(bridge, running, start_server, certificates, client):
    """Its last answers are used for a while."""
    server, secrets = running(), start_server(18, certificates["rsa"])
    try:
        secret = server.query(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{USER}'")
        secrets.query(f"ALTER ROLE {USER} PASSWORD '{secret}'")
        pgmoat = bridge(server, query=f"port={secrets.port}")
        assert not log_in(client, pgmoat.port)
        assert "password authentication failed" in log_in(client, pgmoat.port, user="nobody")
    finally:
        secrets.stop()
    time.sleep(1.2)  # the cached answer is to be looked up again
    assert not log_in(client, pgmoat.port)
    assert "password authentication failed" in log_in(client, pgmoat.port, user="nobody")
    assert "the user's secret cannot be looked up" in log_in(client, pgmoat.port, user="nobody_else")


def test_users_who_exist_and_who_do_not_are_asked_for_as_often(bridge, start_server, certificates):
    """Otherwise the time of a login would distinguish them."""
    server = start_server(18, certificates["rsa"], log_statement="all")
    try:
        pgmoat = bridge(server)
        for _ in range(3):
            for user in (USER, "nobody"):
                position = server.process.log_position()
                raw_login(pgmoat.port, user, "wrong")
                eventually(lambda: len(server.process.log_lines("execute", "pg_authid", since=position)) == 1, "the question")
            time.sleep(1.2)
    finally:
        server.stop()


# --- hostile clients: PostgreSQL is the oracle -------------------------------------------------------------------


def plus_first(data):
    return scram.initial_response("SCRAM-SHA-256-PLUS", data)


def plain_first(data):
    return scram.initial_response("SCRAM-SHA-256", data)


HOSTILE_FIRST = {
    "downgrade": plain_first(b"y,,n=,r=abc"),
    "empty": plain_first(b""),
    "unknown-mechanism": scram.initial_response("SCRAM-SHA-1", b"n,,n=,r=abc"),
    "binding-without-plus": plain_first(b"p=tls-server-end-point,,n=,r=abc"),
    "plus-without-binding": plus_first(b"n,,n=,r=abc"),
    "plus-with-y": plus_first(b"y,,n=,r=abc"),
    "other-binding": plus_first(b"p=tls-unique,,n=,r=abc"),
    "unknown-flag": plain_first(b"x,,n=,r=abc"),
    "no-comma": plain_first(b"n;,n=,r=abc"),
    "authorization-identity": plain_first(b"n,a=other,n=,r=abc"),
    "unknown-attribute": plain_first(b"n,b,n=,r=abc"),
    "mandatory-extension": plain_first(b"n,,m=x,n=,r=abc"),
    "no-name": plain_first(b"n,,r=abc"),
    "no-nonce": plain_first(b"n,,n=user"),
    "bad-nonce": plain_first(b"n,,n=,r=a b"),
    "zero-byte": plain_first(b"n,,n=,r=a\0bc"),
    "bad-extension": plain_first(b"n,,n=,r=abc,1=x"),
    "too-long": plain_first(b"n,,n=,r=" + b"a" * 2000),
    "other-message": wire.query("SELECT 1"),
    "garbage-after-data": wire.message(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", 3) + b"n,,n=,r=abc"),
    "bound-to-nothing": plus_first(b"p=tls-server-end-point,,n=,r=abc"),
}
HOSTILE_FINAL = {
    "empty": b"",
    "no-proof": b"c=biws,r={nonce}",
    "other-nonce": b"c=biws,r=x{nonce},p=" + base64.b64encode(bytes(32)),
    "other-binding": b"c=eSws,r={nonce},p=" + base64.b64encode(bytes(32)),
    "no-binding": b"r={nonce},p=" + base64.b64encode(bytes(32)),
    "short-proof": b"c=biws,r={nonce},p=AAAA",
    "no-base64": b"c=biws,r={nonce},p=!!!!",
    "garbage": b"c=biws,r={nonce},p=" + base64.b64encode(bytes(32)) + b",x=1",
    "wrong-proof": b"c=biws,r={nonce},p=" + base64.b64encode(bytes(32)),
    "extension": b"c=biws,r={nonce},x=1,p=" + base64.b64encode(bytes(32)),
}


def provoke(port, first, final=None):
    """The error's fields, or what came instead."""
    with RawClient(port) as raw:
        raw.start_tls()
        raw.send(wire.startup(user=USER, database="postgres"))
        raw.receive_until(b"R")
        raw.send(first)
        kind, body = raw.receive_message()
        if kind == b"R" and final is not None:
            nonce = body[4:].split(b",")[0][2:]
            raw.send(wire.message(b"p", final.replace(b"{nonce}", nonce)))
            kind, body = raw.receive_message()
        if kind == b"R" and final is None:
            final = b"c=" + base64.b64encode(b"p=tls-server-end-point,,") + b",r={nonce},p=" + \
                base64.b64encode(bytes(32))
            nonce = body[4:].split(b",")[0][2:]
            raw.send(wire.message(b"p", final.replace(b"{nonce}", nonce)))
            kind, body = raw.receive_message()
        assert kind == b"E", (kind, body)
        return error_of([(kind, body)])


@pytest.fixture(scope="module")
def oracle(running):
    return running()


@pytest.mark.parametrize("name", HOSTILE_FIRST)
def test_a_hostile_first_message_is_answered_as_by_postgresql(bridge, oracle, name):
    pgmoat = bridge(oracle)
    assert provoke(pgmoat.port, HOSTILE_FIRST[name]) == provoke(oracle.port, HOSTILE_FIRST[name])


@pytest.mark.parametrize("name", HOSTILE_FINAL)
def test_a_hostile_last_message_is_answered_as_by_postgresql(bridge, oracle, name):
    pgmoat = bridge(oracle)
    first = plain_first(b"n,,n=,r=abc")
    assert provoke(pgmoat.port, first, HOSTILE_FINAL[name]) == provoke(oracle.port, first, HOSTILE_FINAL[name])


# --- replication and foreign tables -------------------------------------------------------------------------------


def test_base_backup_over_two_tls_legs(bridge, running, workspace):
    server = running(15)  # npm's 18 comes without pg_basebackup
    server.query("CREATE ROLE backup LOGIN REPLICATION PASSWORD 'secret'")
    pgmoat = bridge(server)
    target = workspace.folder("backup") / "data"
    result = subprocess.run(
        [server.installation.binaries / "pg_basebackup", "-D", target, "-X", "fetch", "-d",
         f"host=localhost hostaddr=127.0.0.1 port={pgmoat.port} user=backup sslmode=require channel_binding=require"],
        env={"PGPASSWORD": "secret", "PATH": os.environ["PATH"], "HOME": str(workspace.home)},
        capture_output=True, text=True, check=False, timeout=120, **AS_USER)
    assert result.returncode == 0, result.stderr
    assert (target / "PG_VERSION").read_text().strip() == str(server.installation.major)


def test_postgres_fdw_passes_its_scram_keys_through(bridge, server, client, start_server, certificates):
    """The foreign server must have the identical secret; the bridge's client is a server with a key."""
    secret = server.query(secret_of(USER))
    pgmoat = bridge(server)
    near = start_server(18, certificates["rsa"])
    try:
        near.query(f"ALTER ROLE {USER} PASSWORD '{secret}'")
        for statement in (
                "CREATE EXTENSION postgres_fdw",
                f"CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'localhost', hostaddr '127.0.0.1', "
                f"port '{pgmoat.port}', dbname 'postgres', sslmode 'require', sslcertmode 'disable', use_scram_passthrough 'true')",
                f"GRANT USAGE ON FOREIGN SERVER far TO {USER}",
                f"CREATE USER MAPPING FOR {USER} SERVER far OPTIONS (user '{USER}')",
                "CREATE FOREIGN TABLE settings (name text, setting text) SERVER far "
                "OPTIONS (schema_name 'pg_catalog', table_name 'pg_settings')",
                f"GRANT SELECT ON settings TO {USER}"):
            near.query(statement)
        port = client.query(near.port, "SELECT setting FROM settings WHERE name = 'port'", user=USER,
                            dbname="postgres", sslmode="require")
        assert port == str(server.port)
        assert outcomes(pgmoat) == {"ok": 1}
    finally:
        near.stop()


def test_logical_replication_over_two_tls_legs(bridge, start_server, certificates):
    source = start_server(18, certificates["ecdsa-p256"], wal_level="logical")
    target = start_server(18, certificates["rsa"])
    try:
        pgmoat = bridge(source)
        source.query("CREATE ROLE replicator LOGIN SUPERUSER REPLICATION PASSWORD 'secret'")
        for server in (source, target):
            server.query("CREATE TABLE t (i int PRIMARY KEY)")
        source.query("INSERT INTO t SELECT generate_series(1, 100)")
        source.query("CREATE PUBLICATION all_of_it FOR TABLE t")
        target.query("CREATE SUBSCRIPTION s CONNECTION 'host=localhost hostaddr=127.0.0.1 dbname=postgres "
                     f"port={pgmoat.port} user=replicator password=secret sslmode=require sslcertmode=disable channel_binding=require' "
                     "PUBLICATION all_of_it")
        eventually(lambda: target.query("SELECT count(*) FROM t") == "100", "the rows")
        target.query("DROP SUBSCRIPTION s")
    finally:
        target.stop()
        source.stop()


# --- scripted servers ---------------------------------------------------------------------------------------------


def in_tls(certificate, script):
    """The script of a server that speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)

    def run(visitor):
        visitor.receive(len(wire.SSL_REQUEST))
        visitor.send(b"S")
        with context.wrap_socket(visitor.connection, server_side=True) as visitor.connection:
            script(visitor)

    return run


def receive_message(visitor):
    kind, length = visitor.receive(1), int.from_bytes(visitor.receive(4), "big")
    return kind, visitor.receive(length - 4)


@pytest.fixture
def before_script(start_pgmoat, certificate, workspace, http_port):
    """before_script(server): a pgmoat that has the user's secret from a file."""

    def start(server, sslmode="disable", **settings):
        file = workspace.folder("auth") / "users"
        write_for_user(file, f'"{USER}" "{scram.secret(PASSWORD)}"\n', mode=0o600)
        return start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={server.port} sslmode={sslmode}", "auth_file": file,
            "http_listen": f"127.0.0.1:{http_port}", **settings})

    return start


@pytest.mark.parametrize("accepted", (True, False), ids=("accepted", "refused"))
@pytest.mark.parametrize("login", ("auto", "bridge"))
def test_oauth_is_relayed_over_two_certificates(before_script, certificates, login, accepted):
    token = scram.initial_response("OAUTHBEARER", b"n,,\x01auth=Bearer a-token-of-a-test\x01\x01")
    failure = b'{"status":"invalid_token","scope":"openid"}'
    refusal = wire.error_response("OAuth bearer authentication failed", "28000")
    end = wire.AUTHENTICATION_OK + wire.READY_FOR_QUERY

    def script(visitor):
        visitor.receive_packet()
        visitor.send(sasl(10, b"OAUTHBEARER\0\0"))
        visitor.receive(len(token))
        if not accepted:
            visitor.send(sasl(11, failure))
            visitor.receive(6)
        visitor.send(end if accepted else refusal)
        visitor.receive_until_closed()

    with FakeServer(in_tls(certificates["ecdsa-p256"], script)) as server:
        pgmoat = before_script(server, "require", login=login)
        with RawClient(pgmoat.port) as client:
            client.start_tls().send(wire.startup(user=USER))
            assert client.receive_message() == (b"R", struct.pack("!i", 10) + b"OAUTHBEARER\0\0")
            client.send(token)
            if not accepted:
                assert client.receive_message() == (b"R", struct.pack("!i", 11) + failure)
                client.send(wire.message(b"p", b"\x01"))
            expected = end if accepted else refusal
            assert client.receive(len(expected)) == expected
        assert "scram" not in pgmoat.closed_line(f"user={USER}")
        assert token in server.received
        assert outcomes(pgmoat) == {}
        assert "a-token-of-a-test" not in pgmoat.process.log()


@pytest.mark.parametrize("step", ("first", "final"))
def test_a_client_that_leaves_while_the_server_says_nothing_is_noticed(before_script, step):
    passed_on, left = threading.Event(), threading.Event()

    def script(visitor):
        visitor.receive_packet()
        visitor.send(sasl(10, b"SCRAM-SHA-256\0\0"))
        _, first = receive_message(visitor)
        if step == "final":
            nonce = first.rsplit(b"r=", 1)[1]
            salt = base64.b64encode(b"0123456789abcdef")
            visitor.send(sasl(11, b"r=" + nonce + b"server,s=" + salt + b",i=4096"))
            receive_message(visitor)
        passed_on.set()
        visitor.receive_until_closed()
        left.set()

    with FakeServer(script) as server:
        pgmoat = before_script(server, login="bridge")
        with RawClient(pgmoat.port) as raw:
            raw.start_tls().send(wire.startup(user=USER))
            raw.receive_until(b"R")
            client = scram.ScramClient(PASSWORD)
            raw.send(client.first())
            if step == "final":
                raw.send(client.final(raw.receive_until(b"R")[-1][1][4:]))
            assert passed_on.wait(PATIENCE)
        assert left.wait(PATIENCE)
        pgmoat.closed_line(f"user={USER}", "reason=client_closed")
        assert outcomes(pgmoat) == {"abandoned": 1}


def test_a_client_that_leaves_while_its_secret_is_looked_up_is_noticed(start_pgmoat, certificate, running, http_port):
    with FakeServer(lambda visitor: visitor.receive_until_closed()) as silent:
        pgmoat = start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={running().port} sslmode=require", "http_listen": f"127.0.0.1:{http_port}",
            "auth_query_conninfo": f"user=pgmoat_auth dbname=postgres sslmode=disable port={silent.port}"})
        with RawClient(pgmoat.port) as raw:
            raw.start_tls().send(wire.startup(user=USER))
            raw.receive_until(b"R")
            raw.send(scram.ScramClient(PASSWORD).first())
            eventually(lambda: silent.visitors, "the question")
        began = time.monotonic()
        pgmoat.closed_line(f"user={USER}", "reason=client_closed")
        assert time.monotonic() - began < 10
        assert outcomes(pgmoat) == {"abandoned": 1}


# --- secrets ------------------------------------------------------------------------------------------------------


def seconds_to_be_refused(port, user):
    """From the first message to the server's refusal of an invalid proof, without the client's own computing time."""
    with RawClient(port) as raw:
        raw.start_tls().send(wire.startup(user=user, database="postgres"))
        raw.receive_until(b"R")
        began = time.perf_counter()
        raw.send(plain_first(b"n,,n=,r=abc"))
        nonce = raw.receive_until(b"R")[-1][1][4:].split(b",")[0]
        raw.send(wire.message(b"p", b"c=biws," + nonce + b",p=" + base64.b64encode(bytes(32))))
        assert raw.receive_error()["C"] == "28P01"
        return time.perf_counter() - began


def test_the_time_tells_a_wrong_password_from_an_unknown_user_by_no_more_than_noise(bridge, running):
    """1,000 tries each in turns: the difference of the medians is below the spread of the medians of 50."""
    pgmoat = bridge(running())
    medians = {USER: [], "nobody": []}
    for _ in range(20):
        times = {user: [] for user in medians}
        for _ in range(50):
            for user, found in times.items():
                found.append(seconds_to_be_refused(pgmoat.port, user))
        for user, found in times.items():
            medians[user].append(statistics.median(found))
    known, unknown = medians.values()
    difference = abs(statistics.median(known) - statistics.median(unknown))
    spread = min(max(found) - min(found) for found in medians.values())
    assert difference < spread, (medians, difference)
    assert outcomes(pgmoat) == {"wrong_proof": 1000, "no_secret": 1000}


def test_nothing_of_an_exchange_is_logged(bridge, running, client):
    pgmoat = bridge(running(), settings={"log_connections": "on", "log_min_messages": "debug5"})
    secret = running().query(secret_of(USER))
    assert_all(client, pgmoat.port)
    assert log_in(client, pgmoat.port, password="wrong")
    pgmoat.process.wait_for_log("connection closed", f"user={USER}", "28P01")
    log = pgmoat.process.log()
    parts = re.split(r"[$:]", secret)[2:]
    for text in (PASSWORD, *parts, "biws", "n=,r=", ",p=", "v="):
        assert text not in log.replace("server_tls", "").replace("application_name", ""), text


# --- the command --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ("secret", "pässwörd", "I\u00adX", "\u2168", "x\u00a0y"), ids=ascii)
def test_the_statement_of_scram_secret_gives_a_role_its_password(workspace, server, client, password):
    """Including SASLprep: libpq prepares what a user types, the server what it was given."""
    result = subprocess.run([workspace.pgmoat, "scram-secret", 'a "b"'], input=password + "\n", capture_output=True,
                            text=True, check=True)
    line, statement = result.stdout.splitlines()
    assert line.startswith('"a ""b""" "SCRAM-SHA-256$4096:')
    server.query('CREATE ROLE "a ""b""" LOGIN')
    server.query(statement)
    assert not log_in(client, server.port, user='a "b"', password=password)
    assert "failed" in log_in(client, server.port, user='a "b"', password="other")


def test_check_asks_the_server_for_its_secrets(bridge, running, workspace):
    pgmoat = with_file(bridge, running(), {USER: scram.secret(PASSWORD), "nobody": scram.secret(PASSWORD)}, query="")
    code, out, err = run_pgmoat(workspace, "check", "--config", pgmoat.config_file)
    assert code == 0, err
    assert 'ok: upstream "default": auth_query is answered' in out
    assert f'the secret of user "{USER}" in auth_file is stale: upstream "default" has another' in out + err
    assert 'has no SCRAM secret of user "nobody" of auth_file' in out + err

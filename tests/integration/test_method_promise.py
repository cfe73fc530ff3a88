"""A rule's method is a promise: no client is let in whom the server asked for a weaker authentication.

Every method of a rule with every method of PostgreSQL 15 and 18, over TCP and over a Unix-domain socket."""

import pytest

from kit import wire
from kit.environment import write_for_user
from kit.postgres import PASSWORD
from kit.raw_client import RawClient

# PostgreSQL's first answer, by the role in its own rules: the code of its Authentication message.
SERVER_METHODS = {"trust": 0, "password": 3, "md5": 5, "scram": 10, "peer": 0, "gss": 7}
# Rules match databases: one for each method.
RULES = {
    "trust": "trust", "scram": "scram-sha-256", "md5": "md5", "password": "password", "gss": "gss", "sspi": "sspi",
    "ident": "ident", "ldap": "ldap ldapserver=x ldapprefix=x", "pam": "pam", "bsd": "bsd",
    "radius": "radius radiusservers=127.0.0.1 radiussecrets=x", "oauth": "oauth issuer=https://x scope=x",
}
PASSWORDS = {"password", "md5", "scram"}
ENOUGH = {
    "trust": set(SERVER_METHODS), "scram": {"scram"}, "md5": {"md5", "scram"}, "password": PASSWORDS,
    "gss": {"gss"}, "sspi": set(), "ident": PASSWORDS | {"gss"}, "ldap": {"password"}, "pam": {"password"},
    "bsd": {"password"}, "radius": {"password"}, "oauth": set(),
}


def server_methods(major):
    """npm's build of 18 has no GSSAPI."""
    return [role for role in SERVER_METHODS if role != "gss" or major == 15]


def server_hba(major):
    lines = []
    for role in server_methods(major):
        if role != "peer":
            method = "scram-sha-256" if role == "scram" else role
            lines.append(f"host all {role} all {method}")
        # There is no GSSAPI over a local socket.
        if role != "gss":
            method = {"scram": "scram-sha-256", "peer": "peer map=m"}.get(role, role)
            lines.append(f"local all {role} {method}")
    return "\n".join([*lines, "local all all trust", ""])


def pgmoat_hba():
    return "".join(f"host {name} all all {method}\n" for name, method in RULES.items())


@pytest.fixture(scope="module")
def promise_servers(installations):
    from kit.environment import USER
    from kit.postgres import Postgres
    running = {}
    for major in (15, 18):
        server = Postgres(installations[major], hba=server_hba(major))
        write_for_user(server.data / "pg_ident.conf", f"m {USER.pw_name} peer\n")
        server.reload({})
        for role in server_methods(major):
            encryption = "md5" if role == "md5" else "scram-sha-256"
            server.query(f"SET password_encryption = '{encryption}'; CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
        running[major] = server
    yield running
    for server in running.values():
        server.stop()


def first_answer(port, user, database):
    with RawClient(port) as client:
        client.send(wire.startup(user, database))
        kind, body = client.receive_message()
    if kind == b"R":
        return int.from_bytes(body[:4], "big")
    fields = wire.error_fields(body)
    return fields["C"], fields["M"]


@pytest.mark.parametrize("mode, socket", (("terminate", False), ("terminate", True), ("passthrough", False)),
                         ids=("tcp", "unix-socket", "passed-through"))
@pytest.mark.parametrize("major", (15, 18))
def test_every_method_of_a_rule_against_every_method_of_the_server(start_pgmoat, promise_servers, major, socket, mode):
    server = promise_servers[major]
    host = server.folder if socket else "127.0.0.1"
    rules = pgmoat_hba() if mode == "terminate" else None
    differences = []
    for rule, line in RULES.items():
        if mode == "passthrough":  # no user names there: one pgmoat for each rule
            rules = f"host all all all {line}\n"
        elif rule != "trust":
            continue  # one pgmoat for all
        pgmoat = start_pgmoat(settings={"upstream": f"host={host} port={server.port}", "hba_file": "pg_hba.conf",
                                        "tls_mode": mode}, files={"pg_hba.conf": rules})
        for name in RULES if mode == "terminate" else [rule]:
            for role, code in SERVER_METHODS.items():
                if role == ("gss" if socket else "peer") or role not in server_methods(major):
                    continue
                answer = first_answer(pgmoat.port, role, name)
                expected = code if role in ENOUGH[name] else (
                    "28000", f'pg_hba.conf requires authentication method "{RULES[name].split()[0]}", but the server '
                             "does not ask for it")
                if answer != expected:
                    differences.append(f"rule {name}, server {role}: {answer} instead of {expected}")
        pgmoat.stop()
    assert not differences, "\n".join(differences)


def test_the_refusal_says_in_the_log_what_to_change(start_pgmoat, promise_servers, client):
    server = promise_servers[18]
    pgmoat = start_pgmoat(settings={"upstream": f"host={server.folder} port={server.port}", "hba_file": "pg_hba.conf"},
                          files={"pg_hba.conf": "host all all all scram-sha-256\n"})
    outcome = client.connect(pgmoat.port, user="peer", dbname="postgres")
    assert "but the server does not ask for it" in outcome.error
    closed = pgmoat.process.wait_for_log("connection closed", "reason=denied")
    assert "The server lets the client in without authentication" in closed
    assert 'pg_hba.conf\\" line 1' in closed or 'pg_hba.conf" line 1' in closed
    assert client.connect(pgmoat.port, user="scram", dbname="postgres").connected
    assert not client.with_password("wrong").connect(pgmoat.port, user="scram", dbname="postgres").connected
    assert "does not ask for it" in client.connect(pgmoat.port, user="md5", dbname="postgres").error


def test_a_password_is_not_sent_to_a_server_that_should_not_ask_for_it(start_pgmoat, promise_servers):
    """A cleartext request for a rule with scram-sha-256 never reaches the client."""
    server = promise_servers[18]
    pgmoat = start_pgmoat(settings={"upstream": f"host=127.0.0.1 port={server.port}", "hba_file": "pg_hba.conf"},
                          files={"pg_hba.conf": "host all all all scram-sha-256\n"})
    with RawClient(pgmoat.port) as one:
        one.send(wire.startup("password", "postgres"))
        assert one.receive_message()[0] == b"E"


def test_the_authentication_is_logged_as_by_postgresql(start_pgmoat, promise_servers, client):
    server = promise_servers[18]
    pgmoat = start_pgmoat(settings={"upstream": f"host=127.0.0.1 port={server.port}", "hba_file": "pg_hba.conf",
                                    "log_connections": "on"},
                          files={"pg_hba.conf": "host all all all password\n"})
    assert client.connect(pgmoat.port, user="scram", dbname="postgres").connected
    line = pgmoat.process.wait_for_log('connection authenticated: identity="scram" method=scram-sha-256')
    assert "rule=pg_hba.conf:1" in line
    assert client.connect(pgmoat.port, user="md5", dbname="postgres").connected
    pgmoat.process.wait_for_log('connection authenticated: identity="md5" method=md5')


def test_the_authentication_is_logged_even_if_refused(start_pgmoat, promise_servers, client, certificate, authority):
    server = promise_servers[18]
    pgmoat = start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={server.port}", "hba_file": "pg_hba.conf", "log_connections": "on",
        "ssl_ca_file": authority.certificate}, files={"pg_hba.conf": "hostssl all all all cert\n"})

    def refused(leaf, user):
        position = pgmoat.process.log_position()
        keywords = {"sslcert": leaf.certificate, "sslkey": leaf.key} if leaf else {}
        outcome = client.connect(pgmoat.port, user=user, dbname="postgres", sslmode="require", **keywords)
        assert not outcome.connected, outcome
        pgmoat.process.wait_for_log("connection closed", "reason=denied", since=position)
        return pgmoat.process.log_lines("connection authenticated", since=position)

    (line,) = refused(authority.issue("somebody", "somebody", "DNS:somebody"), "scram")
    assert 'identity="CN=somebody" method=cert' in line and "rule=pg_hba.conf:1" in line
    assert refused(None, "scram") == []

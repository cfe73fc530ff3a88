"""target_session_attrs without a health check: what servers say of themselves in a login decides, as in libpq, and the
client notices nothing of the servers that were left."""

from contextlib import ExitStack

import psycopg2
import pytest

from kit import wire
from kit.environment import USER as ACCOUNT
from kit.environment import free_port, write_for_user
from kit.http import Http
from kit.metrics import scrape
from kit.pgmoat import run_pgmoat
from kit.postgres import PASSWORD, SUPERUSER, USER
from kit.process import eventually
from kit.raw_client import RawClient
from kit.replication import Pair, upstream_hosts
from kit.scram import ScramClient, ScramServer

NO_SERVER = ("57P03", "no upstream server has the required role")
WANTED = ("primary", "read-write", "standby", "read-only", "prefer-standby")
ORDERS = (("standby", "primary"), ("primary", "standby"), ("standby",), ("primary",), ("starting", "primary"),
          ("primary", "starting"))
READ_ONLY = "reports"  # a database whose sessions are read-only
NOT_NOW = wire.message(b"E", b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0")


@pytest.fixture(scope="module")
def pair(installations):
    """One that no test changes."""
    pair = Pair(installations[15])
    pair.primary.query(f"CREATE DATABASE {READ_ONLY}")
    pair.primary.query(f"ALTER DATABASE {READ_ONLY} SET default_transaction_read_only = on")
    pair.secret = pair.primary.query(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{USER}'")
    eventually(lambda: pair.standby.query("SELECT count(*) FROM pg_db_role_setting") == "1", "the standby")
    yield pair
    pair.stop()


@pytest.fixture
def own_pair(installations):
    pair = Pair(installations[15])
    pair.secret = pair.primary.query(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{USER}'")
    yield pair
    pair.stop()


@pytest.fixture
def start(start_pgmoat, certificate, workspace, http_port):
    folder = workspace.folder("socket")

    def start(upstream, secret=None, **settings):
        """With the secret, logins of USER are bridged."""
        if secret:
            write_for_user(folder / "users", f'"{USER}" "{secret}"\n', mode=0o600)
            settings["auth_file"] = folder / "users"
        pgmoat = start_pgmoat(certificate, settings={
            "upstream": upstream, "console_users": ACCOUNT.pw_name, "unix_socket_directories": folder,
            "http_listen": f"127.0.0.1:{http_port}", **settings})

        pgmoat.hosts = lambda: upstream_hosts(pgmoat, folder)
        return pgmoat

    return start


def server_port(port, user=SUPERUSER, database="postgres", **options):
    """Of the server that a client comes to; the text of the refusal, if it comes to none."""
    try:
        connection = psycopg2.connect(**{"host": "127.0.0.1", "port": port, "user": user, "dbname": database,
                                         "password": PASSWORD, "sslmode": "require", "gssencmode": "disable",
                                         **options})
    except psycopg2.OperationalError as error:
        return str(error)
    with connection.cursor() as cursor:
        cursor.execute("SHOW port")
        found = int(cursor.fetchone()[0])
    connection.close()
    return found


def refused(port, **startup):
    """The fields of the error."""
    with RawClient(port) as client:
        client.start_tls().send(wire.startup(**startup))
        return client.receive_error()


def left(pgmoat):
    return scrape(pgmoat).sum("pgmoat_upstream_wrong_role_total")


def test_a_client_comes_to_the_server_that_libpq_would_have_chosen(start, start_fake_server, pair):
    def not_now(visitor):
        visitor.receive_packet()
        visitor.send(NOT_NOW)

    ports = {"primary": pair.primary.port, "standby": pair.standby.port, "starting": start_fake_server(not_now).port}
    settings, cases = {}, []
    for wanted in WANTED:
        for order in ORDERS:
            listener, name = free_port(), f"case{len(cases)}"
            hosts = {"host": ",".join("127.0.0.1" for _ in order), "port": ",".join(str(ports[one]) for one in order),
                     "sslmode": "disable", "target_session_attrs": wanted}
            settings[f"upstream.{name}"] = " ".join(f"{word}={value}" for word, value in hosts.items())
            settings[f"listener.{name}"] = f"address=127.0.0.1 port={listener} upstream={name}"
            cases.append((wanted, order, listener, hosts))
    start(pair.hosts(), pair.secret, **settings)
    wrong = []
    for wanted, order, listener, hosts in cases:
        # By trust, and by SCRAM, bridged.
        for number, (user, database) in enumerate(
                ((SUPERUSER, "postgres"), (USER, "postgres"), (SUPERUSER, READ_ONLY), (USER, READ_ONLY))):
            expected = server_port(user=user, database=database, **hosts)
            found = server_port(listener, user, database)
            if isinstance(expected, int):
                fits = found == expected
                if wanted == "read-only" and number > 1:  # a known standby is tried before a primary that fits, too
                    fits = isinstance(server_port(found, user, database, sslmode="disable",
                                                  target_session_attrs=wanted), int)
            elif number == 0 and "starting up" in expected.splitlines()[-1]:
                fits = "starting up" in str(found)
            else:  # of two reasons libpq tells both and a server one: that of the last host, and what is known is first
                fits = NO_SERVER[1] in str(found) or "starting up" in expected and "starting up" in str(found)
            if not fits:
                wrong.append((wanted, order, user, database, expected, found))
    assert not wrong, "\n".join(map(str, wrong))


def test_the_client_notices_nothing_of_a_server_that_was_left(start, pair):
    pgmoat = start(pair.hosts() + " target_session_attrs=primary")
    position = pair.standby.process.log_position()
    with RawClient(pgmoat.port) as client:
        client.start_tls().send(wire.startup())
        messages = client.receive_until(b"Z")
        assert [body for kind, body in messages if kind == b"R"] == [b"\0\0\0\0"]
        assert [body for kind, body in messages if body.startswith(b"in_hot_standby")] == [b"in_hot_standby\0off\0"]
        assert sum(kind == b"K" for kind, _ in messages) == 1
        assert client.query("SHOW port")[1][1][6:] == str(pair.primary.port).encode()
        client.log_out()
    pair.standby.process.wait_for_log("connection authorized", since=position)
    # It was left in order: a connection that is lost has a line.
    assert not pair.standby.process.log_lines("unexpected EOF", since=position)
    assert not pair.standby.process.log_lines("could not receive data", since=position)
    line = pgmoat.process.wait_for_log("connection closed", f"server=127.0.0.1:{pair.primary.port}")
    assert "client_closed" in line


def test_what_a_client_sends_ahead_goes_to_the_server_that_it_stays_with(start, pair):
    pgmoat = start(pair.hosts() + " target_session_attrs=primary")
    with RawClient(pgmoat.port) as client:
        client.start_tls().send(wire.startup(), wire.query("SHOW port"))
        client.receive_until(b"Z")
        assert client.receive_until(b"Z")[1][1][6:] == str(pair.primary.port).encode()


def test_a_bridged_login_is_repeated_without_the_client(start, pair):
    pgmoat = start(pair.hosts() + " target_session_attrs=primary", pair.secret)
    with RawClient(pgmoat.port) as raw:
        raw.start_tls().send(wire.startup(user=USER, version=(3, 2)))  # 15 knows 3.0 and says so, each time
        messages = ScramClient(PASSWORD).log_in_from_the_start(raw)
        kinds = b"".join(kind for kind, _ in messages)
        assert kinds.startswith(b"vRRRR") and kinds.endswith(b"KZ")
        assert kinds.count(b"v") == kinds.count(b"K") == 1 and kinds.count(b"R") == 4
        assert raw.query("SHOW port")[1][1][6:] == str(pair.primary.port).encode()
    metrics = scrape(pgmoat)
    assert metrics.by("outcome", "pgmoat_scram_logins_total") == {"ok": 1}
    assert left(pgmoat) == 1
    pgmoat.process.wait_for_log("connection closed", "scram=bridged")


def test_a_wrong_password_is_refused_by_the_first_server(start, pair):
    pgmoat = start(pair.hosts() + " target_session_attrs=primary", pair.secret)
    text = server_port(pgmoat.port, USER, password="wrong")
    assert f'password authentication failed for user "{USER}"' in text
    assert left(pgmoat) == 0


def test_a_server_with_another_secret_is_not_logged_in_to(start, start_fake_server, pair):
    """The client's one proof is for the salt of the first server."""
    def says_primary(visitor):
        visitor.receive_packet()
        ScramServer(PASSWORD, salt=b"another-salt-too", before={"ready": PRIMARY}).log_in(visitor)

    fake = start_fake_server(says_primary)
    pgmoat = start(pair.hosts(pair.standby, fake) + " target_session_attrs=primary", pair.secret)
    assert NO_SERVER[1] in server_port(pgmoat.port, USER)
    line = pgmoat.process.wait_for_log("connection closed", "another SCRAM secret", "reason=upstream_failed")
    assert f"127.0.0.1:{pair.standby.port} is a standby" in line


PRIMARY = wire.message(b"S", b"in_hot_standby\0off\0") + wire.message(b"S", b"default_transaction_read_only\0off\0")
STANDBY = PRIMARY.replace(b"standby\0off", b"standby\0on").replace(b"\x17in", b"\x16in")


def test_a_client_that_has_proved_itself_is_let_in_where_no_proof_is_wanted(start, start_fake_server, pair):
    def trusts(visitor):
        visitor.receive_packet()
        visitor.send(wire.AUTHENTICATION_OK + PRIMARY + wire.READY_FOR_QUERY)

    pgmoat = start(pair.hosts(pair.standby, start_fake_server(trusts)) + " target_session_attrs=primary", pair.secret)
    with RawClient(pgmoat.port) as raw:
        raw.start_tls().send(wire.startup(user=USER))
        assert b"".join(kind for kind, _ in ScramClient(PASSWORD).log_in_from_the_start(raw)) == b"RRRRSSZ"


def test_a_client_that_has_proved_itself_is_not_asked_for_a_password(start, start_fake_server, pair):
    def wants_password(visitor):
        visitor.receive_packet()
        visitor.send(wire.message(b"R", b"\0\0\0\3"))
        visitor.receive_until_closed()

    pgmoat = start(pair.hosts(pair.standby, start_fake_server(wants_password), pair.primary) +
                   " target_session_attrs=primary", pair.secret)
    assert server_port(pgmoat.port, USER) == pair.primary.port
    assert left(pgmoat) == 2


def test_a_login_of_many_notices_is_relayed_and_not_repeated(start, start_fake_server, pair):
    def talks(visitor):
        visitor.receive_packet()
        notice = wire.message(b"N", b"SNOTICE\0VNOTICE\0C00000\0M" + b"x" * 30_000 + b"\0\0")
        visitor.send(wire.AUTHENTICATION_OK + STANDBY + 4 * notice + wire.READY_FOR_QUERY)
        visitor.receive_until_closed()

    pgmoat = start(pair.hosts(start_fake_server(talks), pair.primary) + " target_session_attrs=primary")
    with RawClient(pgmoat.port) as client:
        client.start_tls().send(wire.startup())
        messages = client.receive_until(b"E")
        assert b"".join(kind for kind, _ in messages) == b"RSSNNNNE"
        assert wire.error_fields(messages[-1][1])["M"] == NO_SERVER[1]


def test_a_client_that_leaves_is_noticed_while_the_role_is_waited_for(start, start_fake_server, pair):
    def hesitates(visitor):
        visitor.receive_packet()
        visitor.send(wire.AUTHENTICATION_OK)
        visitor.receive_until_closed()

    fake = start_fake_server(hesitates)
    pgmoat = start(pair.hosts(fake, pair.primary) + " target_session_attrs=primary")
    with RawClient(pgmoat.port) as client:
        client.start_tls().send(wire.startup())
        eventually(lambda: fake.visitors, "the server")
    pgmoat.process.wait_for_log("connection closed", "reason=client_closed", f"server=127.0.0.1:{fake.port}")


def test_a_server_that_does_not_say_its_role_fits_nothing(start, start_fake_server, pair):
    old = start_fake_server(lambda visitor: visitor.let_in())  # as before PostgreSQL 14
    pgmoat = start(pair.hosts(old, pair.primary) + " target_session_attrs=primary")
    assert server_port(pgmoat.port) == pair.primary.port
    other = start(pair.hosts(old) + " target_session_attrs=primary", http_listen="")
    assert NO_SERVER[1] in server_port(other.port)
    assert other.closed_line("does not say in the login")["reason"] == "upstream_failed"


def test_a_cancel_request_reaches_the_server_of_the_session(start, pair):
    pgmoat = start(pair.hosts() + " target_session_attrs=primary")
    with RawClient(pgmoat.port) as client:
        client.start_tls().log_in().send(wire.query("SELECT pg_sleep(60)"))
        pair.primary.wait_until_asleep(client.backend_process_id)
        with RawClient(pgmoat.port) as cancel:
            cancel.send(wire.cancel_request(client.backend_process_id, client.backend_key))
        assert client.receive_error()["C"] == "57014"


def test_what_was_learnt_is_shown_and_says_who_is_tried_first(start, pair, http_port):
    pgmoat = start(pair.hosts() + " target_session_attrs=primary")
    assert all(host["role"] is None for host in pgmoat.hosts().values())
    assert [server_port(pgmoat.port) for _ in range(5)] == [pair.primary.port] * 5
    assert left(pgmoat) == 1
    hosts = pgmoat.hosts()
    primary, standby = hosts[pair.primary.port], hosts[pair.standby.port]
    assert (primary["role"], primary["health"]) == ("primary", "by login")
    assert (standby["role"], standby["health"]) == ("standby", "by login")
    assert primary["role_since"] and primary["health_since"] and primary["health_error"] is None
    metrics = scrape(pgmoat)
    about = {"upstream": "default", "host": f"127.0.0.1:{pair.standby.port}"}
    assert metrics.by("role", "pgmoat_upstream_role", **about) == {"standby": 1}
    assert not metrics.all("pgmoat_upstream_health_check_successful")
    shown = {host["host"]: host for host in Http(http_port).json("/status.json")["upstream_roles"]}
    assert shown[about["host"]]["role"] == "standby" and shown[about["host"]]["from"] == "login"
    pgmoat.process.wait_for_log(f'host "{about["host"]}" is a standby, as a login has shown')


def test_the_next_login_finds_the_primary_after_a_failover(start, own_pair):
    pgmoat = start(own_pair.hosts(own_pair.primary, own_pair.standby) + " target_session_attrs=read-write",
                   own_pair.secret)
    assert server_port(pgmoat.port, USER) == own_pair.primary.port
    own_pair.primary.process.kill()
    own_pair.standby.promote()
    eventually(lambda: own_pair.standby.query("SELECT pg_is_in_recovery()") == "f", "the promotion")
    assert server_port(pgmoat.port, USER) == own_pair.standby.port
    assert pgmoat.hosts()[own_pair.standby.port]["role"] == "primary"


def test_a_login_that_only_the_client_can_make_is_refused_and_the_next_one_comes_right(start, pair):
    pgmoat = start(pair.hosts() + " target_session_attrs=primary")
    with RawClient(pgmoat.port) as raw:
        raw.start_tls().send(wire.startup(user=USER))
        kind, body = ScramClient(PASSWORD).log_in_from_the_start(raw)[-1]
        error = wire.error_fields(body)
        assert (kind, error["C"], error["M"]) == (b"E", *NO_SERVER)
        assert "cannot be repeated" in error["D"] and "Connect again" in error["H"]
    assert pgmoat.closed_line("login cannot be repeated")["reason"] == "upstream_failed"
    assert server_port(pgmoat.port, USER) == pair.primary.port


def test_a_wish_for_a_standby_refuses_nobody(start, pair):
    pgmoat = start(pair.hosts(pair.primary, pair.standby) + " target_session_attrs=prefer-standby")
    assert server_port(pgmoat.port, USER) == pair.primary.port  # relayed
    assert server_port(pgmoat.port, USER) == pair.standby.port  # tried first now
    assert server_port(pgmoat.port) == pair.standby.port


def test_without_any_server_of_the_role_a_client_is_told(start, pair):
    pgmoat = start(pair.hosts(pair.standby) + " target_session_attrs=primary")
    error = refused(pgmoat.port)
    assert (error["C"], error["M"]) == NO_SERVER and "D" not in error
    pgmoat.process.wait_for_log("connection closed", "reason=upstream_failed",
                                f"target_session_attrs=primary, and 127.0.0.1:{pair.standby.port} is a standby")


def test_logins_that_cannot_be_seen_need_a_check(start_pgmoat, workspace, pair):
    pgmoat = start_pgmoat(settings={"upstream": pair.hosts() + " target_session_attrs=primary",
                                    "health": f"sql user={SUPERUSER}", "tls_mode": "passthrough"})
    pgmoat.configure({**pgmoat.settings, "health": ""})
    code, _, text = run_pgmoat(workspace, "check", "--config", pgmoat.config_file)
    assert code == 3 and 'needs "health" for listeners with tls_mode=passthrough' in text


def test_a_rule_cannot_send_a_login_that_is_not_seen_where_the_role_is_learnt(start_pgmoat, pair):
    pgmoat = start_pgmoat(settings={
        "upstream": pair.hosts(), "tls_mode": "passthrough", "hba_file": "pg_hba.conf",
        "upstream.roles": pair.hosts() + " target_session_attrs=primary"},
        files={"pg_hba.conf": "hostssl all all all trust sni=roles.example upstream=roles\nhost all all all trust\n"})
    with RawClient(pgmoat.port) as client:
        with pytest.raises(OSError):
            client.start_tls(server_name="roles.example")
    pgmoat.process.wait_for_log("connection closed", "reason=upstream_failed", "the login cannot be seen")


def test_clients_of_a_template_find_their_primary(start_pgmoat, certificate, pair):
    """The rule chooses the hosts; what is learnt of them is not kept."""
    pgmoat = start_pgmoat(certificate, settings={
        "upstream": pair.hosts(), "hba_file": "pg_hba.conf",
        "upstream.tenant": pair.hosts().replace("127.0.0.1", r"\1") + " target_session_attrs=primary"},
        files={"pg_hba.conf": "hostssl all all all trust sni=/^([a-z]+)\\.example$ upstream=tenant\n"})
    for _ in range(2):
        with ExitStack() as stack:
            client = stack.enter_context(RawClient(pgmoat.port)).start_tls(server_name="localhost.example").log_in()
            assert client.query("SHOW port")[1][1][6:] == str(pair.primary.port).encode()

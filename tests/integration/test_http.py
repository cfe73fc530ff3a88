"""The HTTP endpoint: metrics, connections, TLS, passwords, and that hostile texts have no effect."""

import json
import subprocess

import pytest

from kit import scram, wire
from kit.environment import free_port, write_for_user
from kit.http import Http
from kit.pgmoat import run_pgmoat
from kit.process import eventually
from kit.prometheus import Prometheus, job
from kit.raw_client import RawClient

USER = ("prometheus", "correct horse: battery")
HOSTILE = "</script>\x01\x1b[31m\n\"quoted\\\u009b"


def startup_with(name, value):
    """A startup packet with a parameter of arbitrary bytes."""
    body = b"\0\3\0\0user\0postgres\0database\0postgres\0" + name + b"\0" + value + b"\0\0"
    return (len(body) + 4).to_bytes(4, "big") + body


@pytest.fixture
def secured_port():
    return free_port()


@pytest.fixture
def pgmoat(start_pgmoat, certificate, postgres, http_port):
    return start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable",
        "http_listen": f"localhost:{http_port}", "connection_metrics_max": 2, "log_format": "json"})


@pytest.fixture
def http(pgmoat, http_port):
    return Http(http_port)


@pytest.fixture
def secured(start_pgmoat, workspace, authority, certificate, postgres, secured_port):
    """With TLS, and for one user only."""
    result = subprocess.run([workspace.pgmoat, "http-user", USER[0]], input=USER[1] + "\n", capture_output=True,
                            text=True, check=True, timeout=30)
    folder = workspace.folder("http")
    write_for_user(folder / "users", result.stdout)
    certificate.install(folder, "http")
    return start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "http_listen": f"localhost:{secured_port}",
        "http_users_file": folder / "users", "http_tls_cert_file": folder / "http.crt",
        "http_tls_key_file": folder / "http.key"})


def check_metrics(text):
    result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False,
                            timeout=30)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def live_rows(http):
    """A client gets its ReadyForQuery a moment before its session is live."""
    def rows():
        shown = http.json("/connections.json")["connections"]
        return shown if shown and all(row["stage"] == "live" for row in shown) else None
    return eventually(rows, "the sessions to be live")


def test_a_live_connection_is_listed_with_everything_known_about_it(pgmoat, http):
    with RawClient(pgmoat.port) as client:
        client.start_tls(server_name="db.example").log_in(application_name="report")
        (row,) = live_rows(http)
    expected = {"mode": "terminate", "user.name": "postgres", "db.namespace": "postgres", "application_name": "report",
                "client.address": "127.0.0.1", "tls.protocol.version": "1.3", "tls.client.server_name": "db.example",
                "tls.next_protocol": "postgresql", "upstream": "default", "upstream.tls.established": False}
    assert {name: row.get(name) for name in expected} == expected
    assert row["tls.cipher"] and row["tls.curve"] and row["seconds"] >= 0 and row["greet_seconds"] > 0
    eventually(lambda: not http.json("/connections.json")["connections"], "the connection to leave the table")


def test_hostile_texts_harm_neither_scrape_nor_json_nor_page_nor_log(pgmoat, http):
    text = HOSTILE.encode() + b"\xff\xc3"
    with RawClient(pgmoat.port) as client:
        client.start_tls().send(startup_with(b"application_name", text))
        client.receive_until(b"Z")
        with RawClient(pgmoat.port) as refused:
            refused.send(wire.startup(user=HOSTILE * 3)).receive_until_closed()
        check_metrics(http.text("/metrics"))
        check_metrics(http.text("/metrics/connections"))
        (row,) = http.json("/connections.json")["connections"]
        status = http.json("/status.json")
        page = http.text("/")
        metrics = http.text("/metrics")
    assert "</script>" in row["application_name"] and "\x1b" not in page
    assert status["refusals"][0]["user.name"].startswith("</script>")
    assert "&lt;/script&gt;" in page and "</script>\ufffd" not in page
    assert "</script" not in metrics
    line = json.loads(pgmoat.process.wait_for_log("connection closed", "application_name"))
    assert line["application_name"] == row["application_name"] and "\x01" in line["application_name"]


def test_passwords_of_access_rules_are_shown_nowhere(pgmoat, http):
    rule = ("host all {} all ldap ldapserver=ldap.example ldapbasedn=dc=example ldapbinddn=cn=pgmoat "
            "tls_min=TLSv1.3 ldapbindpasswd=hunter2\n")
    pgmoat.write_files({"pg_hba.conf": rule.format("all")})
    pgmoat.process.wait_for_log("reloaded", since=pgmoat.reload({"hba_file": "pg_hba.conf"}))
    pgmoat.write_files({"pg_hba.conf": rule.format("postgres")})
    pgmoat.process.wait_for_log("removed rule", "ldap.example", since=pgmoat.reload())
    with RawClient(pgmoat.port) as client:
        client.send(wire.startup()).receive_error()
    pgmoat.process.wait_for_log("connection closed", "ldap.example")
    pages = [http.text(path) for path in ("/", "/status.json", "/metrics")]
    assert "ldap.example" in pages[0] and "ldap.example" in pages[1]
    assert not any("hunter2" in text for text in (*pages, pgmoat.process.log()))


def test_series_of_connections_are_of_the_newest_only(pgmoat, http):
    with RawClient(pgmoat.port) as first, RawClient(pgmoat.port) as second, RawClient(pgmoat.port) as third:
        for client in (first, second, third):
            client.start_tls().log_in()
        third.query("SELECT 1")
        rows = live_rows(http)
        lines = http.text("/metrics/connections").splitlines()
    shown = [line for line in lines if line.startswith("pgmoat_connection_info{")]
    assert ['id="3"' in shown[0], 'id="2"' in shown[1], len(shown)] == [True, True, 2]
    assert "pgmoat_connections_not_shown 1" in lines
    assert 'pgmoat_connection_messages_total{id="3",direction="from_client"} 1' in lines
    assert [(row["stage"], row["queries"], row["transactions"]) for row in rows] == [
        ("live", 1, 1), ("live", 0, 0), ("live", 0, 0)]


def test_many_names_add_no_series(pgmoat, http):
    def series():
        return {line.rsplit(" ", 1)[0] for line in http.text("/metrics").splitlines() if not line.startswith("#")}

    def visit(number):
        with RawClient(pgmoat.port) as client:
            client.start_tls(server_name=f"host{number}.example")
            client.send(wire.startup(user=f"user{number}", database=f"db{number}")).receive_error()

    def nobody_is_connected():  # series by version and cipher exist as long as such a connection
        return 'pgmoat_connections_live{listener="default"} 0\n' in http.text("/metrics")

    visit(0)
    eventually(nobody_is_connected, "the first to leave")
    before = series()
    for number in range(1, 40):
        visit(number)
    eventually(nobody_is_connected, "the last to leave")
    assert series() == before


def test_prometheus_scrapes_it_in_plaintext_and_in_tls_with_a_password(pgmoat, http_port, secured, secured_port,
                                                                       workspace, authority):
    with Prometheus(workspace, job("clear", http_port), job("secured", secured_port, authority, USER)) as prometheus:
        for name in ("clear", "secured"):
            prometheus.wait_for(f'up{{job="{name}"}} == 1')
            prometheus.wait_for(f'pgmoat_connections_limit{{job="{name}"}} == 1000')
        prometheus.wait_for('count(pgmoat_certificate_not_after_timestamp_seconds{role="http"}) == 1')


@pytest.mark.parametrize("user", (None, (USER[0], "wrong"), ("nobody", USER[1]), (USER[0], "")), ids=str)
def test_without_the_right_password_there_is_nothing_to_see(secured, secured_port, authority, user):
    assert Http(secured_port, authority, user).get("/metrics")[0] == 401
    assert Http(secured_port, authority, user).get("/healthz") == (200, b"ok\n")
    assert Http(secured_port, authority, USER).get("/metrics")[0] == 200


def test_a_reload_takes_new_users_or_nothing(secured, secured_port, authority, workspace):
    users = secured.settings["http_users_file"]
    write_for_user(users, "nonsense\n")
    secured.process.wait_for_log('expected "user" "SCRAM-SHA-256$..."', since=secured.reload())
    assert Http(secured_port, authority, USER).get("/metrics")[0] == 200
    secured.process.wait_for_log("configuration was reloaded", since=secured.reload({"http_users_file": None}))
    assert Http(secured_port, authority).get("/metrics")[0] == 200


def test_the_old_format_of_the_file_is_taken_with_a_warning(secured, secured_port, authority):
    users = secured.settings["http_users_file"]
    write_for_user(users, f"{USER[0]}:{scram.secret(USER[1])}\n")
    secured.process.wait_for_log("lines of the form user:secret are deprecated", since=secured.reload())
    assert Http(secured_port, authority, USER).get("/metrics")[0] == 200


def test_listening_for_other_machines_without_protection_is_warned_of(start_pgmoat, postgres):
    pgmoat = start_pgmoat(settings={"upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable",
                                    "http_listen": f"0.0.0.0:{free_port()}"})
    assert pgmoat.process.log_lines("can be reached from other machines", "without TLS", "without passwords")


def test_a_reload_that_opens_the_endpoint_to_the_world_is_warned_of(start_pgmoat, workspace, postgres):
    users = subprocess.run([workspace.pgmoat, "http-user", USER[0]], input=USER[1] + "\n", capture_output=True,
                           text=True, check=True, timeout=30).stdout
    pgmoat = start_pgmoat(files={"users": users}, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable",
        "http_listen": f"0.0.0.0:{free_port()}", "http_users_file": "users"})
    assert not pgmoat.process.log_lines("without passwords")
    pgmoat.process.wait_for_log("can be reached from other machines", "without passwords",
                                since=pgmoat.reload({"http_users_file": None}))


def test_check_warns_of_an_endpoint_without_protection(workspace):
    folder = workspace.folder("exposed")
    for address, warned in (("0.0.0.0:1", True), ("*:1", True), ("127.0.0.1:1", False), ("localhost:1", False)):
        write_for_user(folder / "pgmoat.conf", f"upstream = 'host=x'\nhttp_listen = '{address}'\n")
        code, out, error = run_pgmoat(workspace, "check", "--config", folder / "pgmoat.conf")
        assert code == 0 and ("can be reached from other machines" in out + error) == warned, address


def test_log_connections_logs_the_clients_that_were_let_in(start_pgmoat, certificate, postgres):
    pgmoat = start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "log_connections": "on",
        "log_disconnections": "off"})
    with RawClient(pgmoat.port) as client:
        client.start_tls().log_in()
        line = pgmoat.process.wait_for_log("connection authorized")
    assert "LOG:" in line and "user=postgres" in line and "tls=TLSv1" in line and "sent=" not in line
    assert all(f" {step}_seconds=" in line for step in ("greet", "decide", "reach", "login"))
    position = pgmoat.reload({"log_connections": "off"})
    pgmoat.process.wait_for_log("configuration was reloaded", since=position)
    with RawClient(pgmoat.port) as client:
        client.start_tls().log_in()
    assert not pgmoat.process.log_lines("connection authorized", since=position)


def test_a_users_file_that_is_missing_is_found_by_check(workspace, http_port):
    folder = workspace.folder("check")
    write_for_user(folder / "pgmoat.conf", f"upstream = 'host=x'\nhttp_listen = 'localhost:{http_port}'\n"
                                           "http_users_file = 'users'\n")
    code, out, error = run_pgmoat(workspace, "check", "--config", folder / "pgmoat.conf")
    assert code == 3 and "could not read HTTP users file" in out + error


def test_a_storm_of_refusals_is_summarised(start_pgmoat, certificate, postgres):
    pgmoat = start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "log_min_messages": "info"})
    count = 300
    for _ in range(count):
        with RawClient(pgmoat.port) as client:
            client.send(b"\0\0\0\7nonsense").receive_until_closed()
    pgmoat.process.wait_for_log("refused connections suppressed in the log", "reason=startup")
    pgmoat.stop()
    lines = pgmoat.process.log_lines("connection closed", "reason=startup")
    held = [int(line.rsplit("count=", 1)[1]) for line in pgmoat.process.log_lines("refused connections suppressed in the log")]
    assert 100 <= len(lines) < count
    assert len(lines) + sum(held) == count

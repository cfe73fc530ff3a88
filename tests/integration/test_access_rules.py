"""pgmoat's own access rules: TLS demands, server names, routes, limits, reload, dry run.

Decisions by a plain pg_hba.conf are in test_hba_table.py.
"""

import re
import ssl
import threading
import time
import urllib.request

import pytest

from kit import wire
from kit.environment import free_port, write_for_user
from kit.pgmoat import config_text, run_pgmoat
from kit.process import eventually
from kit.raw_client import RawClient, client_hello, tls_context

pytestmark = pytest.mark.once_a_run

CONFIGURATION = 3
TLS12 = {"minimum_version": ssl.TLSVersion.TLSv1_2, "maximum_version": ssl.TLSVersion.TLSv1_2}
HANDSHAKE = b"\x16"  # the type of a record
ACCESS_DENIED, INSUFFICIENT_SECURITY = 49, 71
REJECTS = 'pg_hba.conf rejects connection for host "127.0.0.1", user "postgres", database "postgres", '


def alert(description):
    return bytes((21, 3, 3, 0, 2, 2, description))


def upstream_of(server):
    return f"host=127.0.0.1 port={server.port} sslmode=disable"


@pytest.fixture
def terminating(start_pgmoat, certificate, postgres):
    """terminating(rules, **settings): TLS is terminated."""

    def start(rules, files=None, **settings):
        return start_pgmoat(certificate, files={"pg_hba.conf": rules, **(files or {})}, settings={
            "upstream": upstream_of(postgres), "hba_file": "pg_hba.conf", **settings})

    return start


@pytest.fixture
def passing_through(start_pgmoat, servers):
    def start(rules, server=None, **settings):
        server = server or servers(18, tls=True)
        return start_pgmoat(files={"pg_hba.conf": rules}, settings={
            "tls_mode": "passthrough", "upstream": f"host=127.0.0.1 port={server.port}",
            "hba_file": "pg_hba.conf", **settings})

    return start


def refusal(port, tls=True, startup=None, **context):
    """(SQLSTATE, text) of the client's error."""
    with RawClient(port) as client:
        if tls:
            client.start_tls(**context)
        error = client.send(wire.startup(**(startup or {}))).receive_error()
    return error["C"], error["M"]


def answer_to_hello(port, **context):
    """What comes after S: an alert and the end, or the first bytes of the server's flight."""
    with RawClient(port) as client:
        assert client.send(wire.SSL_REQUEST).receive(1) == b"S"
        answer = client.send(client_hello(**context)).receive(1)
        return answer if answer == HANDSHAKE else answer + client.receive_until_closed()


def server_version(port, tls=True, **context):
    """The version of the server that lets the client in."""
    with RawClient(port) as client:
        if tls:
            client.start_tls(**context)
        row = client.log_in().query("SHOW server_version_num")[1][1]
        client.log_out()
    return int(row[6:]) // 10000


def is_let_in(port):
    with RawClient(port) as client:
        return client.start_tls().send(wire.startup()).receive_message()[0] == b"R"


def metric(address, name, **labels):
    """The value of the series with these labels, whatever others it has; None if there is none."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=20) as page:
        for line in page.read().decode().splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if found and found[1] == name and labels.items() <= dict(re.findall(r'(\w+)="([^"]*)"', found[2] or "")).items():
                return float(found[3])
    return None


class TestRefusal:
    def test_psql_shows_the_text_with_tls_and_without(self, terminating, clients):
        pgmoat = terminating("host all all all reject\n")
        for client in clients.values():
            assert REJECTS + "SSL encryption" in client.connect(pgmoat.port, sslmode="require").error
            assert REJECTS + "no encryption" in client.connect(pgmoat.port, sslmode="disable").error

    def test_a_refused_client_never_reaches_the_server(self, terminating, start_fake_server):
        server = start_fake_server(lambda visitor: visitor.let_in())
        pgmoat = terminating("hostssl all all all reject\n", upstream=upstream_of(server))
        for tls in (False, True):
            refusal(pgmoat.port, tls)
        assert b"user\0" not in server.received

    def test_the_log_names_the_line_and_its_text(self, terminating):
        pgmoat = terminating("# a comment\nhost all all all reject # why\n")
        refusal(pgmoat.port)
        line = pgmoat.process.wait_for_log("connection closed", "reason=denied")
        assert "rule=pg_hba.conf:2" in line
        assert "host all all all reject" in line

    def test_a_client_that_no_line_matches_has_none_in_the_log(self, terminating):
        pgmoat = terminating("hostssl all all all trust\n")
        assert refusal(pgmoat.port, tls=False)[1].startswith("no pg_hba.conf entry for host")
        assert "rule" not in pgmoat.closed_line("reason=denied")

    def test_with_rules_there_is_no_warning_of_missing_ones(self, terminating):
        pgmoat = terminating("host all all all scram-sha-256\n")
        assert not pgmoat.process.log_lines("no access rules")

    def test_a_server_name_of_a_hostile_client_is_harmless_in_the_text(self, terminating):
        pgmoat = terminating("host all all all reject\n")
        hostile = 'x"\n2026 FATAL: y'
        assert hostile in refusal(pgmoat.port, startup={"user": hostile})[1]
        assert "\n2026 FATAL" not in pgmoat.process.wait_for_log("connection closed")


class TestDemandsWhereTlsEnds:
    def test_an_old_version_is_refused_with_the_reason(self, terminating):
        pgmoat = terminating("hostssl all all all trust tls_min=TLSv1.3\n")
        sqlstate, text = refusal(pgmoat.port, **TLS12)
        assert sqlstate == "28000" and "TLSv1.2" in text and "TLSv1.3" in text
        assert server_version(pgmoat.port) == 18

    def test_another_cipher_is_refused_with_the_reason(self, terminating):
        pgmoat = terminating("hostssl all all all trust tls_ciphers=TLS_AES_256_GCM_SHA384\n")
        assert server_version(pgmoat.port) == 18
        pgmoat.write_files({"pg_hba.conf": "hostssl all all all trust tls_ciphers=TLS_AES_128_CCM_SHA256\n"})
        pgmoat.process.wait_for_log("configuration was reloaded", since=pgmoat.reload())
        sqlstate, text = refusal(pgmoat.port)
        assert sqlstate == "28000" and "TLS_AES_256_GCM_SHA384" in text and "TLS_AES_128_CCM_SHA256" in text

    def test_another_group_is_refused_with_the_reason(self, terminating):
        pgmoat = terminating("hostssl all all all trust tls_groups=X25519\n")
        assert server_version(pgmoat.port) == 18
        sqlstate, text = refusal(pgmoat.port, group="prime256v1")
        assert sqlstate == "28000" and "X25519" in text

    def test_an_unmet_demand_refuses_and_no_later_rule_is_tried(self, terminating):
        pgmoat = terminating("hostssl all all all trust tls_min=TLSv1.3\nhostssl all all all trust\n")
        assert refusal(pgmoat.port, **TLS12)[0] == "28000"
        assert pgmoat.closed_line("reason=denied")["rule"] == "pg_hba.conf:1"

    def test_plaintext_meets_no_demand(self, terminating):
        pgmoat = terminating("host all all all trust tls_min=TLSv1.2\n")
        sqlstate, text = refusal(pgmoat.port, tls=False)
        assert sqlstate == "28000" and "no encryption" in text


class TestDemandsWhereTlsPasses:
    def test_an_old_version_gets_an_alert(self, passing_through):
        pgmoat = passing_through("hostssl all all all trust tls_min=TLSv1.3\n")
        assert answer_to_hello(pgmoat.port, **TLS12) == alert(INSUFFICIENT_SECURITY)
        line = pgmoat.closed_line("reason=denied")
        assert line["rule"] == "pg_hba.conf:1" and "TLSv1.2" in line["tls"]
        assert server_version(pgmoat.port) == 18

    def test_another_cipher_gets_an_alert(self, passing_through):
        pgmoat = passing_through("hostssl all all all trust tls_ciphers=TLS_AES_128_CCM_SHA256\n")
        assert answer_to_hello(pgmoat.port) == alert(INSUFFICIENT_SECURITY)

    def test_another_group_gets_an_alert(self, passing_through):
        pgmoat = passing_through("hostssl all all all trust tls_groups=X25519\n")
        assert answer_to_hello(pgmoat.port, group="prime256v1") == alert(INSUFFICIENT_SECURITY)
        assert server_version(pgmoat.port) == 18

    def test_reject_is_an_alert_too(self, passing_through):
        pgmoat = passing_through("hostssl all all all reject\nhostnossl all all all trust\n")
        assert answer_to_hello(pgmoat.port) == alert(ACCESS_DENIED)
        with RawClient(pgmoat.port) as direct:
            assert direct.send(client_hello()).receive_until_closed() == alert(ACCESS_DENIED)
        assert server_version(pgmoat.port, tls=False) == 18

    def test_no_entry_is_an_alert_too(self, passing_through):
        pgmoat = passing_through("hostnossl all all all trust\n")
        assert answer_to_hello(pgmoat.port) == alert(ACCESS_DENIED)

    def test_in_plaintext_the_text_comes_without_names(self, passing_through):
        pgmoat = passing_through("hostnossl all all all reject\n")
        assert refusal(pgmoat.port, tls=False) == (
            "28000", 'pg_hba.conf rejects connection for host "127.0.0.1", no encryption')

    @pytest.mark.parametrize("rule", (
        "hostssl sales all all trust", "hostssl all alice all trust", "hostssl all all all cert",
        "hostssl all all all trust clientcert=verify-ca"))
    def test_a_rule_that_cannot_be_judged_is_an_error_with_its_line(self, workspace, rule):
        folder = workspace.folder("config")
        write_for_user(folder / "pg_hba.conf", f"# first\n{rule}\n")
        write_for_user(folder / "pgmoat.conf", config_text({
            "port": free_port(), "upstream": "host=127.0.0.1", "tls_mode": "passthrough", "hba_file": "pg_hba.conf"}))
        code, out, error = run_pgmoat(workspace, "check", "--config", folder / "pgmoat.conf")
        assert code == CONFIGURATION and re.search(r"\bline 2\b", out + error) and "pg_hba.conf" in out + error


ROUTES = """
hostssl all all all reject sni=old.example.com
hostssl all all all trust  sni=DB.example.com upstream=fifteen
hostssl all all all trust
"""


class TestServerNames:
    @pytest.fixture(params=("terminate", "passthrough"))
    def routing(self, request, start_pgmoat, certificate, servers):
        """pgmoat in front of two servers: 18, and 15 for one name."""
        tls = request.param == "passthrough"
        sslmode = "" if tls else "sslmode=disable"
        return start_pgmoat(None if tls else certificate, files={"pg_hba.conf": ROUTES}, settings={
            "tls_mode": request.param, "hba_file": "pg_hba.conf",
            "upstream": f"host=127.0.0.1 port={servers(18, tls).port} {sslmode}",
            "upstream.fifteen": f"host=127.0.0.1 port={servers(15, tls).port} {sslmode}"})

    def test_a_name_chooses_the_rule_and_the_rule_the_server(self, routing, installations):
        assert server_version(routing.port, server_name="db.example.com") == installations[15].major
        assert server_version(routing.port, server_name="Db.Example.Com") == installations[15].major
        assert server_version(routing.port, server_name="other.example.com") == 18
        assert routing.closed_line("sni=other.example.com")["upstream"] == "default"
        assert routing.closed_line("sni=db.example.com")["upstream"] == "fifteen"

    def test_a_name_can_be_turned_away(self, routing):
        with pytest.raises((OSError, EOFError, AssertionError)):
            server_version(routing.port, server_name="old.example.com")
        assert routing.closed_line("sni=old.example.com")["reason"] == "denied"

    def test_direct_tls_has_a_name_too(self, routing):
        with RawClient(routing.port) as client:
            try:
                client.handshake(server_name="old.example.com").send(wire.startup()).receive_error()
            except (OSError, EOFError):
                pass  # with passed-through TLS, the answer is an alert
        line = routing.closed_line("sni=old.example.com")
        assert line["rule"] == "pg_hba.conf:2", line

    def test_plaintext_has_no_name(self, routing):
        with RawClient(routing.port) as client:
            error = client.send(wire.startup()).receive_error()
        assert error["M"].startswith("no pg_hba.conf entry for host")

    def test_an_unknown_upstream_is_an_error_with_its_line(self, workspace):
        folder = workspace.folder("config")
        write_for_user(folder / "pg_hba.conf", "host all all all trust upstream=nowhere\n")
        write_for_user(folder / "pgmoat.conf", config_text({
            "port": free_port(), "upstream": "host=127.0.0.1", "hba_file": "pg_hba.conf"}))
        code, out, error = run_pgmoat(workspace, "check", "--config", folder / "pgmoat.conf")
        assert code == CONFIGURATION and "nowhere" in out + error and re.search(r"\bline 1\b", out + error)


class TestTemplates:
    """upstream= with a host built from what the client asks for."""

    RULES = r"""
hostssl all all all trust sni=/^([a-z0-9-]+)\.pg\.example\.com$ upstream=tenant
hostssl all all all trust sni=/^(.*)\.loose\.example\.com$ upstream=loose
"""

    @pytest.fixture(params=("terminate", "passthrough"))
    def tenants(self, request, start_pgmoat, certificate, authority, servers, http_port):
        """pgmoat in front of 15 (a fixed server, to which no rule leads) and localhost, where 18 is."""
        passthrough = request.param == "passthrough"
        tls = "" if passthrough else f"sslmode=verify-full sslrootcert={authority.certificate}"
        port = servers(18, True).port
        return start_pgmoat(None if passthrough else certificate, files={"pg_hba.conf": self.RULES}, settings={
            "tls_mode": request.param, "hba_file": "pg_hba.conf", "http_listen": f"127.0.0.1:{http_port}",
            "upstream": f"host=127.0.0.1 port={servers(15, True).port}",
            "upstream.tenant": f"host=\\1host port={port} {tls}",
            "upstream.loose": f"host=\\1 port={port} {tls}"})

    def test_the_name_leads_to_its_server(self, tenants, http_port):
        assert server_version(tenants.port, server_name="local.pg.example.com") == 18
        assert server_version(tenants.port, server_name="LOCAL.PG.Example.Com") == 18
        line = tenants.closed_line("sni=local.pg.example.com")
        assert line["upstream"] == "tenant" and line["rule"] == "pg_hba.conf:2", line
        # However many hosts there are, the label is the template.
        with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/metrics", timeout=20) as page:
            labels = set(re.findall(r'upstream="([^"]*)"', page.read().decode()))
        assert labels <= {"default", "tenant", "loose"} and "tenant" in labels

    def test_a_tenant_that_is_not_there_is_like_a_server_that_is_not(self, tenants):
        with pytest.raises((OSError, EOFError, AssertionError)):
            server_version(tenants.port, server_name="no-such.pg.example.com")
        line = tenants.process.wait_for_log("connection closed", "sni=no-such.pg.example.com")
        assert "reason=upstream_failed" in line and "no-suchhost" in line, line

    @pytest.mark.parametrize("name", ("127.0.0.1", "2130706433", "0x7f000001", "-a"))
    def test_what_is_no_host_name_is_refused(self, tenants, name):
        with pytest.raises((OSError, EOFError, AssertionError)):
            server_version(tenants.port, server_name=f"{name}.loose.example.com")
        line = tenants.process.wait_for_log("connection closed", f"sni={name}.loose.example.com")
        assert "reason=denied" in line, line
        assert "there is no server for the host name that was asked for" in line

    def test_other_names_lead_nowhere(self, tenants):
        for name in ("pg.example.com", "a.b.pg.example.com", "local.pg.example.com.evil.example"):
            with pytest.raises((OSError, EOFError, AssertionError)):
                server_version(tenants.port, server_name=name)
            assert tenants.closed_line(f"sni={name} ")["reason"] == "denied"

    def test_the_command_line_shows_it(self, tenants, workspace):
        code, output, _ = run_pgmoat(workspace, "hba", "test", "--config", tenants.config_file, "--address",
                                     "10.0.0.1", "--tls", "TLSv1.3", "--sni", "acme.pg.example.com")
        assert code == 0 and 'upstream "tenant" (host acmehost)' in output, output


class TestHelloRetryRequest:
    """The server wants another group, so the client sends two hellos. The rules have judged the first one."""

    @pytest.fixture
    def pgmoat(self, passing_through, start_postgres, server_certificate):
        server = start_postgres(certificate=server_certificate, settings={"ssl_groups": "prime256v1"})
        return passing_through("hostssl all all all reject sni=no.example.com\nhostssl all all all trust\n", server)

    @staticmethod
    def second_flight(port, change):
        """Connects up to the second hello, lets change() rewrite it, and returns the server's answer."""
        with RawClient(port) as client:
            assert client.send(wire.SSL_REQUEST).receive(1) == b"S"
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            session = tls_context().wrap_bio(incoming, outgoing, server_hostname="ok.example.com")
            for rewrite in (lambda hello: hello, change):
                with pytest.raises(ssl.SSLWantReadError):
                    session.do_handshake()
                client.send(rewrite(outgoing.read()))
                answer = client.socket.recv(65536)
                incoming.write(answer)
            return answer

    def test_the_same_name_again_is_let_in(self, pgmoat):
        assert self.second_flight(pgmoat.port, lambda hello: hello)[:1] == HANDSHAKE
        assert server_version(pgmoat.port, server_name="ok.example.com") == 18

    def test_another_name_is_cut_off(self, pgmoat):
        def rewrite(hello):
            assert b"ok.example.com" in hello
            return hello.replace(b"ok.example.com", b"no.example.com")

        try:
            answer = self.second_flight(pgmoat.port, rewrite)
        except ConnectionError:
            answer = b""
        assert answer[:1] in (b"", b"\x15"), answer
        pgmoat.process.wait_for_log("connection closed", "reason=handshake", "second ClientHello")


class TestLimitOfARule:
    def test_the_next_one_is_refused_until_one_leaves(self, terminating):
        pgmoat = terminating("hostssl all all all trust max_connections=2\nhost all all all trust\n")
        first, second = (RawClient(pgmoat.port).start_tls().log_in() for _ in range(2))
        assert refusal(pgmoat.port)[0] == "53300"
        assert server_version(pgmoat.port, tls=False) == 18, "another rule has no limit"
        first.log_out()
        first.socket.close()
        eventually(lambda: is_let_in(pgmoat.port), "the seat of the one who left")
        second.socket.close()

    def test_a_reload_that_keeps_the_rule_keeps_its_count(self, terminating):
        rule = "hostssl all all all trust max_connections=1\n"
        pgmoat = terminating(rule)
        with RawClient(pgmoat.port) as client:
            client.start_tls().log_in()
            pgmoat.write_files({"pg_hba.conf": "# another line number\n" + rule})
            pgmoat.process.wait_for_log("configuration was reloaded", since=pgmoat.reload())
            assert refusal(pgmoat.port)[0] == "53300"


class TestRulesOfAListener:
    def test_each_listener_has_its_own_file(self, terminating):
        port = free_port()
        pgmoat = terminating("host all all all trust\n", files={"edge.conf": "# strict\nhost all all all reject\n"},
                             **{"listener.edge": f"address=127.0.0.1 port={port} hba_file=edge.conf"})
        assert server_version(pgmoat.port) == 18
        assert refusal(port)[1] == REJECTS + "SSL encryption"
        line = pgmoat.closed_line("reason=denied")
        assert (line["listener"], line["rule"]) == ("edge", "edge.conf:2")


class TestReload:
    def test_new_rules_are_in_force_at_once_and_the_log_says_what_changed(self, terminating):
        pgmoat = terminating("host all alice all trust\nhost all bob all trust\nhost all carol all trust\n")
        assert refusal(pgmoat.port)[0] == "28000"
        pgmoat.write_files({"pg_hba.conf": "host all carol all trust\nhost all alice all trust\n"
                                           "host all postgres all trust\n"})
        position = pgmoat.reload()
        pgmoat.process.wait_for_log("configuration was reloaded", since=position)
        assert server_version(pgmoat.port) == 18
        for words in (("added", "host all postgres all trust"), ("removed", "host all bob all trust"), ("moved",)):
            pgmoat.process.wait_for_log(*words, "pg_hba.conf", since=position)

    def test_a_reload_without_a_change_says_nothing_of_rules(self, terminating):
        pgmoat = terminating("host all all all trust\n")
        position = pgmoat.reload()
        pgmoat.process.wait_for_log("configuration was reloaded", since=position)
        for word in ("added", "removed", "moved"):
            assert not pgmoat.process.log_lines(word, "pg_hba.conf", since=position)

    def test_a_broken_line_leaves_the_old_rules_and_is_named(self, terminating):
        pgmoat = terminating("host all all all reject\n", http_listen=f"127.0.0.1:{free_port()}")
        pgmoat.write_files({"pg_hba.conf": "host all all all trust\nhost all all all nonsense\n"})
        position = pgmoat.reload()
        line = pgmoat.process.wait_for_log('invalid authentication method "nonsense"', since=position)
        assert "pg_hba.conf" in line and re.search(r"\bline 2\b", line)
        pgmoat.process.wait_for_log("no changes were applied", since=position)
        assert refusal(pgmoat.port)[1] == REJECTS + "SSL encryption"

    def test_a_broken_file_stops_a_start(self, workspace):
        folder = workspace.folder("config")
        write_for_user(folder / "pg_hba.conf", "host all all all trust\n\nhost all all 127.0.0.1/99 trust\n")
        write_for_user(folder / "pgmoat.conf", config_text({
            "port": free_port(), "upstream": "host=127.0.0.1", "hba_file": "pg_hba.conf"}))
        code, out, error = run_pgmoat(workspace, "--config", folder / "pgmoat.conf")
        assert code == CONFIGURATION
        assert 'invalid CIDR mask in address "127.0.0.1/99"' in out + error and re.search(r"\bline 3\b", out + error)

    def test_a_missing_file_stops_a_start(self, workspace):
        folder = workspace.folder("config")
        write_for_user(folder / "pgmoat.conf", config_text({
            "port": free_port(), "upstream": "host=127.0.0.1", "hba_file": "missing.conf"}))
        code, out, error = run_pgmoat(workspace, "--config", folder / "pgmoat.conf")
        assert code == CONFIGURATION and "missing.conf" in out + error

    @pytest.mark.parametrize("then", ("keep", "disconnect"))
    def test_live_connections_that_are_no_longer_permitted(self, terminating, then):
        pgmoat = terminating("host all all all trust\n", hba_on_reload=then)
        with RawClient(pgmoat.port) as unwanted, RawClient(pgmoat.port) as wanted:
            unwanted.start_tls().log_in()
            wanted.log_in()
            pgmoat.write_files({"pg_hba.conf": "hostssl all all all reject\nhost all all all trust\n"})
            position = pgmoat.reload()
            said = {"keep": "live connection is no longer permitted by the access rules",
                    "disconnect": "closing connection: no longer permitted by the access rules"}[then]
            line = pgmoat.process.wait_for_log(said, since=position)
            assert "pg_hba.conf:1" in line
            if then == "keep":
                assert unwanted.query("SELECT 'still'")[1][1].endswith(b"still")
            else:
                unwanted.receive_until_closed()
            assert wanted.query("SELECT 'here'")[1][1].endswith(b"here")
        assert len(pgmoat.process.log_lines(said, since=position)) == 1

    def test_no_connection_sees_a_mixture(self, terminating):
        """Under load, two sets of rules alternate that refuse with different texts in different lines."""
        filler = "host all nobody all trust\n" * 50
        sets = (filler + "host all all all reject\n", "host all all all trust tls_min=TLSv1.2\n" + filler)
        outcome_of = {"pg_hba.conf:51": REJECTS + "no encryption", "pg_hba.conf:1": "but pg_hba.conf requires TLS"}
        pgmoat = terminating(sets[0], control_threads=2)
        stop, texts, failures = threading.Event(), set(), []

        def connect_all_the_time():
            try:
                while not stop.is_set():
                    texts.add(refusal(pgmoat.port, tls=False)[1])
                    time.sleep(0.005)
            except Exception as error:  # an error of the thread is the test's
                failures.append(error)

        threads = [threading.Thread(target=connect_all_the_time) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            end = time.monotonic() + 2
            turn = 0
            while time.monotonic() < end or turn < 4:
                turn += 1
                pgmoat.write_files({"pg_hba.conf": sets[turn % 2]})
                pgmoat.process.wait_for_log("configuration was reloaded", since=pgmoat.reload())
                now = refusal(pgmoat.port, tls=False)[1]
                assert list(outcome_of.values())[turn % 2] in now, "the log came before the rules"
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert not failures and len(texts) == 2, (failures, texts)
        lines = pgmoat.process.log_lines("connection closed", "reason=denied")
        assert len(lines) > 100
        for line in lines:
            assert outcome_of[re.search(r"rule=(\S+)", line)[1]].replace('"', r'\"') in line, line


class TestDryRun:
    @pytest.fixture
    def dry_run(self, terminating, servers):
        self.http = f"127.0.0.1:{free_port()}"
        return terminating("host all all all trust\n", http_listen=self.http, hba_dry_run_file="next.conf",
                           files={"next.conf": "hostssl all all all trust tls_min=TLSv1.3\n"
                                                "host all all all trust upstream=fifteen\n"},
                           **{"upstream.fifteen": upstream_of(servers(15, tls=False))})

    def hits(self, rule, result):
        counts = {metric(self.http, name, file="next.conf", rule=rule, result=result)
                  for name in ("pgmoat_dry_run_hits_total", "pgmoat_audit_hits_total")}  # the second: deprecated
        return counts.pop() if len(counts) == 1 else None

    def test_a_client_that_would_be_refused_is_let_in_counted_and_logged(self, dry_run):
        assert server_version(dry_run.port, **TLS12) == 18
        line = dry_run.process.wait_for_log("dry run: would be refused")
        assert "rule=next.conf:1" in line and "TLSv1.2" in line and "TLSv1.3" in line
        eventually(lambda: self.hits("1", "demand_unmet") == 1, "the count")

    def test_a_client_that_would_go_elsewhere_is_logged(self, dry_run):
        assert server_version(dry_run.port, tls=False) == 18
        line = dry_run.process.wait_for_log("dry run: would go to another upstream")
        assert "rule=next.conf:2" in line and "upstream=fifteen" in line
        eventually(lambda: self.hits("2", "reroute") == 1, "the count")

    def test_a_client_that_would_be_treated_the_same_is_only_counted(self, dry_run):
        assert server_version(dry_run.port) == 18
        eventually(lambda: self.hits("1", "allow") == 1, "the count")
        assert not dry_run.process.log_lines("dry run: ")


class TestCounts:
    def test_every_rule_counts_by_its_result(self, terminating):
        http = f"127.0.0.1:{free_port()}"
        pgmoat = terminating("hostssl all all all trust tls_min=TLSv1.3\nhost all bob all reject\n", http_listen=http)

        def hits(rule, result):
            return metric(http, "pgmoat_rule_hits_total", file="pg_hba.conf", rule=rule, result=result)

        assert hits("1", "allow") == 0, "a series is there before its first event"
        server_version(pgmoat.port)
        refusal(pgmoat.port, **TLS12)
        refusal(pgmoat.port, tls=False, startup={"user": "bob"})
        refusal(pgmoat.port, tls=False)
        counted = [hits("1", "allow"), hits("1", "demand_unmet"), hits("2", "deny"), hits("none", "no_entry")]
        assert counted == [1, 1, 1, 1]

    def test_counts_outlive_a_reload_that_keeps_the_rule(self, terminating):
        http = f"127.0.0.1:{free_port()}"
        rule = "host all all all reject\n"
        pgmoat = terminating(rule, http_listen=http)
        refusal(pgmoat.port)
        pgmoat.write_files({"pg_hba.conf": "# one line further down\n" + rule})
        pgmoat.process.wait_for_log("configuration was reloaded", since=pgmoat.reload())
        assert metric(http, "pgmoat_rule_hits_total", file="pg_hba.conf", rule="2", result="deny") == 1

    def test_no_series_continues_with_another_rules_count(self, terminating):
        http = f"127.0.0.1:{free_port()}"
        rules = "hostssl all all all trust tls_min=TLSv1.3\nhost all bob all reject\n"
        pgmoat = terminating(rules, http_listen=http)
        for _ in range(7):
            server_version(pgmoat.port)

        def series():
            with urllib.request.urlopen(f"http://{http}/metrics", timeout=30) as answer:
                lines = [line.rsplit(" ", 1) for line in answer.read().decode().splitlines()]
            return {name: float(value) for name, value in lines if name.startswith("pgmoat_rule_hits_total{")}

        before = series()
        assert sum(before.values()) == 7
        pgmoat.write_files({"pg_hba.conf": "host all carol all reject\n" + rules})
        pgmoat.process.wait_for_log("configuration was reloaded", since=pgmoat.reload())
        after = series()
        assert sum(after.values()) == 7
        assert not [name for name in before.keys() & after.keys() if before[name] != after[name]]


class TestHbaTest:
    """`pgmoat hba test` gives the same result as the running proxy."""

    @pytest.fixture
    def ask(self, workspace):
        folder = workspace.folder("config")
        write_for_user(folder / "pg_hba.conf", "hostssl all alice 10.0.0.0/8 trust tls_min=TLSv1.3 upstream=fifteen\n"
                                               "host all all 10.0.0.0/8 reject\n")
        write_for_user(folder / "pgmoat.conf", config_text({
            "port": free_port(), "upstream": "host=127.0.0.1", "upstream.fifteen": "host=127.0.0.2",
            "hba_file": "pg_hba.conf", "ssl": "on"}))

        def run(*arguments):
            code, out, error = run_pgmoat(workspace, "hba", "test", "--config", folder / "pgmoat.conf", *arguments)
            return code, out + error

        return run

    def test_an_allowed_connection_exits_0_and_names_line_and_server(self, ask):
        code, out = ask("--address", "10.1.2.3", "--user", "alice", "--database", "sales", "--tls", "TLSv1.3")
        assert code == 0 and "line 1" in out and "fifteen" in out

    def test_a_refused_connection_exits_1_and_shows_the_text(self, ask):
        code, out = ask("--address", "10.1.2.3", "--user", "bob", "--database", "sales")
        assert code == 1 and "line 2" in out
        assert 'pg_hba.conf rejects connection for host "10.1.2.3", user "bob", database "sales", no encryption' in out

    def test_an_unmet_demand_and_no_entry_exit_1(self, ask):
        code, out = ask("--address", "10.1.2.3", "--user", "alice", "--database", "sales", "--tls", "TLSv1.2")
        assert code == 1 and "TLSv1.3" in out
        code, out = ask("--address", "192.168.0.1", "--user", "alice", "--database", "sales")
        assert code == 1 and "no pg_hba.conf entry for host" in out

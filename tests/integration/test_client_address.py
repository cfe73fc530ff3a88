"""The client's address through all hops: PROXY protocol in and out, and facts for a plain PostgreSQL."""

import socket
import struct
import time

import pytest

from kit import wire
from kit.environment import SOURCE, free_port
from kit.metrics import scrape
from kit.postgres import Postgres
from kit.raw_client import RawClient

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
CLIENT = b"PROXY TCP4 198.51.100.7 203.0.113.5 56324 5432\r\n"


def binary(command=1, family=0x11, block=bytes((198, 51, 100, 7, 203, 0, 113, 5, 0xDC, 4, 0x15, 0x38)), values=b""):
    return SIGNATURE + bytes((0x20 | command, family)) + struct.pack("!H", len(block + values)) + block + values


def value(kind, data):
    return bytes((kind,)) + struct.pack("!H", len(data)) + data


def one(client, sql):
    """The only field of the only row."""
    for kind, body in client.query(sql):
        assert kind != b"E", wire.error_fields(body)
        if kind == b"D":
            (length,) = struct.unpack("!i", body[2:6])
            return body[6:6 + length].decode()
    raise AssertionError("no row")


@pytest.fixture
def behind_proxy(start_pgmoat, certificate, postgres):
    """pgmoat with a listener that requires a header; returns it and the listener's port."""
    def start(trusted="127.0.0.0/8", listener="", **settings):
        port = free_port()
        options = f"address=127.0.0.1 port={port} proxy_protocol=require trusted={trusted} {listener}"
        pgmoat = start_pgmoat(certificate, settings={
            "listener.edge": options, "authentication_timeout": "3s",
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", **settings})
        return pgmoat, port
    return start


class TestIn:
    @pytest.mark.parametrize("header", (CLIENT, binary(), binary(values=value(5, b"id-7") + value(2, b"db.example"))),
                             ids=("v1", "v2", "v2 with values"))
    def test_the_client_is_who_the_header_names(self, behind_proxy, header):
        pgmoat, port = behind_proxy()
        with RawClient(port) as client:
            client.send(header).start_tls().log_in().log_out()
        line = pgmoat.closed_line("listener=edge")
        assert line["client"] == "198.51.100.7:56324"
        assert line["proxy"].startswith("127.0.0.1:")
        assert line["tls"] == "TLSv1.3"
        assert line.get("proxy_id") == ("id-7" if b"id-7" in header else None)

    def test_a_header_in_pieces_and_in_one_segment_with_what_follows(self, behind_proxy):
        pgmoat, port = behind_proxy()
        for header in (CLIENT, binary()):
            with RawClient(port) as client:
                client.send(*(header[at:at + 9] for at in range(0, len(header), 9))).start_tls().log_in()
            with RawClient(port) as client:
                client.send(header + wire.startup()).receive_until(b"Z")

    def test_rules_see_the_client(self, behind_proxy):
        pgmoat, port = behind_proxy()
        pgmoat.write_files({"hba.conf": "host all all 198.51.100.0/24 trust\n"})
        pgmoat.configure({"hba_file": "hba.conf"})
        pgmoat.process.wait_for_log("configuration was reloaded", since=pgmoat.reload())
        with RawClient(port) as client:
            client.send(CLIENT).log_in()
        with RawClient(port) as client:
            error = client.send(CLIENT.replace(b"198.51.100.7", b"192.0.2.9"), wire.startup()).receive_error()
        assert error["C"] == "28000" and "192.0.2.9" in error["M"]

    @pytest.mark.parametrize("opening", (wire.SSL_REQUEST, wire.startup(), b"GET / HTTP/1.0\r\n\r\n", b"PROXY TCP4 x\r\n",
                                         binary(command=2), binary(values=value(3, bytes(4))), binary(values=b"\1"),
                                         SIGNATURE + b"\x21\x11\xff\xff"))
    def test_without_a_good_header_nothing_is_answered(self, behind_proxy, http_port, opening):
        pgmoat, port = behind_proxy(http_listen=f"127.0.0.1:{http_port}")
        began = time.monotonic()
        with RawClient(port) as client:
            assert client.send(opening).receive_until_closed() == b""
        assert time.monotonic() - began < 2.5
        assert "PROXY " in pgmoat.process.wait_for_log("connection closed", "listener=edge", "reason=proxy_header")
        metrics = scrape(pgmoat)
        assert metrics.by("reason", "pgmoat_connections_closed_total", listener="edge") == {"proxy_header": 1}
        assert metrics.by("reason", "pgmoat_startup_errors_total", listener="edge") == {"proxy_header": 1}
        assert metrics.by("kind", "pgmoat_startup_requests_total", listener="edge") == {"invalid": 1}

    @pytest.mark.parametrize("opening, reason, kind, error", (
        (b"", "startup", "eof", {}), (binary()[:20], "proxy_header", "invalid", {"proxy_header": 1})))
    def test_half_a_header_is_a_bad_one_and_a_probe_is_none(self, behind_proxy, http_port, opening, reason, kind, error):
        pgmoat, port = behind_proxy(http_listen=f"127.0.0.1:{http_port}")
        with RawClient(port) as client:
            client.send(opening)
        pgmoat.closed_line("listener=edge", f"reason={reason}")
        metrics = scrape(pgmoat)
        assert metrics.by("reason", "pgmoat_startup_errors_total", listener="edge") == error
        assert metrics.by("kind", "pgmoat_startup_requests_total", listener="edge") == {kind: 1}

    def test_an_untrusted_peer_is_refused_with_a_header_and_without(self, behind_proxy):
        pgmoat, port = behind_proxy(trusted="10.0.0.0/8")
        for opening in (CLIENT, binary(), wire.SSL_REQUEST):
            with RawClient(port) as client:
                assert client.send(opening).receive_until_closed() == b""
        pgmoat.closed_line("listener=edge", "reason=denied")

    def test_half_a_header_costs_the_deadline_and_no_more(self, behind_proxy):
        _, port = behind_proxy()
        began = time.monotonic()
        with RawClient(port) as client:
            assert client.send(binary()[:20]).receive_until_closed() == b""
        assert 2.5 < time.monotonic() - began < 5.5

    def test_a_health_check_is_the_proxys_own_connection_and_has_no_limit(self, behind_proxy):
        pgmoat, port = behind_proxy(max_connections_per_address=1)
        checks = [RawClient(port).send(binary(command=0, family=0, block=b"")) for _ in range(5)]
        with RawClient(port) as client:
            client.send(CLIENT).log_in()
        for check in checks:
            check.log_in()
            check.socket.close()
        assert pgmoat.closed_line("listener=edge", "client=127.0.0.1:")

    def test_the_limits_are_the_clients(self, behind_proxy):
        _, port = behind_proxy(max_connections_per_address=1)
        with RawClient(port) as first:
            first.send(CLIENT).log_in()
            with RawClient(port) as second:
                assert second.send(CLIENT, wire.startup()).receive_error()["C"] == "53300"
            with RawClient(port) as other:
                other.send(CLIENT.replace(b"100.7", b"100.8")).log_in()

    def test_other_listeners_take_no_header(self, behind_proxy):
        pgmoat, _ = behind_proxy(upstream="host=127.0.0.1 port=1 sslmode=disable", listen_addresses="127.0.0.1")
        with RawClient(pgmoat.port) as client:
            client.send(CLIENT).receive_until_closed()
        assert "198.51.100.7" not in "".join(pgmoat.process.log_lines("connection closed"))


class TestOut:
    @pytest.mark.parametrize("version", ("v1", "v2"))
    def test_another_pgmoat_learns_who_the_client_is(self, behind_proxy, start_pgmoat, certificate, version):
        inner, port = behind_proxy()
        outer = start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={port} sslmode=require proxy_protocol={version}"})
        with RawClient(outer.port, source="127.0.0.9") as client:
            mine = client.socket.getsockname()
            client.start_tls().log_in().log_out()
        line = inner.closed_line("listener=edge", "client=127.0.0.9:")
        assert line["client"] == f"127.0.0.9:{mine[1]}"
        if version == "v2":
            assert (line["proxy_tls"], line["proxy_sni"]) == ("TLSv1.3", "localhost")
            assert line["proxy_cipher"].startswith("TLS_") and line["proxy_id"]

    @pytest.mark.parametrize("version", ("v1", "v2"))
    @pytest.mark.parametrize("direct", (False, True), ids=("through the hop", "beside it"))
    def test_connections_of_pgmoat_itself_send_a_header_of_their_own(self, behind_proxy, start_pgmoat, certificate,
                                                                     postgres, version, direct):
        inner, port = behind_proxy()
        beside = f"port={postgres.port} proxy_protocol=off" if direct else ""
        outer = start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={port} sslmode=require proxy_protocol={version}",
            "role_query": "SELECT rolname FROM pg_roles WHERE rolname = $1",
            "role_query_conninfo": f"user=postgres dbname=postgres sslmode=disable {beside}", "hba_file": "pg_hba.conf"},
            files={"pg_hba.conf": "host all +postgres all trust\n"})
        with RawClient(outer.port, source="127.0.0.9") as client:
            client.log_in().log_out()
        inner.closed_line("listener=edge", "client=127.0.0.9:")
        outer.stop()
        if not direct:
            inner.closed_line("application=pgmoat")
        asked = [line for line in inner.process.log_lines("connection closed") if "application=pgmoat" in line]
        assert len(asked) == (0 if direct else 1)
        assert all("client=127.0.0.1:" in line and "user=postgres" in line for line in asked)

    def test_the_header_is_the_first_that_a_server_receives(self, start_pgmoat, certificate):
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(10)
            pgmoat = start_pgmoat(certificate, settings={
                "upstream": f"host=127.0.0.1 port={server.getsockname()[1]} sslmode=disable proxy_protocol=v1"})
            with RawClient(pgmoat.port) as client:
                name = client.socket.getsockname()
                client.send(wire.startup())
                seen = b""
                while not seen.startswith(b"PROXY TCP4"):
                    peer, _ = server.accept()  # the first may be the probe of the server at start
                    peer.settimeout(10)
                    seen = peer.recv(4096)
                    while seen.startswith(b"PROXY TCP4") and not seen.endswith(wire.startup()):
                        seen += peer.recv(4096)
                    peer.close()
        head = f"PROXY TCP4 127.0.0.1 127.0.0.1 {name[1]} {pgmoat.port}\r\n".encode()
        assert seen == head + wire.startup()


class TestFacts:
    @pytest.fixture
    def start(self, start_pgmoat, certificate, postgres):
        return lambda facts: start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable client_facts={facts}"})

    def test_application_name_ends_in_the_address(self, start):
        pgmoat = start("application_name")
        for given, expected in (("psql", "psql - "), ("x" * 80, "x" * 30), (None, "app - ")):
            with RawClient(pgmoat.port) as client:
                address = "127.0.0.1:%d" % client.socket.getsockname()[1]
                client.log_in(**({"application_name": given} if given else {}))
                name = one(client, "SHOW application_name")
            assert name.startswith(expected) and name.endswith(" - " + address) and len(name) <= 63

    def test_settings_say_who_it_is_whatever_the_client_claims(self, start):
        pgmoat = start("settings")
        with RawClient(pgmoat.port) as client:
            name = client.socket.getsockname()
            client.start_tls().log_in(**{"pgmoat.client_addr": "6.6.6.6", "PGMOAT.tls_version": "none",
                                         "options": "-c pgmoat.client_port=1 -c pgmoat.client_dn=/CN=root"})
            facts = {fact: one(client, f"SELECT current_setting('pgmoat.{fact}')") for fact in
                     ("client_addr", "client_port", "tls_version", "tls_cipher", "client_dn", "connection_id")}
        assert (facts["client_addr"], facts["client_port"]) == (name[0], str(name[1]))
        assert (facts["tls_version"], facts["client_dn"]) == ("TLSv1.3", "")
        assert facts["tls_cipher"].startswith("TLS_") and int(facts["connection_id"]) > 0

    def test_a_packet_with_no_room_is_refused_and_not_sent_without_facts(self, start):
        pgmoat = start("settings")
        with RawClient(pgmoat.port) as client:
            error = client.send(wire.startup(options="-c work_mem=" + "0" * 9850)).receive_error()
        assert error["C"] == "54000"


class TestViews:
    """deploy/sql, with both servers."""

    VIEWS = SOURCE / "deploy/sql/pgmoat_sessions.sql"

    @pytest.fixture(scope="class", params=(15, 18))
    def server(self, request, installations):
        server = Postgres(installations[request.param])
        for _ in range(2):  # a second time changes nothing
            server.query(self.VIEWS.read_text())
        yield server
        server.stop()

    @pytest.fixture
    def start(self, start_pgmoat, certificate, server):
        return lambda facts: start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={server.port} sslmode=disable client_facts={facts}"})

    def test_a_session_sees_its_own_facts(self, start, server):
        pgmoat = start("settings")
        with RawClient(pgmoat.port, source="127.0.0.9") as client:
            port = client.socket.getsockname()[1]
            client.start_tls().log_in()
            seen = one(client, "SELECT row(client_addr, client_port, tls_version, client_dn) FROM pgmoat.session")
            number = one(client, "SELECT connection_id FROM pgmoat.session")
            assert one(client, "SELECT pid = pg_backend_pid() FROM pgmoat.session") == "t"
            client.log_out()
        assert seen == f"(127.0.0.9,{port},TLSv1.3,)"
        assert pgmoat.closed_line("user=postgres")["id"] == number

    def test_a_session_that_came_directly_has_none(self, server):
        assert server.query("SELECT client_addr IS NULL AND connection_id IS NULL FROM pgmoat.session") == "t"
        assert server.query("SET pgmoat.client_addr = 'x'; SET pgmoat.client_port = 'x'; SET pgmoat.connection_id = '';"
                            "SELECT client_addr IS NULL AND client_port IS NULL FROM pgmoat.session").endswith("t")

    def test_all_sessions_show_their_client_and_the_proxy(self, start, server):
        pgmoat = start("application_name")
        with RawClient(pgmoat.port, source="127.0.0.9") as client, RawClient(server.port) as direct:
            port = client.socket.getsockname()[1]
            client.start_tls().log_in(application_name="ledger - a")
            direct.log_in(application_name="direct")
            rows = server.query("SELECT application_name, client_addr, client_port, through_pgmoat, proxy_addr"
                                " FROM pgmoat.sessions WHERE client_addr IS NOT NULL ORDER BY 1").splitlines()
            own = direct.socket.getsockname()[1]
        assert rows == [f"direct|127.0.0.1|{own}|f|", f"ledger - a|127.0.0.9|{port}|t|127.0.0.1"]

    @pytest.mark.parametrize("suffix, address, port", (
        ("[2001:db8::7]:5123", "2001:db8::7", "5123"), ("[fe80::1%eth0]:1", "fe80::1", "1"), ("[local]", "", ""),
        ("999.1.1.1:5", "", "5"), ("[:::::]:5", "", "5")))
    def test_an_invented_name_does_not_break_the_view(self, server, suffix, address, port):
        found = server.query(f"SET application_name = 'x - {suffix}';"
                             "SELECT application_name, client_addr, client_port, through_pgmoat FROM pgmoat.sessions"
                             " WHERE pid = pg_backend_pid()").splitlines()[-1]
        assert found == f"x|{address}|{port}|t"

    def test_anyone_may_look_and_sees_what_pg_stat_activity_shows(self, server):
        asked = ("SET ROLE app; SELECT count(*) = (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
                 " AND count(*) FILTER (WHERE query <> '<insufficient privilege>' AND usename <> 'app') = 0"
                 " FROM pgmoat.sessions")
        with RawClient(server.port) as other:
            other.log_in()
            assert server.query(asked).endswith("t")

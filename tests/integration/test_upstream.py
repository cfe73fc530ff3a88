"""Reaching a server: several hosts, none, one of another protocol, and each sslmode to it."""

import pytest

from kit import wire
from kit.environment import free_port
from kit.raw_client import RawClient

CANNOT_BE_REACHED = ("57P03", "the upstream server cannot be reached")
NONSENSE = ("57P03", "the upstream server does not speak the PostgreSQL protocol")


def refusal_inside_tls(port):
    """SQLSTATE and text of the FATAL that a TLS client gets; the connection must end after it."""
    with RawClient(port) as client:
        client.start_tls().send(wire.startup())
        error = client.receive_error()
        assert error["S"] == "FATAL"
        assert client.receive_until_closed() == b""
        return error["C"], error["M"]


@pytest.fixture
def proxy_to(start_pgmoat, certificate):
    def start(conninfo):
        return start_pgmoat(certificate, settings={"upstream": conninfo})

    return start


class TestSeveralHosts:
    def test_a_dead_first_host_is_skipped(self, proxy_to, postgres, client):
        pgmoat = proxy_to(f"host=127.0.0.1,127.0.0.1 port={free_port()},{postgres.port} sslmode=disable")
        assert client.query(pgmoat.port, "SELECT 1", sslmode="require") == "1"
        assert pgmoat.closed_line("user=postgres")["server"] == f"127.0.0.1:{postgres.port}"

    def test_a_host_that_is_shutting_down_is_skipped(self, proxy_to, postgres, client, start_fake_server):
        def shutting_down(visitor):
            visitor.receive_packet()
            visitor.send(wire.error_response("the database system is shutting down", "57P03"))

        dying = start_fake_server(shutting_down)
        pgmoat = proxy_to(f"host=127.0.0.1,127.0.0.1 port={dying.port},{postgres.port} sslmode=disable")
        assert client.query(pgmoat.port, "SELECT 1", sslmode="require") == "1"
        assert len(dying.visitors) == 1

    def test_another_error_of_a_host_is_for_the_client(self, proxy_to, postgres, start_fake_server):
        def full(visitor):
            visitor.receive_packet()
            visitor.send(wire.error_response("sorry, too many clients already", "53300"))

        server = start_fake_server(full)
        pgmoat = proxy_to(f"host=127.0.0.1,127.0.0.1 port={server.port},{postgres.port} sslmode=disable")
        assert refusal_inside_tls(pgmoat.port) == ("53300", "sorry, too many clients already")

    def test_all_dead_is_57p03_inside_tls(self, proxy_to):
        pgmoat = proxy_to(f"host=127.0.0.1,127.0.0.1 port={free_port()},{free_port()} sslmode=disable")
        assert refusal_inside_tls(pgmoat.port) == CANNOT_BE_REACHED
        assert pgmoat.closed_line()["reason"] == "upstream_failed"

    def test_a_client_that_prefers_tls_does_not_come_back_in_plaintext(self, proxy_to, client):
        pgmoat = proxy_to(f"host=127.0.0.1 port={free_port()} sslmode=disable")
        assert CANNOT_BE_REACHED[1] in client.connect(pgmoat.port, sslmode="prefer").error
        pgmoat.closed_line()
        assert len(pgmoat.process.log_lines("connection closed")) == 1

    def test_a_silent_host_costs_connect_timeout_and_no_more(self, proxy_to, postgres, client, start_fake_server):
        silent = start_fake_server(lambda visitor: visitor.receive_until_closed())
        pgmoat = proxy_to(f"host=127.0.0.1,127.0.0.1 port={silent.port},{postgres.port}"
                          " sslmode=disable connect_timeout=2")
        assert client.query(pgmoat.port, "SELECT 1", sslmode="require") == "1"
        assert len(silent.visitors) == 1


class TestNonsense:
    ANSWERS = {
        "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
        "zeros": bytes(64),
        "a huge message": b"R\x7f\xff\xff\xff" + bytes(64),
        "a message too short for its own length": b"R\x00\x00\x00\x00" + bytes(64),
        "ready before authentication": wire.READY_FOR_QUERY,
    }

    @pytest.mark.parametrize("answer", ANSWERS)
    def test_a_server_of_another_protocol_is_closed_with_an_error(self, proxy_to, start_fake_server, answer):
        def speak(visitor):
            visitor.receive_packet()
            visitor.send(self.ANSWERS[answer])
            visitor.receive_until_closed()

        pgmoat = proxy_to(f"host=127.0.0.1 port={start_fake_server(speak).port} sslmode=disable")
        assert refusal_inside_tls(pgmoat.port) == NONSENSE
        assert pgmoat.closed_line()["reason"] == "upstream_failed"

    def test_an_error_text_before_tls_is_not_relayed(self, proxy_to, start_fake_server):
        def answer_with_an_error(visitor):
            visitor.receive_packet()
            visitor.send(wire.error_response("go to evil.example.com"))
            visitor.receive_until_closed()

        server = start_fake_server(answer_with_an_error)
        pgmoat = proxy_to(f"host=127.0.0.1 port={server.port} sslmode=prefer")
        assert refusal_inside_tls(pgmoat.port)[0] == "57P03"
        assert "evil" not in pgmoat.process.log()

    def test_a_server_that_leaves_during_login_is_reported(self, proxy_to, start_fake_server):
        def leave(visitor):
            visitor.receive_packet()
            visitor.send(wire.message(b"R", b"\0\0\0\3"))  # a password, please
            visitor.receive(1)

        pgmoat = proxy_to(f"host=127.0.0.1 port={start_fake_server(leave).port} sslmode=disable")
        with RawClient(pgmoat.port) as client:
            client.start_tls().send(wire.startup())
            assert client.receive_message()[0] == b"R"
            client.send(wire.message(b"p", b"secret\0"))
            error = client.receive_error()
        assert (error["S"], error["C"]) == ("FATAL", "57P03")
        assert "secret" not in pgmoat.process.log()


class TestSslmode:
    """The result of each sslmode with a server that has TLS and with one that has not."""

    WITH_TLS = {"disable": "off", "allow": "off", "prefer": "TLSv1.3", "require": "TLSv1.3",
                "verify-ca": "TLSv1.3", "verify-full": "TLSv1.3"}
    WITHOUT_TLS = {"disable": "off", "allow": "off", "prefer": "off", "require": None, "verify-ca": None,
                   "verify-full": None}

    def seen_by_the_server(self, pgmoat, client):
        sql = "SELECT coalesce(version, 'off') FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        return client.query(pgmoat.port, sql, sslmode="require")

    @pytest.mark.parametrize("sslmode, expected", WITH_TLS.items())
    def test_with_tls(self, proxy_to, servers, client, authority, sslmode, expected):
        server = servers(18, tls=True)
        pgmoat = proxy_to(f"host=localhost hostaddr=127.0.0.1 port={server.port} sslmode={sslmode}"
                          f" sslrootcert={authority.certificate}")
        assert self.seen_by_the_server(pgmoat, client) == expected
        assert pgmoat.closed_line("user=postgres")["server_tls"] == expected

    @pytest.mark.parametrize("sslmode, expected", WITHOUT_TLS.items())
    def test_without_tls(self, proxy_to, postgres, client, authority, sslmode, expected):
        pgmoat = proxy_to(f"host=localhost hostaddr=127.0.0.1 port={postgres.port} sslmode={sslmode}"
                          f" sslrootcert={authority.certificate}")
        if expected:
            assert self.seen_by_the_server(pgmoat, client) == expected
        else:
            assert refusal_inside_tls(pgmoat.port) == CANNOT_BE_REACHED

    def test_without_tls_no_startup_packet_goes_out_when_tls_is_required(self, proxy_to, start_fake_server):
        def refuse_tls(visitor):
            visitor.receive_packet()
            visitor.send(b"N")
            visitor.receive_until_closed()

        server = start_fake_server(refuse_tls)
        pgmoat = proxy_to(f"host=127.0.0.1 port={server.port} sslmode=require")
        assert refusal_inside_tls(pgmoat.port) == CANNOT_BE_REACHED
        assert {visitor.received for visitor in server.visitors} == {wire.SSL_REQUEST}

    def test_direct_tls(self, proxy_to, servers, client):
        server = servers(18, tls=True)
        pgmoat = proxy_to(f"host=127.0.0.1 port={server.port} sslmode=require sslnegotiation=direct")
        assert self.seen_by_the_server(pgmoat, client) == "TLSv1.3"

    def test_verify_full_refuses_another_host_name(self, proxy_to, start_postgres, authority):
        other = authority.issue("other", "other.example.com", "DNS:other.example.com")
        server = start_postgres(certificate=other)
        pgmoat = proxy_to(f"host=localhost hostaddr=127.0.0.1 port={server.port} sslmode=verify-full"
                          f" sslrootcert={authority.certificate}")
        assert refusal_inside_tls(pgmoat.port) == CANNOT_BE_REACHED
        pgmoat.process.wait_for_log("localhost", "upstream_failed")

    def test_verify_ca_takes_another_host_name_but_not_another_authority(
            self, proxy_to, start_postgres, client, workspace, authority):
        other = authority.issue("other-name", "other.example.com", "DNS:other.example.com")
        server = start_postgres(certificate=other)
        conninfo = f"host=localhost hostaddr=127.0.0.1 port={server.port} sslmode=verify-ca sslrootcert="
        trusting = proxy_to(conninfo + str(authority.certificate))
        assert self.seen_by_the_server(trusting, client) == "TLSv1.3"
        stranger = type(authority)(workspace.folder("other-ca"), "Other CA")
        suspicious = proxy_to(conninfo + str(stranger.certificate))
        assert refusal_inside_tls(suspicious.port) == CANNOT_BE_REACHED

    def test_a_unix_socket_is_reached_without_tls(self, proxy_to, postgres, client):
        pgmoat = proxy_to(f"host={postgres.folder} port={postgres.port}")
        assert self.seen_by_the_server(pgmoat, client) == "off"

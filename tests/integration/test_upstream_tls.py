"""TLS to the server: each option with a handshake that it refuses and one that passes; and the second attempts of allow
and prefer, compared with libpq on the same server."""

import pytest

from kit.certificates import openssl
from kit.environment import write_for_user
from kit.postgres import Postgres

SEEN = "SELECT coalesce(version, 'off') FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
LOCAL = "local all all trust\n"


@pytest.fixture
def seen_through(start_pgmoat, certificate, client):
    """What the server sees of a session through pgmoat with this connection string; None: it is not reached."""

    def seen(port, options):
        pgmoat = start_pgmoat(certificate, settings={
            "upstream": f"host=localhost hostaddr=127.0.0.1 port={port} {options}"})
        answer = client.psql(pgmoat.port, "-c", SEEN, sslmode="require")
        if answer.returncode == 0:
            return answer.stdout.strip()
        # From the server, or because there was none.
        assert "pg_hba.conf" in answer.stderr or "cannot be reached" in answer.stderr, answer.stderr
        return None

    return seen


@pytest.fixture
def seen_directly(client):
    def seen(port, options):
        keywords = dict(option.split("=") for option in options.split())
        answer = client.psql(port, "-c", SEEN, **keywords)
        return answer.stdout.strip() if answer.returncode == 0 else None

    return seen


class TestSecondAttempts:
    """A server that requires TLS, one that refuses it, one whose handshake fails."""

    @pytest.fixture(scope="class")
    def picky(self, installations, server_certificate):
        servers = {
            "hostssl": Postgres(installations[18], server_certificate, hba=LOCAL + "hostssl all all all trust"),
            "hostnossl": Postgres(installations[18], server_certificate, hba=LOCAL + "hostnossl all all all trust"),
            "old TLS": Postgres(installations[18], server_certificate, hba=LOCAL + "host all all all trust",
                                settings={"ssl_max_protocol_version": "TLSv1.2"}),
        }
        yield servers
        for server in servers.values():
            server.stop()

    @pytest.mark.parametrize("kind", ("hostssl", "hostnossl", "old TLS"))
    @pytest.mark.parametrize("sslmode", ("disable", "allow", "prefer", "require"))
    def test_each_mode_ends_where_libpq_ends(self, picky, seen_through, seen_directly, kind, sslmode):
        options = f"sslmode={sslmode} ssl_min_protocol_version=" + ("TLSv1.3" if kind == "old TLS" else "TLSv1.2")
        assert seen_through(picky[kind].port, options) == seen_directly(picky[kind].port, options)


class TestOptions:
    @pytest.mark.parametrize("options, expected", (
        ("ssl_max_protocol_version=TLSv1.2", "TLSv1.2"),
        ("ssl_min_protocol_version=TLSv1.3", "TLSv1.3"),
    ))
    def test_versions_that_the_server_has(self, servers, seen_through, options, expected):
        assert seen_through(servers(18, tls=True).port, f"sslmode=require {options}") == expected

    def test_versions_that_the_server_lacks(self, start_postgres, server_certificate, seen_through):
        server = start_postgres(certificate=server_certificate, settings={"ssl_min_protocol_version": "TLSv1.3"})
        assert seen_through(server.port, "sslmode=require ssl_max_protocol_version=TLSv1.2") is None

    def test_a_revoked_server_is_refused_and_another_is_not(self, start_postgres, servers, workspace, authority,
                                                            server_certificate, seen_through):
        folder = workspace.folder("lists")
        authority.revoke(server_certificate, folder / "revoked.crl")
        authority.revoke(None, folder / "nobody.crl")
        port = servers(18, tls=True).port
        options = f"sslmode=verify-full sslrootcert={authority.certificate}"
        assert seen_through(port, f"{options} sslcrl={folder}/nobody.crl") == "TLSv1.3"
        assert seen_through(port, f"{options} sslcrl={folder}/revoked.crl") is None
        only = workspace.folder("only")
        write_for_user(only / "revoked.crl", (folder / "revoked.crl").read_bytes())
        openssl("rehash", only)
        assert seen_through(port, f"{options} sslcrldir={only}") is None

    def test_system_roots_do_not_know_our_authority(self, servers, seen_through):
        assert seen_through(servers(18, tls=True).port, "sslmode=verify-full sslrootcert=system") is None

    def test_an_encrypted_client_key_opens_with_sslpassword_only(self, start_postgres, server_certificate, authority,
                                                                 workspace, start_pgmoat, seen_through):
        alice = authority.issue("client", subject="postgres")
        server = start_postgres(certificate=server_certificate, settings={"ssl_ca_file": authority.certificate},
                                hba=LOCAL + "hostssl all all all cert")
        folder = workspace.folder("client")
        alice.install(folder, "client")
        openssl("pkcs8", "-topk8", "-in", alice.key, "-passout", "pass:secret", "-out", folder / "key.pem")
        write_for_user(folder / "client.key", (folder / "key.pem").read_bytes(), mode=0o600)
        options = f"sslmode=require sslcert={folder}/client.crt sslkey={folder}/client.key"
        assert seen_through(server.port, f"{options} sslpassword=secret") == "TLSv1.3"
        refused = start_pgmoat(ready=False, settings={
            "upstream": f"host=127.0.0.1 port={server.port} {options} sslpassword=guess"})
        assert refused.process.wait() == 4
        assert "could not load private key file" in refused.process.log()

    @pytest.mark.parametrize("sslsni, expected", ((1, "localhost"), (0, '""')))
    def test_the_name_of_the_host_is_sent_unless_it_is_not_wanted(self, passing_through, seen_through, sslsni,
                                                                 expected):
        assert seen_through(passing_through.port, f"sslmode=require sslsni={sslsni}") == "TLSv1.3"
        fields = passing_through.closed_line("tls=TLSv1.3")
        assert fields.get("sni", '""') == expected

    def test_direct_tls_needs_a_server_that_supports_it(self, servers, installations, seen_through):
        options = "sslmode=require sslnegotiation=direct"
        assert seen_through(servers(18, tls=True).port, options) == "TLSv1.3"
        expected = "TLSv1.3" if installations[15].knows_direct_tls else None
        assert seen_through(servers(15, tls=True).port, options) == expected

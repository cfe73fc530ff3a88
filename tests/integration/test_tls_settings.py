"""The ssl_* settings that read files or run commands: at start, at reload, and compared with PostgreSQL."""

import re
import ssl
import subprocess

import pytest

from kit import wire
from kit.certificates import Certificate, openssl
from kit.environment import write_for_user
from kit.pgmoat import config_text, run_pgmoat
from kit.process import Process
from kit.raw_client import RawClient

pytestmark = pytest.mark.once_a_run

TLS_MATERIAL = 4


def encrypt_key(folder, certificate, form):
    """The key of a certificate, encrypted with the passphrase "secret"."""
    encrypted = folder / "encrypted.pem"
    kind = ("pkcs8", "-topk8") if form == "pkcs8" else ("ec", "-aes256")
    openssl(*kind, "-in", certificate.key, "-passout", "pass:secret", "-out", encrypted)
    write_for_user(folder / "server.key", encrypted.read_bytes(), mode=0o600)


@pytest.fixture
def folder(workspace):
    return workspace.folder("tls")


@pytest.fixture
def refusal(workspace, installations, folder, certificate):
    """The errors of pgmoat and PostgreSQL if they do not start with these settings."""

    def both(settings, prepare=lambda folder: None):
        certificate.install(folder)
        prepare(folder)
        write_for_user(folder / "pgmoat.conf", config_text({"upstream": "host=/nowhere", "ssl": "on", **settings}))
        code, _, ours = run_pgmoat(workspace, "check", "--config", folder / "pgmoat.conf")
        assert code == TLS_MATERIAL, ours
        return ours, postgres_refusal(installations[18], folder, settings)

    return both


def postgres_refusal(installation, folder, settings):
    """The log of a server that must exit at once. Files are in the folder."""
    files = {name: folder / settings.get(name, default)
             for name, default in (("ssl_cert_file", "server.crt"), ("ssl_key_file", "server.key"))}
    arguments = [installation.binaries / "postgres", "-D", installation.template(), "-k", "", "-h", "127.0.0.1",
                 "-p", "1", "-c", "ssl=on"]
    for name, value in {**settings, **files}.items():
        arguments += ["-c", f"{name}={folder / value if str(name).endswith('_params_file') else value}"]
    server = Process(arguments, folder / "postgres.log")
    assert server.wait() == 1, server.log()
    return server.log()


def said(log, *levels):
    """The texts after these words, without what differs: paths."""
    lines = [re.search(rf"(?:{'|'.join(levels)}):\s+(.*)", line) for line in log.splitlines()]
    assert any(lines), log
    return [re.sub(r'"/[^"]*/', '"', line[1]) for line in lines if line]


class TestPassphrase:
    @pytest.mark.parametrize("form", ("pkcs8", "traditional"))
    def test_an_encrypted_key_opens_at_start_and_at_reload(self, start_pgmoat, certificate, postgres, client, form,
                                                           folder):
        encrypt_key(folder, certificate, form)
        pgmoat = start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "ssl_key_file": folder / "server.key",
            "ssl_passphrase_command": 'test "%p" = "Enter PEM pass phrase:" && echo secret',
            "ssl_passphrase_command_supports_reload": "on"})
        assert client.query(pgmoat.port, "SELECT 1", sslmode="require") == "1"
        position = pgmoat.reload()
        pgmoat.process.wait_for_log("configuration was reloaded", since=position)
        assert client.query(pgmoat.port, "SELECT 1", sslmode="require") == "1"

    def test_without_reload_support_a_reload_keeps_the_old_context(self, start_pgmoat, start_postgres, certificate,
                                                                   postgres, client, folder):
        encrypt_key(folder, certificate, "pkcs8")
        settings = {"ssl_key_file": folder / "server.key", "ssl_passphrase_command": "echo secret"}
        pgmoat = start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", **settings})
        oracle = start_postgres(certificate=certificate, settings=settings)
        position = pgmoat.reload()
        oracle_position = oracle.process.log_position()
        oracle.query("SELECT pg_reload_conf()")
        text = "cannot be reloaded because it requires a passphrase"
        ours = pgmoat.process.wait_for_log(text, since=position)
        theirs = oracle.process.wait_for_log(text, since=oracle_position)
        assert said(ours, "ERROR", "LOG") == said(theirs, "LOG")
        pgmoat.process.wait_for_log("SSL configuration was not reloaded", since=position)
        assert client.query(pgmoat.port, "SELECT 1", sslmode="require") == "1"

    @pytest.mark.parametrize("command", ("exit 3", "echo secret; exit 1", "kill -9 $$", "echo secret %x", "echo 100%"))
    def test_a_failing_command_is_reported_as_by_postgresql(self, refusal, certificate, command):
        ours, theirs = refusal({"ssl_passphrase_command": command},
                               lambda folder: encrypt_key(folder, certificate, "pkcs8"))
        assert said(ours, "FATAL", "DETAIL") == said(theirs, "FATAL", "DETAIL")

    def test_a_wrong_passphrase_is_refused(self, refusal, certificate):
        ours, theirs = refusal({"ssl_passphrase_command": "echo guess"},
                               lambda folder: encrypt_key(folder, certificate, "pkcs8"))
        start = 'could not load private key file "server.key": '
        assert said(ours, "FATAL")[0].startswith(start) and said(theirs, "FATAL")[0].startswith(start)

    def test_a_slow_command_delays_no_client(self, start_pgmoat, certificate, postgres, client, folder):
        encrypt_key(folder, certificate, "pkcs8")
        ticket = folder / "slow"
        command = f"test ! -e {ticket} || sleep 60; echo secret"
        pgmoat = start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "ssl_key_file": folder / "server.key",
            "ssl_passphrase_command": command, "ssl_passphrase_command_supports_reload": "on"})
        ticket.touch()
        pgmoat.reload()
        for _ in range(3):
            assert client.query(pgmoat.port, "SELECT 1", sslmode="require") == "1"
        assert not pgmoat.process.log_lines("configuration was reloaded")


class TestDhParameters:
    def test_a_file_that_cannot_be_used_ends_the_start_as_postgresql_does(self, refusal):
        ours, theirs = refusal({"ssl_dh_params_file": "missing.pem"})
        assert said(ours, "FATAL") == said(theirs, "FATAL")

    def test_at_a_reload_it_is_a_line_and_the_reload_succeeds(self, terminating, client):
        position = terminating.reload({"ssl_dh_params_file": "missing.pem"})
        terminating.process.wait_for_log("could not open DH parameters file", since=position)
        terminating.process.wait_for_log("configuration was reloaded", since=position)
        assert client.query(terminating.port, "SELECT 1", sslmode="require") == "1"

    def test_a_client_that_wants_finite_field_diffie_hellman_is_served(self, terminating, authority):
        rsa = authority.issue("rsa", key="rsa:2048")
        rsa.install(terminating.folder)
        position = terminating.reload()
        terminating.process.wait_for_log("configuration was reloaded", since=position)
        out = s_client(terminating.port, "-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384")
        assert "Cipher is DHE-RSA-AES256-GCM-SHA384" in out and "DH, 2048 bits" in out


def s_client(port, *arguments):
    result = subprocess.run(
        ["openssl", "s_client", "-starttls", "postgres", "-connect", f"127.0.0.1:{port}", *map(str, arguments)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=30)
    return result.stdout + result.stderr


class TestTwoKeyTypes:
    @pytest.mark.parametrize("kind", ("RSA", "ECDSA"))
    def test_each_client_gets_the_certificate_that_it_supports(self, start_pgmoat, certificate, authority, postgres,
                                                               kind):
        authority.issue("rsa", key="rsa:2048").install(certificate.certificate.parent, "rsa-installed")
        pair = certificate.certificate.parent
        pgmoat = start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable",
            "ssl_cert_file": f"{pair}/rsa-installed.crt, server.crt",
            "ssl_key_file": f"{pair}/rsa-installed.key, server.key"})
        out = s_client(pgmoat.port, "-tls1_2", "-cipher", f"ECDHE-{kind}-AES128-GCM-SHA256",
                       "-verify_return_error", "-CAfile", authority.certificate)
        assert f"Cipher is ECDHE-{kind}-AES128-GCM-SHA256" in out

    def test_a_key_of_the_other_certificate_is_refused(self, refusal, authority):
        def mix(folder):
            authority.issue("rsa", key="rsa:2048").install(folder, "other")

        ours, theirs = refusal({"ssl_key_file": "other.key"}, mix)
        start = "check of private key failed: "
        assert said(ours, "FATAL")[0].startswith(start) and said(theirs, "FATAL")[0].startswith(start)


def test_a_certificate_that_scram_cannot_bind_to_is_warned_of_when_a_reload_brings_it(terminating, folder):
    text = "has no digest: libpq clients cannot log in with SCRAM"
    assert not terminating.process.log_lines(text)
    openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=localhost", "-keyout", folder / "a.key",
            "-out", folder / "a.crt")
    Certificate(folder / "a.crt", folder / "a.key").install(terminating.folder)
    terminating.process.wait_for_log("configuration was reloaded", since=terminating.reload())
    assert len(terminating.process.log_lines(text)) == 1
    terminating.process.wait_for_log("configuration was reloaded", since=terminating.reload())
    assert len(terminating.process.log_lines(text)) == 1, "it is said when it changes"


class TestHosts:
    """ssl_sni with pg_hosts.conf; PostgreSQL has it from 19 on, which cannot be installed here."""

    @pytest.fixture
    def pgmoat(self, start_pgmoat, certificate, authority, postgres, folder):
        for name in ("a", "b"):
            authority.issue(f"{name}.example", subject=f"{name}.example",
                            alternative_names=f"DNS:{name}.example").install(folder, name)
        hosts = folder / "pg_hosts.conf"
        write_for_user(hosts, f"a.example {folder}/a.crt {folder}/a.key\n"
                              f"b.example {folder}/b.crt {folder}/b.key {authority.certificate}\n")
        return start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "ssl_sni": "on", "hosts_file": hosts})

    def test_libpq_verifies_the_certificate_of_the_host_that_it_asks_for(self, pgmoat, client, authority):
        for host in ("a.example", "B.Example"):
            assert client.query(pgmoat.port, "SELECT 1", host=host, sslmode="verify-full",
                                sslrootcert=authority.certificate) == "1"

    def test_an_unknown_host_and_no_host_get_their_alerts(self, pgmoat):
        with RawClient(pgmoat.port) as raw:
            raw.send(wire.SSL_REQUEST).receive(1)
            with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
                raw.handshake(server_name="c.example")
        pgmoat.process.wait_for_log("no configuration for host")
        with RawClient(pgmoat.port) as raw:
            raw.send(wire.SSL_REQUEST).receive(1)
            with pytest.raises(ssl.SSLError, match="(?i)handshake.failure"):
                raw.handshake(server_name=None)
        pgmoat.process.wait_for_log("no hostname provided in callback, and no fallback configured")

    def test_a_new_host_is_there_after_a_reload_and_a_bad_file_changes_nothing(self, pgmoat, client, authority,
                                                                               folder):
        hosts = folder / "pg_hosts.conf"
        good = hosts.read_text()
        write_for_user(hosts, good + "c.example\n")
        position = pgmoat.reload()
        pgmoat.process.wait_for_log(f'missing entry at end of line in file "{hosts}" line 3', since=position)
        write_for_user(hosts, good.replace("a.example", "a.example,localhost"))
        position = pgmoat.reload()
        pgmoat.process.wait_for_log("configuration was reloaded", since=position)
        assert client.query(pgmoat.port, "SELECT 1", host="localhost", sslmode="require") == "1"


class TestLoadErrors:
    """What PostgreSQL loads silently, and then refuses every client for."""

    def test_a_missing_folder_of_revocation_lists(self, workspace, folder, certificate, authority):
        certificate.install(folder)
        write_for_user(folder / "pgmoat.conf", config_text({
            "upstream": "host=/nowhere", "ssl": "on", "ssl_ca_file": authority.certificate, "ssl_crl_dir": "nowhere"}))
        code, _, text = run_pgmoat(workspace, "check", "--config", folder / "pgmoat.conf")
        assert code == TLS_MATERIAL
        assert "could not load SSL certificate revocation list directory" in text and "nowhere" in text

    def test_an_unknown_group_is_named(self, workspace, folder, certificate):
        certificate.install(folder)
        write_for_user(folder / "pgmoat.conf",
                       config_text({"upstream": "host=/nowhere", "ssl": "on", "ssl_groups": "X25519:P-nonsense"}))
        code, _, text = run_pgmoat(workspace, "check", "--config", folder / "pgmoat.conf")
        assert code == TLS_MATERIAL and '"P-nonsense"' in text


class TestCheck:
    def test_it_lists_what_it_checked_and_what_sslmodes_mean(self, workspace, folder, certificate):
        certificate.install(folder)
        write_for_user(folder / "pgmoat.conf", config_text({"upstream": "host=/nowhere", "ssl": "on"}))
        code, out, _ = run_pgmoat(workspace, "check", "--explain", "--config", folder / "pgmoat.conf")
        assert code == 0
        for text in ("fits certificate", "leaf first", "is valid until", "is valid for localhost", "SCRAM",
                     "ssl_min_protocol_version = TLSv1.2"):
            assert text in out, text
        assert re.search(r"prefer .*an active attacker can disable TLS", out)

    def test_an_expired_revocation_list_exits_4(self, workspace, folder, certificate, authority):
        certificate.install(folder)
        authority.revoke(None, folder / "old.crl", expired=True)
        write_for_user(folder / "pgmoat.conf", config_text({
            "upstream": "host=/nowhere", "ssl": "on", "ssl_ca_file": authority.certificate, "ssl_crl_file": "old.crl"}))
        code, _, error = run_pgmoat(workspace, "check", "--config", folder / "pgmoat.conf")
        assert code == TLS_MATERIAL and "every client certificate of this CA is refused" in error

"""What a start survives, how it reports what it does not survive, and what the commands answer to invalid input."""

import json
import os
import re
import resource
import signal
import socket
import subprocess

import pytest

from kit import wire
from kit.environment import AS_USER, RUNS_AS_ROOT, USER, free_port, write_for_user
from kit.http import Http
from kit.pgmoat import SANITIZER_OPTIONS, config_text, run_pgmoat
from kit.process import eventually
from kit.raw_client import RawClient

OK, FAILED, USAGE, CONFIGURATION, TLS_MATERIAL, CANNOT_BIND = range(6)


@pytest.fixture
def folder(workspace):
    return workspace.folder("start-up")


def write(folder, text=None, **settings):
    settings = {"port": free_port(), "upstream": "host=127.0.0.1", **settings}
    write_for_user(folder / "pgmoat.conf", text if text is not None else config_text(settings))
    return folder / "pgmoat.conf"


def output_of(workspace, *arguments, **options):
    code, out, error = run_pgmoat(workspace, *arguments, **options)
    return code, out + error


class TestErrorsBeforeTheLog:
    """A log in JSON has the errors of a failed start, too."""

    @staticmethod
    def lines(workspace, config, code):
        got, output = output_of(workspace, "--config", config)
        lines = [json.loads(line) for line in output.splitlines()]
        assert got == code and all({"time", "pid", "level", "event"} <= line.keys() for line in lines), output
        return lines

    def test_a_file_with_errors(self, workspace, folder):
        config = write(folder, "log_format = json\nport = 'x\u202e\u001b'\nwhat = 1\nlisten_addresses\n")
        lines = self.lines(workspace, config, CONFIGURATION)
        assert [line["level"] for line in lines] == ["ERROR"] * (len(lines) - 1) + ["FATAL"] and len(lines) > 2
        assert any('"what"' in line["event"] for line in lines)

    def test_a_certificate_that_cannot_be_loaded(self, workspace, folder):
        write_for_user(folder / "x.key", "hello\n", mode=0o600)
        config = write(folder, log_format="json", ssl="on", ssl_cert_file="x.key", ssl_key_file="x.key")
        (line,) = self.lines(workspace, config, TLS_MATERIAL)
        assert line["level"] == "FATAL" and "could not load server certificate file" in line["event"]
        assert "holds no PEM block" in line["hint"]

    def test_an_address_that_is_not_there(self, workspace, folder):
        lines = self.lines(workspace, write(folder, log_format="json", listen_addresses="192.0.2.1"), CANNOT_BIND)
        assert lines[-1]["level"] == "FATAL" and "could not create any TCP/IP sockets" in lines[-1]["event"]

    def test_without_json_and_without_a_file_they_are_text(self, workspace, folder):
        for config in (write(folder, "prot = 1\n"), folder / "gone.conf"):
            code, output = output_of(workspace, "--config", config)
            assert code == CONFIGURATION and output.startswith("pgmoat: ERROR:  ")

    def test_a_command_for_people_stays_text(self, workspace, folder):
        code, output = output_of(workspace, "check", "--config", write(folder, "log_format = json\nprot = 1\n"))
        assert code == CONFIGURATION and output.startswith("pgmoat: ERROR:  ")

    def test_no_invisible_character_is_printed(self, workspace, folder):
        _, output = output_of(workspace, "--config", write(folder, "port = 'x\u202e\u001b[31m'\n"))
        assert "\u202e" not in output and "\x1b" not in output and output


class TestLostLines:
    def test_on_a_full_disk_each_is_counted(self, workspace, folder, http_port, postgres):
        config = write(folder, upstream=f"host=127.0.0.1 port={postgres.port} sslmode=disable",
                       http_listen=f"127.0.0.1:{http_port}")
        http = Http(http_port)

        def lost():
            return int(re.search(r"^pgmoat_log_messages_dropped_total (\d+)$", http.text("/metrics"), re.M)[1])

        with open("/dev/full", "w", encoding="ascii") as full:
            running = subprocess.Popen([workspace.pgmoat, "--config", config], stderr=full, env=SANITIZER_OPTIONS,
                                       **AS_USER)
        try:
            eventually(lambda: is_ready(http), "the start")
            at_start = eventually(lost, "the lines of the start")
            port = int(re.search(r"port = '(\d+)'", config.read_text())[1])
            for _ in range(25):  # refused: a line for each of them
                with RawClient(port) as client:
                    client.send(wire.startup(user="nobody", database="nowhere")).receive_until_closed()
            eventually(lambda: lost() - at_start >= 25, "the lines of 25 connections")
            assert lost() - at_start == 25
        finally:
            running.terminate()
            running.wait(timeout=30)


def is_ready(http):
    try:
        return http.text("/readyz")
    except (OSError, AssertionError):
        return ""


class TestSockets:
    def test_a_name_that_cannot_be_resolved_is_survived(self, start_pgmoat):
        pgmoat = start_pgmoat(settings={"listen_addresses": "no-such-host.invalid,127.0.0.1",
                                        "upstream": "host=127.0.0.1"})
        pgmoat.process.wait_for_log("WARNING", 'could not translate host name "no-such-host.invalid"')
        socket.create_connection(("127.0.0.1", pgmoat.port)).close()

    def test_an_address_that_is_taken_is_survived_where_another_is_free(self, start_pgmoat):
        with socket.create_server(("127.0.0.2", 0)) as taken:
            pgmoat = start_pgmoat(settings={"listen_addresses": "127.0.0.2,127.0.0.1", "upstream": "host=127.0.0.1",
                                            "port": taken.getsockname()[1]})
            pgmoat.process.wait_for_log("WARNING", 'could not bind IPv4 address "127.0.0.2"', "in use")

    def test_without_any_socket_the_error_names_address_and_reason(self, workspace, folder):
        code, output = output_of(workspace, "--config", write(folder, listen_addresses="192.0.2.1"))
        assert code == CANNOT_BIND
        assert 'could not create any TCP/IP sockets for listener "default"' in output
        assert 'could not bind IPv4 address "192.0.2.1"' in output and "Cannot assign requested address" in output

    def test_of_two_that_start_on_one_unix_socket_one_gets_it(self, workspace, start_pgmoat, folder):
        settings = {"listen_addresses": "", "unix_socket_directories": str(folder), "upstream": "host=127.0.0.1",
                    "port": free_port()}
        first = start_pgmoat(settings=settings)
        lock = folder / f".s.PGSQL.{settings['port']}.lock"
        assert lock.read_text().splitlines()[0] == str(first.process.pid)
        code, output = output_of(workspace, "--config", write(folder, **settings))
        assert code == CANNOT_BIND and "lock file" in output and f"(PID {first.process.pid})" in output
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(folder / f".s.PGSQL.{settings['port']}"))
        first.stop()
        assert not lock.exists()

    def test_a_postmaster_keeps_its_unix_socket(self, workspace, folder, postgres):
        settings = {"listen_addresses": "", "unix_socket_directories": str(postgres.folder), "port": postgres.port}
        code, output = output_of(workspace, "--config", write(folder, **settings))
        assert code == CANNOT_BIND and "lock file" in output and "already exists" in output
        assert postgres.query("SELECT 1") == "1"

    def test_what_a_crash_leaves_is_taken_over(self, workspace, start_pgmoat, folder):
        settings = {"listen_addresses": "", "unix_socket_directories": str(folder), "upstream": "host=127.0.0.1",
                    "port": free_port()}
        first = start_pgmoat(settings=settings)
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        first.stop = lambda: None  # it has ended, as the test wants
        second = start_pgmoat(settings=settings)
        second.process.wait_for_log("ready to accept connections")


class TestSignals:
    def test_a_signal_before_the_start_is_complete_is_no_end(self, workspace, start_pgmoat, authority, folder):
        leaf = authority.issue("locked")
        key = folder / "server.key"
        subprocess.run(["openssl", "pkey", "-in", leaf.key, "-aes256", "-passout", "pass:secret", "-out", key],
                       check=True, capture_output=True)
        write_for_user(key, key.read_bytes(), mode=0o600)
        write_for_user(folder / "server.crt", leaf.certificate.read_bytes())
        pgmoat = start_pgmoat(ready=False, settings={
            "upstream": "host=127.0.0.1", "ssl": "on", "ssl_cert_file": folder / "server.crt", "ssl_key_file": key,
            "ssl_passphrase_command": f"touch {folder}/asked; sleep 1; echo secret",
            "ssl_passphrase_command_supports_reload": "on"})
        eventually((folder / "asked").exists, "the passphrase command")
        for number in (signal.SIGHUP, signal.SIGUSR1):
            pgmoat.process.send_signal(number)
        pgmoat.process.wait_for_log("ready to accept connections")
        pgmoat.process.wait_for_log("received SIGHUP")
        pgmoat.process.wait_for_log("configuration was reloaded")
        pgmoat.process.send_signal(signal.SIGUSR1)
        position = pgmoat.reload()
        pgmoat.process.wait_for_log("configuration was reloaded", since=position)


class TestLimits:
    @staticmethod
    def run(workspace, limit, *arguments):
        def lower():
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            if RUNS_AS_ROOT:
                os.setgid(USER.pw_gid)
                os.setuid(USER.pw_uid)

        return subprocess.run([workspace.pgmoat, *map(str, arguments)], preexec_fn=lower, capture_output=True,
                              text=True, check=False, timeout=30, env=SANITIZER_OPTIONS)

    @pytest.mark.parametrize("limit", (64, 100))
    def test_too_few_descriptors_for_one_connection_are_an_error(self, workspace, folder, limit):
        result = self.run(workspace, limit, "--config", write(folder))
        assert result.returncode == FAILED and "insufficient file descriptors" in result.stderr

    def test_check_says_so_too(self, workspace, folder):
        config = write(folder)
        assert "insufficient file descriptors" in self.run(workspace, 64, "check", "--config", config).stderr
        few = self.run(workspace, 130, "check", "--config", config)
        assert "allows only 1 connection, fewer than max_connections = 1000" in few.stderr and few.returncode == OK


class TestConfiguration:
    @pytest.mark.parametrize("text, expected", (
        ("prot = 6432\n", 'unrecognized configuration parameter "prot" in file "{file}" line 1 (Did you mean "port"?)'),
        ("listener.x = 'adress=127.0.0.1'\n", 'invalid listener option "adress" (Did you mean "address"?)'),
        ("\ufeffport = 6432\n", "byte order mark"),
        ("listener.x = 'address=127.0.0.1 port=1234'\n", 'there is no upstream: set "upstream" or "upstream.NAME"'),
    ))
    def test_mistakes_are_named(self, workspace, folder, text, expected):
        config = write(folder, text)
        code, output = output_of(workspace, "check", "--config", config)
        assert code == CONFIGURATION and expected.format(file=config) in output

    def test_a_byte_order_mark_in_the_rules_is_named(self, workspace, folder):
        write_for_user(folder / "pg_hba.conf", "\ufeffhost all all all trust\n")
        code, output = output_of(workspace, "check", "--config", write(folder, hba_file="pg_hba.conf"))
        assert code == CONFIGURATION and "byte order mark" in output

    def test_named_listeners_and_upstreams_just_work(self, workspace, start_pgmoat, client, postgres):
        port = free_port()
        pgmoat = start_pgmoat(settings={
            "listen_addresses": None, "port": None, "upstream.main": f"host=127.0.0.1 port={postgres.port}",
            "listener.edge": f"address=127.0.0.1 port={port}"})
        assert client.connect(port).connected
        assert pgmoat.process.log().count("listening on") == 1

    def test_a_plain_upstream_beside_named_listeners_opens_no_other(self, start_pgmoat, postgres):
        pgmoat = start_pgmoat(settings={
            "listen_addresses": None, "port": None, "upstream": f"host=127.0.0.1 port={postgres.port}",
            "listener.edge": f"address=127.0.0.1 port={free_port()}"})
        assert pgmoat.process.log().count("listening on") == 1

    def test_the_simplest_configuration_warns_of_nothing_on_loopback(self, start_pgmoat, postgres):
        pgmoat = start_pgmoat(settings={"upstream": f"host=127.0.0.1 port={postgres.port}"})
        assert "access rules" not in pgmoat.process.log()

    @pytest.mark.parametrize("line", ("hostssl all all all cert", "hostssl all all all trust clientcert=verify-ca"))
    def test_client_certificates_without_a_ca_are_an_error_at_load(self, workspace, folder, certificate, line):
        certificate.install(folder)
        write_for_user(folder / "pg_hba.conf", line + "\n")
        config = write(folder, ssl="on", hba_file="pg_hba.conf")
        code, output = output_of(workspace, "check", "--config", config)
        assert code == CONFIGURATION and "ssl_ca_file" in output and "line 1" in output

    def test_rules_that_cannot_match_are_named(self, workspace, folder):
        write_for_user(folder / "pg_hba.conf", "host all all 10.0.0.0/8 trust\nhost all bob 10.1.0.0/16 reject\n"
                       "host all all all reject\nhost all all all trust\n")
        code, output = output_of(workspace, "check", "--config", write(folder, hba_file="pg_hba.conf"))
        assert code == OK
        lines = [line for line in output.splitlines() if "record cannot match" in line]
        assert len(lines) == 2 and "line 1" in lines[0] and "line 2" in lines[0] and "line 4" in lines[1], output

    def test_rules_with_names_where_tls_passes_through_have_a_hint(self, workspace, folder):
        write_for_user(folder / "pg_hba.conf", "host all bob all trust\n")
        code, output = output_of(workspace, "check", "--config",
                                 write(folder, hba_file="pg_hba.conf", tls_mode="passthrough"))
        assert code == CONFIGURATION and "hba_file=" in output

    def test_a_method_where_tls_passes_through_is_not_enforced_with_a_warning(self, workspace, folder):
        write_for_user(folder / "pg_hba.conf", "host all all all scram-sha-256\n")
        code, output = output_of(workspace, "check", "--config",
                                 write(folder, hba_file="pg_hba.conf", tls_mode="passthrough"))
        assert code == OK and '"scram-sha-256" cannot be enforced where TLS is passed through' in output

    def test_a_bad_certificate_file_names_its_setting_and_what_it_is(self, workspace, folder, certificate):
        certificate.install(folder)
        config = write(folder, ssl="on", ssl_cert_file="server.key")
        code, output = output_of(workspace, "check", "--config", config)
        assert code == TLS_MATERIAL
        assert f'It is set by "ssl_cert_file" in file "{config}" line' in output
        assert "The file holds a private key, not a certificate." in output

    @pytest.mark.skipif(not RUNS_AS_ROOT, reason="needs root")
    def test_check_as_root_judges_for_the_owner_of_the_key(self, workspace, folder, certificate):
        certificate.install(folder)
        config = write(folder, ssl="on")
        code, output = output_of(workspace, "check", "--config", config, as_user=False)
        assert code == OK and "pgmoat does not run as root" in output, output
        code, output = output_of(workspace, "check", "--config", write(folder, ssl="on", user="nobody-at-all"),
                                 as_user=False)
        assert code == FAILED and 'user "nobody-at-all" does not exist' in output
        code, output = output_of(workspace, "check", "--config", write(folder, ssl="on", user=USER.pw_name),
                                 as_user=False)
        assert code == OK, output


class TestHbaTest:
    @pytest.fixture
    def config(self, folder, certificate):
        certificate.install(folder)
        write_for_user(folder / "pg_hba.conf", "host all all all scram-sha-256\n")
        return write(folder, ssl="on", hba_file="pg_hba.conf", **{
            "listener.bare": f"address=127.0.0.1 port={free_port()} hba_file=''",
            "listen_addresses": "127.0.0.1"})

    @pytest.mark.parametrize("arguments, text", (
        (("--tls", "banana"), '"banana" is not a TLS version'),
        (("--address", "127.0.0.999"), '"127.0.0.999" is not a valid IP address'),
        (("--listener", "nope"), 'there is no listener "nope", only "default", "bare"'),
        (("--sni", "a.example"), "need --tls"),
        (("--replication", "perhaps"), "--replication"),
    ), ids=lambda each: str(each))
    def test_nonsense_is_a_usage_error(self, workspace, config, arguments, text):
        question = {"--address": "127.0.0.1", "--user": "app", **dict([arguments])}
        code, output = output_of(workspace, "hba", "test", "--config", config,
                                 *(part for pair in question.items() for part in pair))
        assert code == USAGE and text in output, output

    def test_a_listener_without_rules_lets_in(self, workspace, config):
        code, output = output_of(workspace, "hba", "test", "--config", config, "--address", "127.0.0.1", "--user", "x",
                                 "--listener", "bare")
        assert code == OK and "no access rules" in output, output

    def test_an_allowed_connection_shows_what_the_server_must_ask_for(self, workspace, config):
        code, output = output_of(workspace, "hba", "test", "--config", config, "--address", "127.0.0.1", "--user", "x")
        assert code == OK and "if the server asks for scram-sha-256" in output


class TestCert:
    @pytest.mark.parametrize("arguments", (
        ("ca", "--name", ""), ("self-signed", "--host", ""), ("self-signed", "--host", "bad host!"),
        ("self-signed", "--host", "10.0.0.999")), ids=str)
    def test_names_that_make_no_sense_are_usage_errors(self, workspace, folder, arguments):
        code, output = output_of(workspace, "cert", *arguments, "--cert", folder / "c", "--key", folder / "k")
        assert code == USAGE and "pgmoat: " in output
        assert not list(folder.iterdir())

    def test_an_existing_file_names_overwrite(self, workspace, folder):
        arguments = ("cert", "ca", "--name", "CA", "--cert", folder / "c", "--key", folder / "k")
        assert output_of(workspace, *arguments)[0] == OK
        code, output = output_of(workspace, *arguments)
        assert code == FAILED and "--overwrite" in output
        assert output_of(workspace, *arguments, "--overwrite")[0] == OK

    def test_a_chain_of_defaults_works(self, workspace, folder):
        """A CA's default validity is longer than a leaf's; a leaf that should outlive its CA is refused."""
        ca = ("--ca-cert", folder / "ca", "--ca-key", folder / "ca.key")
        assert output_of(workspace, "cert", "ca", "--name", "CA", "--cert", folder / "ca", "--key",
                         folder / "ca.key")[0] == OK
        for name, arguments in (("s", ("server", "--host", "db")), ("c", ("client", "--user", "app"))):
            code, output = output_of(workspace, "cert", *arguments, *ca, "--cert", folder / name, "--key",
                                     folder / f"{name}.key")
            assert code == OK and "valid until" in output
        code, output = output_of(workspace, "cert", "server", "--host", "db", *ca, "--days", "36500", "--cert",
                                 folder / "x", "--key", folder / "x.key")
        assert code == USAGE and "outlive" in output
        leaf = ("--ca-cert", folder / "s", "--ca-key", folder / "s.key")
        code, output = output_of(workspace, "cert", "server", "--host", "db", *leaf, "--cert", folder / "x", "--key",
                                 folder / "x.key")
        assert code == FAILED and "not the certificate of an authority" in output

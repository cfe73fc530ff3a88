"""From the command line to the last signal: start, reload, drain, and the exit codes of each."""

import re
import resource
import signal
import socket
import subprocess
import time

import pytest

from kit import wire
from kit.environment import RUNS_AS_ROOT, USER, free_port, run_as_user, write_for_user
from kit.http import Http
from kit.pgmoat import config_text, run_pgmoat
from kit.process import eventually
from kit.raw_client import RawClient

OK, USAGE, CONFIGURATION, TLS_MATERIAL, CANNOT_BIND = 0, 2, 3, 4, 5


@pytest.fixture
def folder(workspace):
    return workspace.folder("config")


def write_config(folder, **settings):
    text = config_text({"listen_addresses": "127.0.0.1", "port": free_port(), "upstream": "host=127.0.0.1", **settings})
    write_for_user(folder / "pgmoat.conf", text)
    return folder / "pgmoat.conf"


class TestCommandLine:
    def test_version_names_the_libraries(self, workspace):
        code, out, _ = run_pgmoat(workspace, "--version")
        assert code == OK
        assert re.search(r"pgmoat \d+\.\d+", out) and "Boost" in out and out.count("OpenSSL") >= 2, out

    def test_help_exits_0(self, workspace):
        code, out, _ = run_pgmoat(workspace, "--help")
        assert code == OK and "--config" in out

    @pytest.mark.parametrize("arguments", ((), ("--nonsense",), ("nonsense",), ("check",), ("cert",)), ids=str)
    def test_a_usage_error_exits_2(self, workspace, arguments):
        assert run_pgmoat(workspace, *arguments)[0] == USAGE

    def test_a_good_configuration_checks_out(self, workspace, folder):
        assert run_pgmoat(workspace, "check", "--config", write_config(folder))[0] == OK

    def test_an_unknown_setting_exits_3_with_file_and_line(self, workspace, folder):
        config = write_config(folder, nonsense="on")
        for arguments in (("check", "--config", config), ("--config", config)):
            code, out, error = run_pgmoat(workspace, *arguments)
            assert code == CONFIGURATION
            assert f'unrecognized configuration parameter "nonsense" in file "{config}" line 4' in out + error

    def test_a_missing_configuration_exits_3(self, workspace, folder):
        assert run_pgmoat(workspace, "--config", folder / "missing.conf")[0] == CONFIGURATION

    def test_a_missing_certificate_exits_4_and_names_it(self, workspace, folder):
        config = write_config(folder, ssl="on")
        code, out, error = run_pgmoat(workspace, "--config", config)
        assert code == TLS_MATERIAL and "server.crt" in out + error

    def test_a_readable_key_exits_4_and_names_it(self, workspace, folder, certificate):
        certificate.install(folder)
        (folder / "server.key").chmod(0o644)
        config = write_config(folder, ssl="on")
        code, out, error = run_pgmoat(workspace, "check", "--config", config)
        assert code == TLS_MATERIAL and "has group or world access" in out + error

    def test_a_port_in_use_exits_5(self, workspace, folder):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            config = write_config(folder, port=taken.getsockname()[1])
            code, out, error = run_pgmoat(workspace, "--config", config)
        assert code == CANNOT_BIND and "in use" in out + error

    @pytest.mark.skipif(not RUNS_AS_ROOT, reason="needs root to see root refused")
    def test_root_is_refused(self, workspace, folder):
        code, out, error = run_pgmoat(workspace, "--config", write_config(folder), as_user=False)
        assert code != OK and "root" in out + error

    @pytest.mark.skipif(not RUNS_AS_ROOT, reason="needs root to become another user")
    def test_root_becomes_the_user_of_the_configuration(self, start_pgmoat, postgres, client):
        pgmoat = start_pgmoat(as_user=False, settings={
            "user": USER.pw_name, "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"})
        status = open(f"/proc/{pgmoat.process.pid}/status", encoding="ascii").read()
        assert re.search(rf"^Uid:\s+{USER.pw_uid}\s+{USER.pw_uid}\s+{USER.pw_uid}\s", status, re.MULTILINE)
        assert client.query(pgmoat.port, "SELECT 1", sslmode="disable") == "1"

    def test_letting_all_clients_in_is_warned_of_at_start(self, start_pgmoat, postgres):
        pgmoat = start_pgmoat(settings={"listen_addresses": "*", "upstream": f"host=127.0.0.1 port={postgres.port}"})
        assert pgmoat.process.log_lines("there are no access rules for")

    def test_a_unix_socket_is_listened_on(self, start_pgmoat, certificate, postgres, client, folder):
        pgmoat = start_pgmoat(certificate, settings={
            "unix_socket_directories": folder, "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"})
        outcome = client.psql(pgmoat.port, "-c", "SELECT 1", host=folder, hostaddr="")
        assert outcome.stdout.strip() == "1", outcome.stderr
        assert pgmoat.closed_line("user=postgres")["client"].startswith("[local]")


class TestCertificates:
    """libpq and PostgreSQL accept what `pgmoat cert` makes."""

    @pytest.fixture
    def made(self, workspace, folder):
        def make(*arguments):
            code, out, error = run_pgmoat(workspace, "cert", *arguments)
            assert code == OK, out + error

        ca = ("--ca-cert", folder / "ca.crt", "--ca-key", folder / "ca.key")
        make("ca", "--cert", folder / "ca.crt", "--key", folder / "ca.key", "--name", "Our CA")
        make("server", *ca, "--cert", folder / "server.crt", "--key", folder / "server.key", "--host", "localhost")
        make("client", *ca, "--cert", folder / "client.crt", "--key", folder / "client.key", "--user", "alice")
        return folder

    def test_keys_are_for_their_owner_only(self, made):
        for name in ("ca", "server", "client"):
            assert (made / f"{name}.key").stat().st_mode & 0o777 == 0o600

    def test_libpq_verifies_the_server_certificate(self, start_pgmoat, postgres, client, made):
        pgmoat = start_pgmoat(settings={
            "ssl": "on", "ssl_cert_file": made / "server.crt", "ssl_key_file": made / "server.key",
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"})
        outcome = client.connect(pgmoat.port, sslmode="verify-full", sslrootcert=made / "ca.crt")
        assert outcome.tls == "TLSv1.3", outcome.error

    def test_postgresql_takes_the_client_certificate(self, start_pgmoat, start_postgres, client, made,
                                                     server_certificate):
        server = start_postgres(certificate=server_certificate, settings={"ssl_ca_file": made / "ca.crt"},
                                hba="local all all trust\nhostssl all all all cert")
        server.query("CREATE ROLE alice LOGIN")
        pgmoat = start_pgmoat(settings={
            "upstream": f"host=127.0.0.1 port={server.port} sslmode=require"
                        f" sslcert={made}/client.crt sslkey={made}/client.key"})
        assert client.query(pgmoat.port, "SELECT session_user", user="alice", sslmode="disable") == "alice"


class TestReload:
    def test_a_new_certificate_is_shown_and_the_old_session_lives(self, terminating, authority, client):
        with RawClient(terminating.port) as old:
            old.start_tls().log_in()
            renewed = authority.issue("renewed")
            renewed.install(terminating.folder)
            terminating.process.wait_for_log("configuration was reloaded", since=terminating.reload())
            assert old.query("SELECT 'alive'")[1][1].endswith(b"alive")
            with RawClient(terminating.port) as new:
                new.start_tls()
                shown = new.socket.getpeercert(binary_form=True)
            assert shown != old.socket.getpeercert(binary_form=True)
        assert client.connect(terminating.port, sslmode="verify-full",
                              sslrootcert=authority.certificate).tls == "TLSv1.3"

    @pytest.mark.parametrize("change", (
        {"nonsense": "on"}, {"authentication_timeout": "never"}, {"ssl_cert_file": "missing.crt"},
        {"upstream": "host=127.0.0.1 sslmode=nonsense"},
    ), ids=lambda change: next(iter(change)))
    def test_a_bad_file_changes_nothing(self, terminating, client, change):
        position = terminating.reload({**change, "max_connections": 1})
        terminating.process.wait_for_log(next(iter(change.values())) if "upstream" not in change else "sslmode",
                                         since=position)
        # With max_connections = 1 the second of two would be refused.
        with RawClient(terminating.port) as first, RawClient(terminating.port) as second:
            first.start_tls().log_in()
            second.start_tls().log_in()
        assert client.connect(terminating.port, sslmode="require").tls == "TLSv1.3"

    def test_a_new_upstream_is_used_by_new_sessions_only(self, terminating, start_postgres, client):
        other = start_postgres(15)
        with RawClient(terminating.port) as old:
            old.start_tls().log_in()
            position = terminating.reload({"upstream": f"host=127.0.0.1 port={other.port} sslmode=disable"})
            terminating.process.wait_for_log("configuration was reloaded", since=position)
            major = "SELECT current_setting('server_version_num')::int / 10000"
            assert client.query(terminating.port, major, sslmode="require") != "18"
            assert old.query(major)[1][1].endswith(b"18")

    def test_ssl_turned_off_means_n_for_new_connections(self, terminating):
        position = terminating.reload({"ssl": "off"})
        terminating.process.wait_for_log("configuration was reloaded", since=position)
        with RawClient(terminating.port) as client:
            assert client.send(wire.SSL_REQUEST).receive(1) == b"N"

    def test_reloads_under_load_refuse_no_client(self, terminating, client):
        for _ in range(10):
            terminating.reload()
            assert client.query(terminating.port, "SELECT 1", sslmode="require") == "1"

    def test_a_reload_that_no_thread_can_be_had_for_fails_and_nothing_else(self, terminating, client):
        def allow(processes):
            run_as_user(["prlimit", "--pid", terminating.process.pid, f"--nproc={processes}:"])

        before, _ = resource.getrlimit(resource.RLIMIT_NPROC)
        allow(1)
        position = terminating.reload()
        terminating.process.wait_for_log("could not start a thread to reload", since=position)
        allow("unlimited" if before == resource.RLIM_INFINITY else before)
        position = terminating.reload()
        terminating.process.wait_for_log("configuration was reloaded", since=position)
        assert client.query(terminating.port, "SELECT 1", sslmode="require") == "1"


# Each new thread but the first, which writes the log, begins with a wait, as if others had the processors: the sooner it
# is made, the longer.
LATE_THREADS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct task { void *(*run)(void *); void *argument; int number; };

static void *wait_and_run(void *pointer) {
    struct task task = *(struct task *)pointer;
    struct timespec until;
    free(pointer);
    clock_gettime(CLOCK_MONOTONIC, &until);
    if (task.number > 0 && task.number < 6) until.tv_nsec += 60000000L * (6 - task.number);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0) {
    }
    return task.run(task.argument);
}

int pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
    static int threads;
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
    struct task *task = malloc(sizeof *task);
    *task = (struct task){run, argument, threads++};
    return real(id, attributes, wait_and_run, task);
}
"""


@pytest.fixture(scope="session")
def late_threads(workspace):
    """A library to preload."""
    folder = workspace.folder("late-threads")
    write_for_user(folder / "late.c", LATE_THREADS)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "late.so", folder / "late.c"], check=True)
    return folder / "late.so"


class TestShutdown:
    def test_without_sessions_sigterm_exits_0_at_once(self, terminating):
        start = time.monotonic()
        terminating.process.send_signal(signal.SIGTERM)
        assert terminating.process.wait() == 0
        assert time.monotonic() - start < 4.5

    def test_sigterm_ends_an_idle_session_with_the_error_of_postgresql_and_exits_0(self, terminating):
        with RawClient(terminating.port) as client:
            client.start_tls().log_in()
            client.query("SELECT 1")
            terminating.process.send_signal(signal.SIGTERM)
            self.is_told_to_leave(client)
        assert terminating.process.wait() == 0
        assert terminating.closed_line("user=postgres")["reason"] == "drain"

    def test_sigterm_lets_a_transaction_finish_and_exits_0(self, terminating):
        with RawClient(terminating.port) as client:
            client.start_tls().log_in()
            client.query("BEGIN")
            terminating.process.send_signal(signal.SIGTERM)
            eventually(lambda: self.refuses(terminating.port), "the listener to be closed")
            assert client.query("SELECT 'finished'")[1][1].endswith(b"finished")
            assert terminating.process.exit_code is None
            assert client.query("COMMIT")[-1] == (b"Z", b"I")
            self.is_told_to_leave(client)
        assert terminating.process.wait() == 0

    def test_sigterm_lets_a_query_finish(self, terminating, postgres):
        with RawClient(terminating.port) as client:
            client.start_tls().log_in()
            client.send(wire.query("SELECT pg_sleep(3), 'finished'"))
            postgres.wait_until_asleep(client.backend_process_id)
            terminating.process.send_signal(signal.SIGTERM)
            assert client.receive_until(b"Z")[1][1].endswith(b"finished")
            self.is_told_to_leave(client)
        assert terminating.process.wait() == 0

    def test_sigterm_lets_a_copy_finish(self, terminating):
        with RawClient(terminating.port) as client:
            client.start_tls().log_in()
            client.query("CREATE TEMPORARY TABLE t (x int)")
            client.send(wire.query("COPY t FROM STDIN")).receive_until(b"G")
            terminating.process.send_signal(signal.SIGTERM)
            eventually(lambda: self.refuses(terminating.port), "the listener to be closed")
            client.send(wire.message(b"d", b"1\n"), wire.message(b"c"))
            assert client.receive_until(b"Z")[0] == (b"C", b"COPY 1\0")
            self.is_told_to_leave(client)
        assert terminating.process.wait() == 0

    def test_a_session_that_passes_through_ends_when_it_wants_to(self, passing_through):
        with RawClient(passing_through.port) as client:
            client.start_tls().log_in()
            passing_through.process.send_signal(signal.SIGTERM)
            eventually(lambda: self.refuses(passing_through.port), "the listener to be closed")
            assert client.query("SELECT 'still here'")[1][1].endswith(b"still here")
            client.log_out()
        assert passing_through.process.wait() == 0

    @staticmethod
    def is_told_to_leave(client):
        error = client.receive_error()
        assert (error["S"], error["C"]) == ("FATAL", "57P01"), error
        assert error["M"] == "terminating connection due to administrator command"
        assert client.receive_until_closed() == b""

    @staticmethod
    def refuses(port):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return False
        except ConnectionResetError:  # it was in the queue of a listener that was then closed
            return False
        except ConnectionRefusedError:
            return True

    def test_a_session_that_outlives_shutdown_timeout_is_cut_off_and_it_exits_1(self, terminating):
        terminating.process.wait_for_log("configuration was reloaded", since=terminating.reload({"shutdown_timeout": "1s"}))
        with RawClient(terminating.port) as client:
            client.start_tls().log_in()
            client.query("BEGIN")
            terminating.process.send_signal(signal.SIGTERM)
            self.is_told_to_leave(client)
            assert terminating.process.wait() == 1
        assert terminating.closed_line("user=postgres")["reason"] == "drain"

    def test_during_drain_delay_it_is_not_ready_and_still_takes_connections(self, start_pgmoat, certificate, postgres,
                                                                           http_port):
        pgmoat = start_pgmoat(certificate, settings={
            "drain_delay": "5s", "http_listen": f"127.0.0.1:{http_port}",
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"})
        assert Http(http_port).get("/readyz")[0] == 200
        with RawClient(pgmoat.port) as before, RawClient(pgmoat.port) as during:
            before.start_tls().log_in()
            start = time.monotonic()
            pgmoat.process.send_signal(signal.SIGTERM)
            eventually(lambda: Http(http_port).get("/readyz")[0] == 503, "not being ready")
            during.start_tls().log_in()
            assert during.query("SELECT 'new'")[1][1].endswith(b"new")
            assert before.query("SELECT 'old'")[1][1].endswith(b"old")
            assert time.monotonic() - start < 5
            eventually(lambda: self.refuses(pgmoat.port), "the listener to be closed")
            assert time.monotonic() - start >= 5
            for client in (before, during):
                self.is_told_to_leave(client)
        assert pgmoat.process.wait() == 0

    def test_a_second_signal_does_not_wait_for_drain_delay(self, start_pgmoat, certificate, postgres):
        pgmoat = start_pgmoat(certificate, settings={
            "drain_delay": "60s", "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"})
        pgmoat.process.send_signal(signal.SIGTERM)
        pgmoat.process.wait_for_log("closing listeners in 60 s")
        start = time.monotonic()
        pgmoat.process.send_signal(signal.SIGTERM)
        assert pgmoat.process.wait() == 0
        assert time.monotonic() - start < 5

    @pytest.mark.parametrize("second", (signal.SIGTERM, signal.SIGINT))
    def test_a_second_signal_ends_it_at_once(self, start_pgmoat, certificate, postgres, second):
        pgmoat = start_pgmoat(certificate, settings={
            "shutdown_timeout": "60s", "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"})
        with RawClient(pgmoat.port) as client:
            client.start_tls().log_in()
            client.query("BEGIN")
            pgmoat.process.send_signal(signal.SIGTERM)
            eventually(lambda: self.refuses(pgmoat.port), "the listener to be closed")
            start = time.monotonic()
            pgmoat.process.send_signal(second)
            assert pgmoat.process.wait() == 1
            assert time.monotonic() - start < 5

    @staticmethod
    def ends_well_in_a_storm_of_signals(pgmoat):
        while pgmoat.process.exit_code is None:
            pgmoat.process.send_signal(signal.SIGTERM)
        assert pgmoat.process.wait() == 0

    def test_signals_in_the_last_moment_do_not_kill_it(self, start_pgmoat, certificate, postgres):
        """Regression: SIGTERM between its last line and its exit was deadly."""
        for _ in range(10):
            self.ends_well_in_a_storm_of_signals(start_pgmoat(certificate, settings={
                "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"}))

    @pytest.mark.once_a_run
    def test_nor_if_its_threads_have_not_run_yet(self, start_pgmoat, certificate, postgres, workspace, late_threads):
        """Regression: each blocked its signals itself, and on a busy machine that was too late."""
        for _ in range(10):
            self.ends_well_in_a_storm_of_signals(start_pgmoat(
                certificate, binary=workspace.release, environment={"LD_PRELOAD": str(late_threads)}, settings={
                    "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"}))

    def test_sigpipe_and_sigchld_are_harmless(self, terminating, client):
        for number in (signal.SIGPIPE, signal.SIGCHLD) * 5:
            terminating.process.send_signal(number)
        assert client.query(terminating.port, "SELECT 1", sslmode="require") == "1"

"""kill -9: what a process leaves behind does not prevent a new one from starting, and clients can reconnect."""

import os
import signal
import time

import pytest

from kit import wire
from kit.environment import write_for_user
from kit.process import eventually
from kit.raw_client import RawClient

# A process that does not exist: above the largest pid in Linux.
NOBODY = 2 ** 22 + 1


@pytest.fixture
def folder(workspace):
    return workspace.folder("socket")


@pytest.fixture
def pgmoat(start_pgmoat, certificate, postgres, folder):
    return start_pgmoat(certificate, settings={
        "unix_socket_directories": folder, "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"})


def files_of(pgmoat, folder):
    path = folder / f".s.PGSQL.{pgmoat.port}"
    return path, path.with_name(path.name + ".lock")


def ask_by_both_ways(pgmoat, folder):
    with RawClient(pgmoat.port) as client:
        assert client.start_tls().log_in().query("SELECT 'tcp'")[1][1].endswith(b"tcp")
    with RawClient(pgmoat.port, address=folder) as client:
        assert client.log_in().query("SELECT 'unix'")[1][1].endswith(b"unix")


def test_a_killed_process_starts_again_at_once_with_its_clients_still_there(pgmoat, folder):
    path, lock = files_of(pgmoat, folder)
    for _ in range(3):
        with RawClient(pgmoat.port) as tcp, RawClient(pgmoat.port, address=folder) as local, \
                RawClient(pgmoat.port) as half:
            tcp.start_tls().log_in()
            local.log_in()
            half.send(wire.SSL_REQUEST).receive(1)
            pgmoat.process.kill()
            assert path.is_socket() and lock.exists()
            pgmoat.start()
            assert lock.read_text().split()[0] == str(pgmoat.process.pid)
            # The old sessions have ended without an answer.
            for client in (tcp, local, half):
                assert client.receive_until_closed() == b""
        ask_by_both_ways(pgmoat, folder)


def test_the_server_sees_a_killed_process_leave(pgmoat, postgres, folder):
    with RawClient(pgmoat.port) as client:
        client.start_tls().log_in(application_name="left behind")
        left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'left behind'"
        assert postgres.query(left) == "1"
        pgmoat.process.kill()
        eventually(lambda: postgres.query(left) == "0", "the server's process to end")
        pgmoat.start()


@pytest.mark.parametrize("text", ("", "\n", "nonsense\n", f"{NOBODY}\n\n0\n", f"-{NOBODY}\n/data\n"), ids=repr)
def test_a_stale_lock_file_is_taken_over(pgmoat, folder, text):
    path, lock = files_of(pgmoat, folder)
    pgmoat.process.kill()
    write_for_user(lock, text, mode=0o600)
    pgmoat.start()
    assert lock.read_text().split()[0] == str(pgmoat.process.pid)
    ask_by_both_ways(pgmoat, folder)
    pgmoat.stop()
    assert not path.exists() and not lock.exists()


@pytest.mark.parametrize("left", ("lock", "socket", "neither"))
def test_half_of_what_it_leaves_is_enough(pgmoat, folder, left):
    path, lock = files_of(pgmoat, folder)
    pgmoat.process.kill()
    if left != "socket":
        path.unlink()
    if left != "lock":
        lock.unlink()
    pgmoat.start()
    ask_by_both_ways(pgmoat, folder)


def test_a_living_owner_of_the_lock_file_is_respected(pgmoat, folder):
    """As in PostgreSQL: the pid of any living process."""
    _, lock = files_of(pgmoat, folder)
    pgmoat.process.kill()
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as file:
        assert int(file.read()) < NOBODY
    write_for_user(lock, f"{os.getppid()}\n/var/lib/postgresql/data\n", mode=0o600)
    pgmoat.start(ready=False)
    assert pgmoat.process.wait() == 5
    assert f"is another server (PID {os.getppid()}) using socket file" in pgmoat.process.log()
    lock.unlink()
    pgmoat.start()


def test_clients_that_connect_again_come_in_as_soon_as_it_listens(pgmoat, folder):
    pgmoat.process.kill()
    pgmoat.start(ready=False)
    began = time.monotonic()
    while True:
        try:
            ask_by_both_ways(pgmoat, folder)
            break
        except (ConnectionRefusedError, FileNotFoundError):
            assert time.monotonic() - began < 20
            time.sleep(0.02)
    pgmoat.process.wait_for_log("ready to accept connections")


def test_a_process_killed_during_an_upgrade_leaves_all_to_the_new_one(pgmoat, folder):
    """The old process is killed while it drains: the listeners and the Unix socket already belong to the new one."""
    path, lock = files_of(pgmoat, folder)
    with RawClient(pgmoat.port) as busy:
        busy.start_tls().log_in().query("BEGIN")
        pgmoat.process.send_signal(signal.SIGUSR2)
        line = pgmoat.process.wait_for_log("the new process", "is ready", timeout=60)
        successor = int(line.split("the new process ")[1].split()[0])
        try:
            pgmoat.process.kill()
            ask_by_both_ways(pgmoat, folder)
            assert lock.read_text().split()[0] == str(successor) and path.is_socket()
        finally:
            os.kill(successor, signal.SIGTERM)
        eventually(lambda: not path.exists(), "the new process to end")
    pgmoat.start()
    ask_by_both_ways(pgmoat, folder)

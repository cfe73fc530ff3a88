"""Notifications to systemd, sockets from it, the log file that logrotate moves, and a filter of system calls as in
containers."""

import os
import re
import signal
import socket
import time

import pytest

from kit import wire
from kit.environment import RUNS_AS_ROOT, USER, free_port, give_to_user
from kit.http import Http
from kit.postgres import SUPERUSER
from kit.process import eventually
from kit.raw_client import RawClient


class NotifySocket:
    """The service manager's end of sd_notify(3)."""

    def __init__(self, folder):
        self.path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.settimeout(20)
        give_to_user(self.path)

    def receive(self):
        """The next message as a dictionary; skips watchdog messages."""
        while True:
            message = dict(line.split("=", 1) for line in self._socket.recv(4096).decode().splitlines())
            if message != {"WATCHDOG": "1"}:
                return message

    def receive_anything(self):
        return self._socket.recv(4096).decode()


@pytest.fixture
def manager(workspace):
    return NotifySocket(workspace.folder("manager"))


@pytest.fixture
def start(start_pgmoat, postgres):
    def start(environment=None, settings=None, **options):
        return start_pgmoat(environment=environment, settings={
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", **(settings or {})}, **options)
    return start


def log_in(pgmoat):
    return RawClient(pgmoat.port).log_in(user=SUPERUSER, database="postgres")


def test_the_manager_is_notified_of_ready_reload_and_stop(start, manager):
    pgmoat = start({"NOTIFY_SOCKET": manager.path})
    assert manager.receive() == {"READY": "1", "STATUS": "ready to accept connections"}

    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    pgmoat.reload()
    message = manager.receive()
    assert message["RELOADING"] == "1"
    assert before <= int(message["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert manager.receive() == {"READY": "1", "STATUS": "configuration was reloaded"}

    pgmoat.process.send_signal(signal.SIGTERM)
    message = manager.receive()
    assert message["STOPPING"] == "1"
    # 5 s of shutdown_timeout and a reserve.
    assert 5_000_000 < int(message["EXTEND_TIMEOUT_USEC"]) <= 30_000_000
    assert pgmoat.process.wait() == 0


def test_a_reload_that_fails_ends_the_reload_and_says_why(start, manager):
    pgmoat = start({"NOTIFY_SOCKET": manager.path})
    manager.receive()
    pgmoat.reload({"log_format": "braille"})
    assert manager.receive()["RELOADING"] == "1"
    message = manager.receive()
    assert message["READY"] == "1"
    assert message["STATUS"].startswith("reload failed: ") and "log_format" in message["STATUS"]
    log_in(pgmoat).log_out()


def test_the_watchdog_is_notified_twice_in_its_interval(start, manager):
    start({"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "400000"})
    signs = 0
    begin = time.monotonic()
    while signs < 5:
        signs += manager.receive_anything() == "WATCHDOG=1\n"
    assert 0.5 < time.monotonic() - begin < 5


def test_an_abstract_socket_is_found_and_no_manager_is_no_error(start):
    name = f"pgmoat-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name)
        manager.settimeout(20)
        start({"NOTIFY_SOCKET": "@" + name})
        assert manager.recv(4096).startswith(b"READY=1\n")
    for nonsense in ("/nowhere", "vsock:1:2", "", "relative"):
        start({"NOTIFY_SOCKET": nonsense, "WATCHDOG_USEC": "1000000", "LISTEN_FDS": "99"}).stop()


HAND_OVER = """
import os, socket, sys
channel = socket.socket(socket.AF_UNIX)
channel.connect(sys.argv[1])
listening = socket.recv_fds(channel, 1, 1)[1][0]
channel.close()
os.dup2(listening, 3, inheritable=True)
# The environment names the process that the sockets are for; exec keeps its number.
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execvp(sys.argv[2], sys.argv[2:])
"""


def as_user(folder, script, *arguments):
    """The beginning of a command that runs it through a Python script, as the servers' user."""
    (folder / "wrapper.py").write_text(script)
    drop = f"setpriv --reuid={USER.pw_uid} --regid={USER.pw_gid} --clear-groups".split() if RUNS_AS_ROOT else []
    return [*drop, "/usr/bin/python3", "-B", folder / "wrapper.py", *arguments]


@pytest.fixture
def start_with_socket(start, workspace):
    """Starts a pgmoat that gets `listening` from its manager."""
    def run(listening, **options):
        server = socket.socket(socket.AF_UNIX)

        def words(folder):
            server.bind(str(folder / "channel"))
            give_to_user(folder / "channel")
            server.listen()
            return as_user(folder, HAND_OVER, folder / "channel")

        pgmoat = start(names=words, ready=False, **options)
        server.settimeout(20)
        channel, _ = server.accept()
        socket.send_fds(channel, [b"x"], [listening.fileno()])
        channel.close()
        server.close()
        return pgmoat
    return run


def listening_socket():
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(100)
    return listening


def test_a_socket_of_the_manager_is_used_and_outlives_the_process(start_with_socket):
    with listening_socket() as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as early:  # before there is a pgmoat
            pgmoat = start_with_socket(listening, settings={"port": port})
            pgmoat.process.wait_for_log("ready to accept connections")
            early.sendall(wire.startup(user=SUPERUSER, database="postgres"))
            early.settimeout(20)
            assert early.recv(1) == b"R"
        pgmoat.stop()
        with socket.create_connection(("127.0.0.1", port)):  # waits for the next one
            pass


def test_a_socket_that_no_listener_wants_is_an_error(start_with_socket):
    with listening_socket() as listening:
        pgmoat = start_with_socket(listening)
        assert pgmoat.process.wait() == 5
        assert "on which no listener is configured" in pgmoat.process.log()


# --- the log file -------------------------------------------------------------------------------------


def test_the_log_file_is_opened_again_after_it_was_moved(start, workspace):
    folder = workspace.folder("log")
    file, moved = folder / "pgmoat.log", folder / "pgmoat.log.1"
    pgmoat = start(settings={"log_file": file}, ready=False)
    eventually(lambda: file.exists() and "ready to accept connections" in file.read_text(), "the log file")
    assert file.stat().st_mode & 0o777 == 0o640
    assert pgmoat.process.log() == ""

    file.rename(moved)
    pgmoat.process.send_signal(signal.SIGUSR1)
    eventually(file.exists, "a new log file")
    log_in(pgmoat).log_out()
    eventually(lambda: "connection closed" in file.read_text(), "a line in the new file")
    assert "connection closed" not in moved.read_text()


def test_a_log_file_that_cannot_be_opened_stops_the_start(start, workspace):
    folder = workspace.folder("log")
    pgmoat = start(settings={"log_file": folder / "no/such/folder.log"}, ready=False)
    assert pgmoat.process.wait() == 1
    assert "could not open log file" in pgmoat.process.log()


def test_when_the_log_cannot_be_reopened_the_old_file_goes_on(start, workspace):
    folder = workspace.folder("log")
    (folder / "inside").mkdir()
    give_to_user(folder / "inside")
    file = folder / "inside/pgmoat.log"
    pgmoat = start(settings={"log_file": file}, ready=False)
    eventually(lambda: file.exists() and "ready to accept" in file.read_text(), "the log file")
    (folder / "inside").rename(folder / "moved")
    pgmoat.process.send_signal(signal.SIGUSR1)
    moved = folder / "moved/pgmoat.log"
    eventually(lambda: "could not reopen log file" in moved.read_text(), "the complaint")


def test_lines_that_a_full_disk_does_not_take_are_counted(start, http_port):
    start(settings={"log_file": "/dev/full", "http_listen": f"127.0.0.1:{http_port}"}, ready=False)

    def lost():
        try:
            page = Http(http_port).text("/metrics")
        except OSError:
            return False
        return float(re.search(r"^pgmoat_log_messages_dropped_total (\S+)$", page, re.MULTILINE)[1]) > 0

    eventually(lost, "lost lines")


def test_without_a_log_file_sigusr1_changes_nothing(start):
    pgmoat = start()
    pgmoat.process.send_signal(signal.SIGUSR1)
    log_in(pgmoat).log_out()
    pgmoat.closed_line()


# --- io_uring refused, as under the seccomp profiles of containers -------------------------------------

SECCOMP = """
import ctypes, errno, os, struct, sys
ALLOW, REFUSE = 0x7fff0000, 0x00050000 | errno.EPERM
calls = (425, 426, 427)  # io_uring_setup, io_uring_enter, io_uring_register
program = [(0x20, 0, 0, 0)]  # the number of the system call
for i, number in enumerate(calls):
    program.append((0x15, len(calls) - i, 0, number))
program += [(0x06, 0, 0, ALLOW), (0x06, 0, 0, REFUSE)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in program))
filter = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, filter, 0, 0) == 0, os.strerror(ctypes.get_errno())  # PR_SET_SECCOMP
os.execvp(sys.argv[1], sys.argv[1:])
"""


def without_io_uring(folder):
    return as_user(folder, SECCOMP)


def test_if_io_uring_is_refused_one_line_reports_it_and_sessions_work(start):
    pgmoat = start(names=without_io_uring, settings={"relay_threads": 2})
    clients = [log_in(pgmoat) for _ in range(10)]
    for client in clients:
        assert client.query("SELECT 1")[0][0] == b"T"
        client.log_out()
    assert len(pgmoat.process.log_lines("io_uring is not available")) == 1

"""SIGUSR2: a new process replaces the old one, with its listening sockets.

No connection is refused, no query fails, and a new process that cannot start changes nothing."""

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from kit import wire
from kit.chain import Chain, is_gone
from kit.environment import AS_USER, free_port, give_to_user
from kit.process import eventually
from kit.raw_client import RawClient
from kit.workload import (CANCELLED, FAREWELL, Connects, Copies, Door, Queries, Tally, begin_sleep, cancel_running,
                          make_sequences, rows_of)


@pytest.fixture
def start(start_pgmoat, certificate, postgres, workspace):
    chains = []

    def start(binary=None, **settings):
        pgmoat = start_pgmoat(certificate, binary=binary, settings={
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", **settings})
        chains.append(Chain(pgmoat))
        return chains[-1]

    yield start
    for chain in chains:
        chain.end()


def parent_of(pid):
    return int(re.search(r"^PPid:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1])


def logged_in(port):
    return RawClient(port).start_tls().log_in()


class ReceivedWal:
    """pg_receivewal, which must not lose its connection."""

    def __init__(self, server, port, tls, folder):
        self.server, self.folder = server, folder
        self._process = subprocess.Popen(
            [server.installation.binaries / "pg_receivewal", "--no-loop", "--no-sync", "-D", folder, "-d",
             f"host=localhost hostaddr=127.0.0.1 port={port} user=postgres sslmode={'require' if tls else 'disable'}"],
            env={"HOME": str(folder)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **AS_USER)

    def segments(self):
        """The complete ones."""
        return {path.name: path for path in self.folder.iterdir() if re.fullmatch("[0-9A-F]{24}", path.name)}

    def finish(self):
        """How many bytes arrived, each as on the server."""
        self.server.query("SELECT pg_create_restore_point('end')")  # a segment without a record is not switched
        last = self.server.query("SELECT pg_walfile_name(pg_switch_wal())")
        eventually(lambda: last in self.segments() or self._process.poll() is not None, f"segment {last}", 60)
        self._process.send_signal(signal.SIGINT)
        words = self._process.communicate(timeout=60)[0].decode()
        assert self._process.returncode == 0 and "could not" not in words, words
        segments = self.segments()
        of_server = {path.name for path in (self.server.data / "pg_wal").iterdir()
                     if min(segments) <= path.name <= last}
        assert of_server == set(segments)
        for name, path in segments.items():
            assert path.read_bytes() == (self.server.data / "pg_wal" / name).read_bytes(), name
        return sum(path.stat().st_size for path in segments.values())

    def stop(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


class LongCopy:
    """One COPY that is fed over the whole time."""

    def __init__(self, door):
        self.door, self.rows = door, 0
        self.client = door.open()
        self.client.query("BEGIN")
        self.client.query("CREATE TEMPORARY TABLE t (x text)")
        self.client.send(wire.query("COPY t FROM STDIN")).receive_until(b"G")
        self.digest = hashlib.md5()

    def feed(self):
        for _ in range(1000):
            line = b"%08d %s" % (self.rows, hashlib.md5(b"%d" % self.rows).hexdigest().encode())
            self.client.send(wire.message(b"d", line + b"\n"))
            self.digest.update(line)
            self.rows += 1

    def finish(self):
        """How many rows arrived as they were sent."""
        self.client.send(wire.message(b"c")).receive_until(b"Z")
        (found,) = rows_of(self.client.query("SELECT count(*) || ' ' || md5(string_agg(x, '' ORDER BY x)) FROM t"))
        assert found == f"{self.rows} {self.digest.hexdigest()}"
        self.client.query("COMMIT")
        if self.door.tls and self.door.may_move:
            assert self.client.receive_error()["C"] == FAREWELL
        self.client.socket.close()
        return self.rows


# Sessions that stay, for each way to the server, and connections per second for all of them. Once per run with the shipped
# binary, under all the load that two cores can make; for each build, less.
@pytest.mark.parametrize("shipped, per_door, rate", ((False, 5, 20), pytest.param(
    True, 50, 200, marks=pytest.mark.once_a_run)))
def test_ten_upgrades_under_load_refuse_no_client_and_no_query(start, start_postgres, server_certificate, workspace,
                                                               shipped, per_door, rate):
    server = start_postgres(15, certificate=server_certificate, hba="local all all trust\n"
                            "host all all all trust\nhost replication all all trust\n", settings={
                                "max_connections": 350, "wal_keep_size": "512MB", "max_wal_senders": 8})
    ports = {"re-encrypted": free_port(), "passed through": free_port()}
    chain = start(workspace.release if shipped else None, **{
        "upstream": f"host=127.0.0.1 port={server.port} sslmode=disable", "shutdown_timeout": "300s",
        "max_connections": 1000, "log_min_messages": "info",
        "upstream.tls": f"host=127.0.0.1 port={server.port} sslmode=require", "listen_addresses": "127.0.0.1",
        "listener.again": f"address=127.0.0.1 port={ports['re-encrypted']} upstream=tls",
        "listener.through": f"address=127.0.0.1 port={ports['passed through']} tls_mode=passthrough upstream=tls"})
    terminated = Door("terminated", chain.pgmoat.port, tls=True)
    passed = Door("passed through", ports["passed through"], tls=True, may_move=False)
    doors = (terminated, passed, Door("re-encrypted", ports["re-encrypted"], tls=True),
             Door("in the clear", chain.pgmoat.port, tls=False))
    make_sequences(server, len(doors) * (per_door + 1))
    server.query("CREATE TABLE written (line text)")
    tally = Tally()
    workers = [Queries(door, tally, range(place * per_door, (place + 1) * per_door), pause=0.005)
               for place, door in enumerate(doors)]
    workers += [Connects(door, tally, len(doors) * per_door + place, rate / len(doors))
                for place, door in enumerate(doors)]
    workers += [Copies(door, tally, pause=2.0) for door in doors]
    received = [ReceivedWal(server, door.port, door.tls, workspace.folder("wal")) for door in doors]
    try:
        copies = [LongCopy(door) for door in doors]
        began = time.monotonic()
        for worker in workers:
            worker.start()
        eventually(lambda: all(worker.rounds for worker in workers[:len(doors)]), "all sessions to be there", 60)
        for _ in range(10):
            sleeping = [(door, door.open()) for door in doors]
            for _, session in sleeping:
                begin_sleep(session)
            chain.upgrade()
            # The session is in the old process, the cancel request arrives at the new one.
            for door, session in sleeping:
                assert cancel_running(door, session) == CANCELLED, door
                session.socket.close()
                tally.add("cancels of the process before")
            for copy in copies:
                copy.feed()
            server.query("INSERT INTO written SELECT repeat(md5(i::text), 32) FROM generate_series(1, 1000) i")
            rounds = [worker.rounds for worker in workers[:len(doors)]]
            eventually(lambda: all(worker.rounds > before for worker, before in zip(workers, rounds)),
                       "each session to be asked again", 60)
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join()
        seconds = time.monotonic() - began
        tally.add("rows of long copies", sum(copy.finish() for copy in copies))
        tally.add("bytes of WAL", sum(wal.finish() for wal in received))
    finally:
        for wal in received:
            wal.stop()
    eventually(lambda: all(is_gone(pid) for pid in chain.pids[:-1]), "the old processes to end")
    assert len(set(chain.pids)) == 11 and not is_gone(chain.pids[-1]) and chain.pgmoat.process.exit_code == 0
    print(f"ten upgrades in {seconds:.0f} s, {tally.counts['connects'] / seconds:.0f} connects/s: {dict(tally.counts)}")
    assert not tally.faults, tally.faults
    assert tally.counts["moved"] > 0 and tally.counts["connects"] > 20 and tally.counts["copies"] >= len(doors)


def test_the_program_at_the_path_and_the_configuration_of_now_are_taken(start, workspace):
    binary = workspace.folder("program") / "pgmoat"
    shutil.copy(workspace.pgmoat, binary)
    chain = start(binary=binary, max_connections=5)
    fresh = binary.with_suffix(".new")
    shutil.copy(workspace.pgmoat, fresh)
    inode = fresh.stat().st_ino
    fresh.rename(binary)  # as a package does
    chain.pgmoat.configure({"max_connections": 1})
    chain.upgrade()
    assert os.stat(f"/proc/{chain.pids[-1]}/exe").st_ino == inode
    with logged_in(chain.pgmoat.port), RawClient(chain.pgmoat.port) as second:
        second.start_tls().send(wire.startup())
        assert second.receive_error()["C"] == "53300"


@pytest.mark.parametrize("changes, reason", (
    ({"no_such_setting": "on"}, "unrecognized configuration parameter"),
    ({"ssl_cert_file": "missing.crt"}, "missing.crt"),
    ({"listen_addresses": "127.0.0.2,127.0.0.1", "port": 1}, "exit code 5"),
    ({"http_listen": "127.0.0.1:1"}, "exit code 5"),
), ids=("syntax", "certificate", "listener", "http"))
def test_a_new_process_that_cannot_start_changes_nothing_and_says_why(start, changes, reason):
    chain = start()
    with logged_in(chain.pgmoat.port) as session:
        before = dict(chain.pgmoat.settings)
        chain.pgmoat.configure(changes)
        assert reason in chain.fail_to_upgrade()
        session.query("SELECT 1")
        with logged_in(chain.pgmoat.port) as another:
            another.query("SELECT 1")
        chain.pgmoat.configure({**{name: None for name in changes}, **before})
        chain.upgrade()
        assert session.receive_error()["C"] == FAREWELL


@pytest.mark.parametrize("script, reason", (
    ("exit 7", "exit code 7"),
    ("kill -SEGV $$", "terminated by signal 11"),
    ('[ -n "$NOTIFY_SOCKET" ] && exit 8', "exit code 8"),
))
def test_a_program_that_crashes_changes_nothing(start, workspace, script, reason):
    binary = workspace.folder("program") / "pgmoat"
    shutil.copy(workspace.pgmoat, binary)
    chain = start(binary=binary)
    binary.unlink()
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    assert reason in chain.fail_to_upgrade()
    with logged_in(chain.pgmoat.port) as client:
        client.query("SELECT 1")
    binary.unlink()
    assert "could not execute" in chain.fail_to_upgrade()


def test_a_program_that_is_never_ready_ends_with_the_old_one(start, workspace):
    binary = workspace.folder("program") / "pgmoat"
    shutil.copy(workspace.pgmoat, binary)
    chain = start(binary=binary)
    binary.unlink()
    pid_file = workspace.folder("pid") / "pid"
    give_to_user(pid_file.parent)
    binary.write_text(f"#!/bin/sh\necho $$ >{pid_file}\nexec sleep 100\n")
    binary.chmod(0o755)
    os.kill(chain.pids[-1], signal.SIGUSR2)
    eventually(lambda: pid_file.exists() and pid_file.read_text(), "the script to run")
    since = chain.pgmoat.process.log_position()
    os.kill(chain.pids[-1], signal.SIGUSR2)
    chain.wait_for("a new process is already starting", since)
    chain.pgmoat.process.send_signal(signal.SIGTERM)
    assert chain.pgmoat.process.wait() == 0
    eventually(lambda: is_gone(int(pid_file.read_text())), "the new process to end")


def test_another_process_cannot_report_that_the_new_process_is_ready(start, workspace):
    binary = workspace.folder("program") / "pgmoat"
    shutil.copy(workspace.pgmoat, binary)
    chain = start(binary=binary)
    binary.unlink()
    name_file = workspace.folder("name") / "name"
    give_to_user(name_file.parent)
    binary.write_text(f"#!/bin/sh\necho \"$NOTIFY_SOCKET\" >{name_file}\nsleep 3\nexit 9\n")
    binary.chmod(0o755)
    since = chain.pgmoat.process.log_position()
    os.kill(chain.pids[-1], signal.SIGUSR2)
    name = eventually(lambda: name_file.exists() and name_file.read_text().strip(), "the name of the socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"READY=1\n", "\0" + name[1:])
    assert "exit code 9" in chain.wait_for("did not start: (.*)", since)[1]


def test_a_unix_socket_and_its_lock_go_along(start, workspace):
    folder = workspace.folder("socket")
    chain = start(unix_socket_directories=folder)
    path = folder / f".s.PGSQL.{chain.pgmoat.port}"
    for _ in range(2):
        chain.upgrade()
        eventually(lambda: is_gone(chain.pids[-2]), "the old process to end")
        assert path.is_socket()
        assert path.with_name(path.name + ".lock").read_text().split()[0] == str(chain.pids[-1])
        with RawClient(chain.pgmoat.port, address=folder) as client:
            client.log_in().query("SELECT 1")
    os.kill(chain.pids[-1], signal.SIGTERM)
    eventually(lambda: not path.exists(), "the socket to go with its last process")


def test_queries_of_the_old_process_can_be_cancelled_through_the_new_one(start, postgres):
    chain = start(shutdown_timeout="30s")
    with logged_in(chain.pgmoat.port) as client:
        client.send(wire.query("SELECT pg_sleep(60)"))
        postgres.wait_until_asleep(client.backend_process_id)
        chain.upgrade()
        with RawClient(chain.pgmoat.port) as cancel:
            cancel.send(wire.cancel_request(client.backend_process_id, client.backend_key))
        assert client.receive_error()["C"] == "57014"


def test_a_session_that_passes_through_goes_on_over_an_upgrade(start_pgmoat, servers):
    server = servers(18, tls=True)
    chain = Chain(start_pgmoat(settings={
        "tls_mode": "passthrough", "upstream": f"host=127.0.0.1 port={server.port}", "shutdown_timeout": "30s"}))
    try:
        with logged_in(chain.pgmoat.port) as client:
            chain.upgrade()
            client.query("SELECT 1")
            client.log_out()
        assert chain.pgmoat.process.wait() == 0
    finally:
        chain.end()


def test_the_http_endpoint_goes_along_and_counts_from_zero(start):
    port = free_port()
    chain = start(http_listen=f"127.0.0.1:{port}")

    def opened():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            return sum(float(line.rsplit(" ", 1)[1]) for line in answer.read().decode().splitlines()
                       if line.startswith("pgmoat_connections_opened_total"))

    with logged_in(chain.pgmoat.port):
        eventually(lambda: opened() == 1, "the connection to be counted")
        chain.upgrade()
        assert opened() == 0
    with logged_in(chain.pgmoat.port):
        eventually(lambda: opened() == 1, "the connection to be counted")


def test_the_service_manager_is_notified_of_the_new_main_process(start_pgmoat, certificate, postgres, workspace):
    path = workspace.folder("manager") / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(20)
        give_to_user(path)
        chain = Chain(start_pgmoat(certificate, environment={"NOTIFY_SOCKET": path}, settings={
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"}))
        try:
            chain.upgrade()
            messages = []
            while not any("MAINPID" in message for message in messages):
                messages.append(manager.recv(4096).decode())
            assert f"MAINPID={chain.pids[-1]}\n" in messages
            # systemd waits only for its own children: the new process must be one of them, and so not the old one's.
            assert parent_of(chain.pids[-1]) != chain.pids[0]
            eventually(lambda: is_gone(chain.pids[0]), "the old process to end")
            os.kill(chain.pids[-1], signal.SIGHUP)
            while not messages[-1].startswith("RELOADING=1"):
                messages.append(manager.recv(4096).decode())
            assert not any("STOPPING" in message for message in messages)
        finally:
            chain.end()

"""Rules with host names: which clients they match, and that a dead name server delays no other client."""

import signal
from contextlib import ExitStack

import pytest

from kit import wire
from kit.raw_client import RawClient
from kit.resolver import NameServer, own_names

RULES = """
host all all 127.0.0.1/32            trust
host all all db-client.example.test  trust
host all all .suffix.test            trust
"""

HOSTS = (
    ("127.0.0.5", "db-client.example.test"),
    ("127.0.0.6", "a.suffix.test"),
    ("127.0.0.7", "suffix.test"),
    ("127.0.0.8", "DB-Client2.EXAMPLE.test"),
    ("127.0.0.10", "other.example.test"),
)


def no_entry(address):
    return (f'no pg_hba.conf entry for host "{address}", user "postgres", database "postgres", no encryption')


@pytest.fixture
def start(start_pgmoat, postgres):
    def start(rules=RULES, hosts=HOSTS, name_server=None, **settings):
        return start_pgmoat(
            settings={"upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable",
                      "hba_file": "pg_hba.conf", **settings},
            files={"pg_hba.conf": rules},
            names=lambda folder: own_names(folder, hosts, name_server))

    return start


def start_client(pgmoat, source):
    return RawClient(pgmoat.port, source=source).send(wire.startup())


def refusal(pgmoat, source):
    """The text of the FATAL for a client from this address; None if it was let in."""
    with start_client(pgmoat, source) as client:
        kind, body = client.receive_message()
        return wire.error_fields(body)["M"] if kind == b"E" else None


class TestNames:
    @pytest.mark.parametrize("source", ("127.0.0.5", "127.0.0.6"))
    def test_a_client_with_the_name_is_let_in(self, start, source):
        assert refusal(start(), source) is None

    @pytest.mark.parametrize("source", ("127.0.0.7", "127.0.0.10", "127.0.0.11"))
    def test_a_suffix_is_not_its_own_member_and_another_name_or_none_does_not_match(self, start, source):
        assert refusal(start(), source) == no_entry(source)

    def test_letter_case_does_not_matter(self, start):
        pgmoat = start(rules="host all all db-CLIENT2.example.TEST trust\n")
        assert refusal(pgmoat, "127.0.0.8") is None

    @pytest.mark.parametrize("forward, matches", (("127.0.0.9", True), ("127.0.0.99", False)))
    def test_a_name_counts_only_if_it_has_the_address(self, start, forward, matches):
        with NameServer() as dns:
            pgmoat = start(name_server=dns)
            with start_client(pgmoat, "127.0.0.9") as client:
                dns.say_name_and_address("b.suffix.test", forward)
                kind, body = client.receive_message()
        assert kind == (b"R" if matches else b"E")
        assert matches or wire.error_fields(body)["M"] == no_entry("127.0.0.9")


class TestADeadNameServer:
    def test_delays_only_clients_that_reach_a_name(self, start):
        with NameServer() as dead, ExitStack() as open_clients:
            pgmoat = start(name_server=dead, shutdown_timeout="0")
            # More than there are workers.
            waiting = [open_clients.enter_context(start_client(pgmoat, f"127.0.1.{number}"))
                       for number in range(1, 21)]
            dead.wait_for_question()
            for _ in range(3):
                with RawClient(pgmoat.port) as other:
                    other.log_in()
            for client in waiting:
                client.socket.setblocking(False)
                with pytest.raises(BlockingIOError):
                    client.socket.recv(1)

    def test_that_wakes_up_lets_the_decision_go_on(self, start):
        with NameServer() as slow, start_client(start(name_server=slow), "127.0.1.1") as client:
            question, peer = slow.wait_for_question()
            slow.say_no_such_name(question, peer)
            assert client.receive_error()["M"] == no_entry("127.0.1.1")

    def test_does_not_extend_the_deadline(self, start):
        with NameServer() as dead:
            pgmoat = start(name_server=dead, authentication_timeout="1s")
            with start_client(pgmoat, "127.0.1.1") as client:
                assert client.receive_until_closed() == b""
            assert pgmoat.closed_line("127.0.1.1")["reason"] == "timeout"

    def test_does_not_hold_up_a_shutdown(self, start):
        with NameServer() as dead:
            pgmoat = start(name_server=dead)
            with start_client(pgmoat, "127.0.1.1") as client:
                dead.wait_for_question()
                pgmoat.process.send_signal(signal.SIGINT)
                client.receive_until_closed()
                assert pgmoat.process.wait() == 1  # it was cut off

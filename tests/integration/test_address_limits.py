"""Limits for each client address.

127.0.0.2 and so on are further addresses of this machine."""

import re
import socket
import time

import psycopg2
import pytest

from kit import wire
from kit.http import Http
from kit.metrics import scrape
from kit.process import eventually
from kit.raw_client import RawClient

OTHER = "127.0.0.2"


@pytest.fixture
def start(start_pgmoat, certificate, postgres, http_port):
    def start(**settings):
        return start_pgmoat(certificate, settings={
            "http_listen": f"127.0.0.1:{http_port}",
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", **settings})
    return start


def turned_away(pgmoat, limit):
    return scrape(pgmoat).sum("pgmoat_rate_limited_total", limit=limit)


def refusal(pgmoat, source=None, tls=True, **startup):
    with RawClient(pgmoat.port, source=source) as client:
        if tls:
            client.start_tls()
        error = client.send(wire.startup(**startup)).receive_error()
        return error["C"], error["M"]


def login(pgmoat, source=None):
    with RawClient(pgmoat.port, source=source) as client:
        client.start_tls().log_in().log_out()


def logs_in(pgmoat):
    try:
        login(pgmoat)
        return True
    except (AssertionError, OSError, EOFError):
        return False


class TestConnections:
    REFUSED = ("53300", "too many connections from this client address")

    def test_one_too_many_gets_the_error_in_tls_and_another_address_does_not(self, start):
        pgmoat = start(max_connections_per_address=2)
        with RawClient(pgmoat.port) as first, RawClient(pgmoat.port) as second:
            first.start_tls().log_in()
            second.start_tls().log_in()
            assert refusal(pgmoat) == self.REFUSED
            assert refusal(pgmoat, tls=False) == self.REFUSED
            login(pgmoat, source=OTHER)
            first.log_out()
            first.socket.close()
            eventually(lambda: logs_in(pgmoat), "the place to be free")
        assert turned_away(pgmoat, "connections_per_address") >= 2

    def test_a_crowd_that_says_nothing_is_closed_at_once(self, start):
        pgmoat = start(max_connections_per_address=3)
        crowd = [RawClient(pgmoat.port) for _ in range(40)]
        closed = [client for client in crowd[6:] if client.receive_until_closed() == b""]
        assert len(closed) == 34
        login(pgmoat, source=OTHER)
        for client in crowd:
            client.socket.close()
        eventually(lambda: logs_in(pgmoat), "their places to be free")

    def test_exempt_networks_and_reload(self, start):
        pgmoat = start(max_connections_per_address=1, address_limits_exempt="127.0.0.2/31")
        with RawClient(pgmoat.port, source=OTHER) as first:
            first.start_tls().log_in()
            login(pgmoat, source=OTHER)
            login(pgmoat, source="127.0.0.3")
            with RawClient(pgmoat.port) as own:
                own.start_tls().log_in()
                assert refusal(pgmoat) == self.REFUSED
                pgmoat.configure({"max_connections_per_address": 2})
                pgmoat.process.wait_for_log("configuration was reloaded", since=pgmoat.reload())
                login(pgmoat)

    def test_refusals_are_summed_up_in_the_log(self, start):
        pgmoat = start(max_connections_per_address=1)
        with RawClient(pgmoat.port) as first:
            first.start_tls().log_in()
            for _ in range(20):
                assert refusal(pgmoat, tls=False) == self.REFUSED
            eventually(lambda: self.summed_up(pgmoat) == 20, "all to be summed up")
        lines = pgmoat.process.log_lines("connection closed")
        assert not [line for line in lines if "reason=rate_limited" in line and "DEBUG" not in line]

    @staticmethod
    def summed_up(pgmoat):
        lines = [line for line in pgmoat.process.log_lines("reason=rate_limited") if "WARNING" in line]
        return sum(int(re.search(r"count=(\d+)", line)[1]) for line in lines)


class TestRates:
    def test_handshakes_beyond_the_rate_are_closed_silently(self, start):
        pgmoat = start(handshake_rate_per_address="2/1h")
        login(pgmoat)
        login(pgmoat)
        with RawClient(pgmoat.port) as third:
            third.send(wire.SSL_REQUEST)
            assert third.receive(1) == b"S"
            assert third.receive_until_closed() == b""
        login(pgmoat, source=OTHER)
        assert turned_away(pgmoat, "handshakes_per_address") == 1

    def test_logins_beyond_the_rate_are_told_to_come_later(self, start):
        pgmoat = start(login_rate_per_address="1/1s burst=2")
        login(pgmoat)
        login(pgmoat)
        assert refusal(pgmoat) == ("57P03", "too many login attempts from this client address, try again later")
        login(pgmoat, source=OTHER)
        time.sleep(1.1)
        login(pgmoat)
        assert turned_away(pgmoat, "logins_per_address") == 1

    def test_handshakes_at_a_time_are_limited_and_silent_clients_do_not_count(self, start):
        pgmoat = start(max_handshakes=1)
        silent = [RawClient(pgmoat.port).send(wire.SSL_REQUEST) for _ in range(5)]
        for client in silent:
            assert client.receive(1) == b"S"
        login(pgmoat)
        silent[0].send(b"\x16\x03\x01\x02\x00\x01")
        eventually(lambda: scrape(pgmoat).sum("pgmoat_tls_handshakes_in_flight") == 1, "the handshake to begin")
        with RawClient(pgmoat.port) as refused:
            refused.send(wire.SSL_REQUEST)
            assert refused.receive(1) == b"S"
            refused.send(b"\x16")
            assert refused.receive_until_closed() == b""
        for client in silent:
            client.socket.close()
        eventually(lambda: logs_in(pgmoat), "the handshake to be over")
        assert turned_away(pgmoat, "handshakes") >= 1


class TestFailedLogins:
    def test_after_some_the_address_waits_and_no_other_does(self, start):
        pgmoat = start(failed_logins_per_address="3/1h", failed_login_delay="3s")
        for _ in range(3):
            assert refusal(pgmoat, user="nobody_at_all")[0] == "28000"
        began = time.monotonic()
        login(pgmoat, source=OTHER)
        assert time.monotonic() - began < 2.5
        began = time.monotonic()
        login(pgmoat)  # the right user, from the address that has guessed
        assert 2.9 < time.monotonic() - began < 5.5
        assert turned_away(pgmoat, "failed_logins_per_address") == 1

    def test_more_connections_make_no_more_guesses(self, start):
        pgmoat = start(failed_logins_per_address="1/1h", failed_login_delay="10s")
        assert refusal(pgmoat, user="nobody_at_all")[0] == "28000"
        waiting = [RawClient(pgmoat.port).send(wire.startup(user="nobody_at_all")) for _ in range(8)]
        time.sleep(0.3)
        assert refusal(pgmoat, tls=False) == (
            "57P03", "too many failed logins from this client address, try again later")
        for client in waiting:
            client.socket.settimeout(0.05)
            with pytest.raises(socket.timeout):
                client.socket.recv(1)
            client.socket.close()


class TestShown:
    """The same in the console, on the status page, as JSON and in a scrape."""
    RULES = "host pgmoat watcher 127.0.0.1/32 trust\nhost all postgres all trust\n"

    @pytest.fixture
    def pgmoat(self, start):
        pgmoat = start(max_connections_per_address=3, handshake_rate_per_address="5/1h", login_rate_per_address="2/1h burst=4",
                       failed_logins_per_address="1/1h", failed_login_delay="10s", console_users="watcher",
                       address_prefix_ipv4=31, address_limits_exempt="127.0.0.1/32", max_connections=50)
        pgmoat.write_files({"pg_hba.conf": self.RULES})
        pgmoat.process.wait_for_log("configuration was reloaded", since=pgmoat.reload({"hba_file": "pg_hba.conf"}))
        return pgmoat

    @staticmethod
    def show(pgmoat, what):
        connection = psycopg2.connect(host="127.0.0.1", port=pgmoat.port, user="watcher", dbname="pgmoat", sslmode="disable",
                                      gssencmode="disable")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"SHOW {what}")
                names = [column.name for column in cursor.description]
                return {row[0]: dict(zip(names, row)) for row in cursor}
        finally:
            connection.close()

    def test_nothing_has_happened_yet(self, pgmoat):
        limits = self.show(pgmoat, "LIMITS")
        assert {name: row["setting"] for name, row in limits.items()} == {
            "max_connections": "50", "max_handshakes": None, "max_connections_per_address": "3",
            "handshake_rate_per_address": "5/1h", "login_rate_per_address": "2/1h burst=4",
            "failed_logins_per_address": "1/1h"}
        assert all(row["refused"] == 0 and row["most_refused"] is None for row in limits.values())
        assert self.show(pgmoat, "ADDRESSES") == {}

    def test_each_limit_shows_how_far_it_is_used_and_by_which_addresses(self, pgmoat, http_port):
        greedy, guesser, both = "127.0.0.4", "127.0.0.6", "127.0.0.7"  # the last two are one address
        held = [RawClient(pgmoat.port, source=greedy).log_in() for _ in range(3)]
        assert refusal(pgmoat, source=greedy, tls=False)[0] == "53300"
        assert refusal(pgmoat, source=guesser, user="nobody_at_all")[0] == "28000"
        waiting = RawClient(pgmoat.port, source=both).send(wire.startup(user="nobody_at_all"))
        for _ in range(4):
            with RawClient(pgmoat.port, source=guesser) as client:
                client.start_tls()
        with RawClient(pgmoat.port, source=both) as refused:
            refused.send(wire.SSL_REQUEST).receive(1)
            assert refused.receive_until_closed() == b""
        eventually(lambda: scrape(pgmoat).sum("pgmoat_connections_live") == 4, "three sessions and one that waits")

        limits = self.show(pgmoat, "LIMITS")
        shown = {name: (row["now"], row["addresses"], row["refused"], row["most_refused"]) for name, row in limits.items()}
        assert shown == {
            "max_connections": (4, None, 0, None),
            "max_handshakes": (0, None, 0, None),
            "max_connections_per_address": (3, 1, 1, ["127.0.0.4/31 (1)"]),
            "handshake_rate_per_address": (5, 1, 1, ["127.0.0.6/31 (1)"]),
            "login_rate_per_address": (3, 0, 0, None),
            "failed_logins_per_address": (1, 1, 1, ["127.0.0.6/31 (1)"])}
        addresses = self.show(pgmoat, "ADDRESSES")
        assert list(addresses.values()) == [
            {"address": "127.0.0.6/31", "connections": 1, "refused": 2, "failed_logins": 1, "delayed": True, "waiting": 1},
            {"address": "127.0.0.4/31", "connections": 3, "refused": 1, "failed_logins": 0, "delayed": False, "waiting": 0}]

        status = Http(http_port).json("/status.json")
        assert {limit["name"]: (limit.get("now"), limit.get("addresses"), limit["refused"], limit["most_refused"] or None)
                for limit in status["limits"]} == shown
        assert status["addresses"] == list(addresses.values())
        assert status["address_table"] == {"size": 16384, "used": 2, "evicted": 0}
        page = Http(http_port).text("/")
        assert "127.0.0.6/31 (1)" in page and "delayed (1)" in page and "2 of 16\u202f384 remembered" in page
        metrics = scrape(pgmoat)
        assert metrics.by("limit", "pgmoat_addresses_at_limit") == {
            "connections_per_address": 1, "handshakes_per_address": 1, "failed_logins_per_address": 1}
        assert metrics.by("limit", "pgmoat_rate_limited_total") == {
            "connections_per_address": 1, "handshakes_per_address": 1, "failed_logins_per_address": 1}
        assert metrics.sum("pgmoat_address_table_used") == 2
        for client in (*held, waiting):
            client.socket.close()

    def test_a_reload_changes_what_is_shown(self, pgmoat):
        pgmoat.process.wait_for_log("configuration was reloaded", since=pgmoat.reload(
            {"login_rate_per_address": None, "max_handshakes": 7}))
        limits = self.show(pgmoat, "LIMITS")
        assert (limits["login_rate_per_address"]["setting"], limits["login_rate_per_address"]["now"]) == (None, None)
        assert limits["max_handshakes"]["setting"] == "7"

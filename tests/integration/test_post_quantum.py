"""X25519MLKEM768, a key exchange with which recorded connections stay secret; from OpenSSL 3.5 on.

With an older library (Debian 12), a configuration that names it must be refused. The other half runs on Debian 13:
tests/run-debian13.
"""

import pytest

from kit.environment import free_port, write_for_user
from kit.metrics import scrape
from kit.pgmoat import config_text, run_pgmoat
from kit.s_client import knows_group, shake_hands

pytestmark = pytest.mark.once_a_run

GROUP = "X25519MLKEM768"
TLS_MATERIAL = 4
HANDSHAKE_FAILURE = "40"  # the alert, as RFC 8446 numbers it


HAS_IT = knows_group(GROUP)
elsewhere_refused = pytest.mark.skipif(HAS_IT, reason="this OpenSSL has the group")
needs_it = pytest.mark.skipif(not HAS_IT, reason="only OpenSSL 3.5 has the group: see tests/run-debian13")


@elsewhere_refused
def test_a_library_without_the_group_refuses_to_load_it_by_name(workspace, certificate):
    folder = workspace.folder("post-quantum")
    certificate.install(folder)
    write_for_user(folder / "pgmoat.conf", config_text(
        {"upstream": "host=/nowhere", "ssl": "on", "ssl_groups": f"{GROUP}:X25519"}))
    code, _, text = run_pgmoat(workspace, "check", "--config", folder / "pgmoat.conf")
    assert code == TLS_MATERIAL and f'"{GROUP}"' in text


@needs_it
class TestPostQuantum:
    @pytest.fixture
    def pgmoat(self, start_pgmoat, certificate, postgres):
        return start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "ssl_groups": f"{GROUP}:X25519"})

    def test_libpq_negotiates_it_without_any_configuration(self, pgmoat, clients):
        assert clients[15].query(pgmoat.port, "SELECT 1", sslmode="require") == "1"
        assert pgmoat.closed_line("user=")["group"] == GROUP

    def test_it_is_preferred_whatever_order_a_client_offers_its_shares_in(self, pgmoat):
        # OpenSSL's stars: a key share of each is in the first hello.
        shake_hands(pgmoat.port, "-tls1_3", "-groups", f"*X25519:*{GROUP}")
        assert pgmoat.closed_line()["group"] == GROUP

    def test_a_client_without_it_is_served_with_the_next(self, pgmoat):
        shake_hands(pgmoat.port, "-tls1_3", "-groups", "X25519")
        assert pgmoat.closed_line()["group"] == "X25519"

    def test_it_can_be_all_that_is_allowed(self, pgmoat):
        position = pgmoat.reload({"ssl_groups": GROUP})
        pgmoat.process.wait_for_log("configuration was reloaded", since=position)
        assert shake_hands(pgmoat.port, "-tls1_3", "-groups", "X25519").alert == HANDSHAKE_FAILURE
        shake_hands(pgmoat.port, "-tls1_3")
        assert pgmoat.closed_line("mode=terminate", "group=", since=position)["group"] == GROUP

    def test_the_profile_prefers_it(self, pgmoat):
        position = pgmoat.reload({"ssl_groups": None, "ssl_profile": "intermediate"})
        pgmoat.process.wait_for_log("configuration was reloaded", since=position)
        shake_hands(pgmoat.port, "-tls1_3")
        assert pgmoat.closed_line(since=position)["group"] == GROUP

    def test_a_rule_can_demand_it(self, pgmoat, clients):
        write_for_user(pgmoat.folder / "pg_hba.conf", f"hostssl all all all trust tls_groups={GROUP}\n")
        position = pgmoat.reload({"hba_file": "pg_hba.conf"})
        pgmoat.process.wait_for_log("configuration was reloaded", since=position)
        assert clients[15].query(pgmoat.port, "SELECT 1", sslmode="require") == "1"

    @pytest.fixture
    def in_front(self, start_pgmoat, pgmoat):
        """A second pgmoat that passes through to the first: no available PostgreSQL supports the group."""
        return start_pgmoat(settings={
            "tls_mode": "passthrough", "upstream": f"host=127.0.0.1 port={pgmoat.port}"})

    def test_passed_through_it_is_observed(self, in_front, clients):
        assert clients[15].query(in_front.port, "SELECT 1", sslmode="require") == "1"
        assert in_front.closed_line("mode=passthrough")["group"] == GROUP

    def test_passed_through_a_second_hello_that_brings_it_is_read(self, in_front):
        shake_hands(in_front.port, "-tls1_3", "-groups", f"*X448:{GROUP}")
        assert in_front.closed_line("mode=passthrough")["group"] == GROUP

    def test_it_protects_the_leg_to_the_server_too(self, start_pgmoat, certificate, pgmoat, clients):
        first = start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={pgmoat.port} sslmode=require",
            "http_listen": f"127.0.0.1:{free_port()}"})
        assert clients[15].query(first.port, "SELECT 1", sslmode="require") == "1"
        assert scrape(first).by("group", "pgmoat_tls_handshakes_total", side="server") == {GROUP: 1}

"""A scrape is well-formed and documented, its sums agree, and clients cannot create series."""

import ssl
import subprocess

import pytest

from kit import wire
from kit.environment import SOURCE, free_port
from kit.metrics import Since, scrape
from kit.process import eventually
from kit.raw_client import RawClient


@pytest.fixture
def observed(start_pgmoat, certificate, postgres):
    """Starts a pgmoat to be scraped: observed(additional settings)."""
    def start(**settings):
        return start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable",
            "http_listen": f"127.0.0.1:{free_port()}", **settings})

    return start


def test_promtool_accepts_the_scrape(observed):
    pgmoat = observed()
    with RawClient(pgmoat.port) as client:
        client.start_tls().log_in().query("SELECT 1")
        text = scrape(pgmoat).text
    result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_every_family_is_documented_and_every_documented_one_is_there(observed):
    """metrics/README.md has a table: name, type, labels, meaning."""
    documented = {}
    for line in (SOURCE / "metrics/README.md").read_text().splitlines():
        if line.startswith(("| `pgmoat_", "| `process_")):
            name, kind, labels = (cell.strip() for cell in line.split("|")[1:4])
            documented[name.strip("`")] = (kind, frozenset(labels.replace("`", "").split(", ")) - {""})
    pgmoat = observed()
    with RawClient(pgmoat.port) as client:
        client.start_tls().log_in()
        metrics = scrape(pgmoat)
    assert {name: kind for name, (kind, _) in documented.items()} == metrics.families

    labels = {}
    for name, have, _ in metrics.samples:
        family = name if name in metrics.families else name.rsplit("_", 1)[0]
        labels.setdefault(family, set()).add(frozenset(have) - {"le"})
    for family, found in labels.items():
        assert found == {documented[family][1]}, family


def test_a_handshake_that_fails_is_counted_by_side_and_reason(observed, servers, authority):
    server = servers(18, True)
    pgmoat = observed(upstream=f"host=other.example hostaddr=127.0.0.1 port={server.port} sslmode=verify-full "
                               f"sslrootcert={authority.certificate}")
    since = Since(pgmoat)
    with RawClient(pgmoat.port) as client:
        client.start_tls()
        assert client.send(wire.startup()).receive_error()["C"] == "57P03"
    with RawClient(pgmoat.port) as client, pytest.raises(ssl.SSLError):
        client.start_tls(maximum_version=ssl.TLSVersion.TLSv1_1)
    eventually(lambda: since.by("reason", "pgmoat_tls_handshake_failures_total", side="client"), "the client's failure")
    assert since.by("reason", "pgmoat_tls_handshake_failures_total", side="server") == {"cert_name": 1}


def test_sums_agree(observed, servers):
    through = free_port()
    pgmoat = observed(**{
        "upstream.tls": f"host=127.0.0.1 port={servers(18, True).port}",
        "listener.edge": f"address=127.0.0.1 port={through} tls_mode=passthrough upstream=tls"})
    tls12 = {"minimum_version": ssl.TLSVersion.TLSv1_2, "maximum_version": ssl.TLSVersion.TLSv1_2}
    clients = [RawClient(pgmoat.port).start_tls().log_in(), RawClient(pgmoat.port).start_tls(**tls12).log_in(),
               RawClient(pgmoat.port).log_in(), RawClient(through).start_tls().log_in(), RawClient(through).log_in(),
               RawClient(pgmoat.port)]
    ended = [RawClient(pgmoat.port).start_tls().log_in() for _ in range(2)]
    for client in ended:
        client.log_out()

    def agree():
        metrics = scrape(pgmoat)
        for listener in ("default", "edge"):
            live = metrics.sum("pgmoat_connections_live", listener=listener)
            opened = metrics.sum("pgmoat_connections_opened_total", listener=listener)
            if opened - metrics.sum("pgmoat_connections_closed_total", listener=listener) != live:
                return False
            for side in ("client", "server"):
                if metrics.sum("pgmoat_tls_connections_live", listener=listener, side=side) != live:
                    return False
        return (metrics.by("version", "pgmoat_tls_connections_live", side="client", listener="default")
                == {"TLSv1.3": 1, "TLSv1.2": 1, "none": 2}
                and metrics.by("version", "pgmoat_tls_connections_live", side="server", listener="default")
                == {"none": 4}
                and metrics.by("version", "pgmoat_tls_connections_live", side="server", listener="edge")
                == {"TLSv1.3": 1, "none": 1})

    eventually(agree, "sums that agree")
    for client in clients:
        client.socket.close()


def test_clients_cannot_make_series(observed, start_fake_server):
    def refuse(visitor):
        visitor.receive_packet()
        visitor.send(wire.error_response('role "x" does not exist', "28000"))

    server = start_fake_server(refuse)
    pgmoat = observed(upstream=f"host=127.0.0.1 port={server.port} sslmode=disable")

    def visit(name):
        with RawClient(pgmoat.port) as client:
            client.start_tls(server_name=f"{name}.example.com")
            client.send(wire.startup(user=name, database=name, application_name=name)).receive_until_closed()

    def scrape_without_sessions():
        """Live sessions have series of their own."""
        eventually(lambda: scrape(pgmoat).sum("pgmoat_connections_live") == 0, "the last session to be gone")
        return scrape(pgmoat)

    visit("first")
    before = len(scrape_without_sessions().samples)
    for number in range(200):
        visit(f"user-{number}")
    after = scrape_without_sessions()
    assert after.sum("pgmoat_tls_handshakes_total") >= 201
    assert len(after.samples) == before


def test_counters_survive_a_reload(observed):
    pgmoat = observed(log_min_messages="info")

    def counted():
        metrics = scrape(pgmoat)
        kinds = ("counter", "histogram")
        return {(name, *sorted(have.items())): value for name, have, value in metrics.samples
                if metrics.families.get(name, metrics.families.get(name.rsplit("_", 1)[0])) in kinds}

    with RawClient(pgmoat.port) as client:
        client.start_tls().log_in().query("SELECT 1")
    eventually(lambda: scrape(pgmoat).sum("pgmoat_connections_live") == 0, "the connection to be over")
    before = counted()
    assert before[("pgmoat_queries_total", ("listener", "default"))] == 1
    pgmoat.process.wait_for_log("configuration was reloaded", since=pgmoat.reload({"log_min_messages": "debug1"}))
    after = counted()
    assert {series: value for series, value in before.items() if after.get(series, -1) < value} == {}


def openssl_date(file, which):
    """As Unix time, parsed by the openssl command."""
    text = subprocess.run(["openssl", "x509", "-in", file, "-noout", which], capture_output=True, text=True,
                          check=True).stdout
    return ssl.cert_time_to_seconds(text.strip().split("=")[1])


def test_certificates_have_their_expiry(observed, certificate, authority):
    pgmoat = observed(ssl_ca_file=str(authority.certificate))
    metrics = scrape(pgmoat)
    for role, file in (("server", certificate.certificate), ("client_ca", authority.certificate)):
        assert metrics.sum("pgmoat_certificate_not_after_timestamp_seconds", role=role) == openssl_date(file, "-enddate")
        assert metrics.sum("pgmoat_certificate_not_before_timestamp_seconds", role=role) == openssl_date(
            file, "-startdate")
    [(info, value)] = metrics.all("pgmoat_certificate_info", role="server")
    assert (info["subject_cn"], info["issuer_cn"], info["key_type"], value) == ("localhost", "Test CA", "EC-256", 1)
    assert metrics.sum("pgmoat_certificate_load_failed") == 0


def test_a_client_certificate_is_observed_by_its_remaining_time(observed, authority):
    pgmoat = observed(ssl_ca_file=str(authority.certificate))
    leaf = authority.issue("alice", subject="alice")
    with RawClient(pgmoat.port) as client:
        client.send(wire.SSL_REQUEST).receive(1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(leaf.certificate, leaf.key)
        client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
        client.log_in()
        metrics = scrape(pgmoat)
    assert metrics.sum("pgmoat_client_certificate_remaining_seconds_count") == 1
    assert 29 * 86400 < metrics.sum("pgmoat_client_certificate_remaining_seconds_sum") <= 30 * 86400


@pytest.mark.parametrize("breakage", ("missing", "another key"))
def test_a_file_that_cannot_be_loaded_is_reported_and_what_is_in_use_stays(observed, authority, breakage):
    pgmoat = observed()
    before = scrape(pgmoat).sum("pgmoat_certificate_not_after_timestamp_seconds", role="server")
    if breakage == "missing":
        (pgmoat.folder / "server.crt").unlink()
    else:
        (pgmoat.folder / "server.key").write_bytes(authority.issue("another").key.read_bytes())
    position = pgmoat.reload()
    pgmoat.process.wait_for_log("no changes were applied", since=position)
    metrics = scrape(pgmoat)
    assert metrics.sum("pgmoat_config_last_reload_successful") == 0
    assert metrics.sum("pgmoat_certificate_load_failed", role="server") == 1
    assert metrics.sum("pgmoat_certificate_not_after_timestamp_seconds", role="server") == before


def test_threads_report_their_load_and_their_lag(observed):
    metrics = scrape(observed())
    relays = {"relay-0", "relay-1"}
    assert {have["thread"] for have, _ in metrics.all("pgmoat_relay_load_ratio")} == relays
    assert {have["thread"] for have, _ in metrics.all("pgmoat_event_loop_lag_seconds")} == relays | {"control-0"}
    assert all(0 <= value <= 1 for _, value in metrics.all("pgmoat_relay_load_ratio"))

"""Certificates that change while pgmoat runs: by SIGHUP and by ssl_watch, under handshakes."""

import itertools
import ssl
import threading
import time

import pytest

from kit import wire
from kit.certificates import openssl
from kit.environment import give_to_user, write_for_user
from kit.process import eventually
from kit.raw_client import RawClient, tls_context

WINDOW = 0.5  # seconds of handshakes around each rotation


def shown_certificate(port, **context):
    """The certificate that a client sees, in DER."""
    with RawClient(port) as client:
        return client.start_tls(**context).socket.getpeercert(binary_form=True)


@pytest.fixture
def start_watching(start_pgmoat, certificate, postgres):
    def start(**options):
        return start_pgmoat(certificate, settings={
            "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "ssl_watch": "on"}, **options)

    return start


@pytest.fixture
def watching(start_watching):
    return start_watching()


@pytest.fixture
def renewed(authority):
    return authority.issue("renewed")


def test_a_replaced_pair_is_loaded_and_logged(watching, renewed):
    before = shown_certificate(watching.port)
    renewed.install(watching.folder)
    watching.process.wait_for_log("certificate files have changed and were loaded")
    assert shown_certificate(watching.port) != before


def test_a_pair_in_mid_rotation_is_waited_out(watching, renewed):
    before = shown_certificate(watching.port)
    position = watching.process.log_position()
    write_for_user(watching.folder / "server.crt", renewed.certificate.read_bytes())
    time.sleep(0.6)  # more than the debounce: a load has failed
    assert shown_certificate(watching.port) == before
    assert not watching.process.log_lines("was not reloaded", since=position)
    write_for_user(watching.folder / "server.key", renewed.key.read_bytes(), mode=0o600)
    watching.process.wait_for_log("certificate files have changed and were loaded", since=position)
    assert shown_certificate(watching.port) != before


def test_a_pair_that_never_fits_is_reported_and_the_last_good_one_stays(watching, renewed, client):
    before = shown_certificate(watching.port)
    position = watching.process.log_position()
    write_for_user(watching.folder / "server.crt", renewed.certificate.read_bytes())
    watching.process.wait_for_log("SSL configuration was not reloaded", since=position)
    assert shown_certificate(watching.port) == before
    assert client.query(watching.port, "SELECT 1", sslmode="require") == "1"


def test_kubernetes_turns_a_link(start_pgmoat, workspace, certificate, renewed, postgres):
    secret = workspace.folder("secret")

    def swap(version, pair):
        folder = secret / version
        folder.mkdir()
        give_to_user(folder)
        pair.install(folder)
        (secret / "..data_tmp").symlink_to(version)
        (secret / "..data_tmp").rename(secret / "..data")

    swap("..1", certificate)
    for name in ("server.crt", "server.key"):
        (secret / name).symlink_to(f"..data/{name}")
    pgmoat = start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "ssl_watch": "on",
        "ssl_cert_file": secret / "server.crt", "ssl_key_file": secret / "server.key"})
    before = shown_certificate(pgmoat.port)
    swap("..2", renewed)
    eventually(lambda: shown_certificate(pgmoat.port) != before, "the new certificate")


def test_other_settings_are_not_applied_by_a_watched_file(watching, renewed):
    watching.configure({"nonsense": "on"})
    renewed.install(watching.folder)
    watching.process.wait_for_log("certificate files have changed and were loaded")


def test_turned_off_nothing_is_watched(watching, renewed):
    position = watching.reload({"ssl_watch": "off"})
    watching.process.wait_for_log("configuration was reloaded", since=position)
    before = shown_certificate(watching.port)
    renewed.install(watching.folder)
    time.sleep(0.6)
    assert shown_certificate(watching.port) == before


@pytest.mark.parametrize("watch", ("on", "off"))
def test_a_revocation_list_that_takes_the_place_of_another_is_in_force_at_once(start_pgmoat, certificate, authority,
                                                                               workspace, postgres, watch):
    folder = workspace.folder("lists")
    leaf = authority.issue("client", subject="alice")

    def revoke(whom):
        authority.revoke(whom, folder / "crl.new")
        (folder / "crl.new").rename(folder / "crl.pem")
        openssl("rehash", folder)

    revoke(None)
    pgmoat = start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "ssl_watch": watch,
        "ssl_ca_file": authority.certificate, "ssl_crl_dir": folder})

    def is_let_in():
        with RawClient(pgmoat.port) as client:
            try:
                client.start_tls(certificate=leaf).log_in()
            except (ssl.SSLError, ConnectionError, EOFError):
                return False
        return True

    assert is_let_in()
    revoke(leaf)
    pgmoat.process.wait_for_log("certificate files have changed and were loaded")
    assert not is_let_in()
    pgmoat.closed_line("reason=handshake", "certificate revoked")


def install_and_wait(pgmoat, pair, way):
    position = pgmoat.process.log_position()
    pair.install(pgmoat.folder)
    if way == "signal":
        pgmoat.reload()
        pgmoat.process.wait_for_log("configuration was reloaded", since=position)
    else:
        pgmoat.process.wait_for_log("certificate files have changed and were loaded", since=position)


class HandshakeStorm(threading.Thread):
    """Handshakes one after another, as fast as possible, until stopped."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.shown, self.failures, self.count = set(), [], 0
        self._port = port
        self._context = tls_context()
        self._over = threading.Event()

    def run(self):
        while not self._over.is_set():
            try:
                with RawClient(self._port) as client:
                    client.send(wire.SSL_REQUEST).receive(1)
                    client.socket = self._context.wrap_socket(client.socket, server_hostname="localhost")
                    self.shown.add(client.socket.getpeercert(binary_form=True))
                    self.count += 1
            except Exception as error:  # whatever it is, it is a lost handshake
                self.failures.append(repr(error))

    def end(self):
        self._over.set()
        self.join()


def rotations(pgmoat, pairs, way, storms):
    """One per pair, as long as there are pairs: the handshakes per second during each."""
    for pair in itertools.cycle(pairs):
        before, start = sum(storm.count for storm in storms), time.monotonic()
        install_and_wait(pgmoat, pair, way)
        time.sleep(max(0.0, start + WINDOW - time.monotonic()))
        yield (sum(storm.count for storm in storms) - before) / (time.monotonic() - start)


def rotate_in_a_storm(pgmoat, pairs, way, rate):
    """Handshakes as fast as possible while certificates change, and a session that survives it.

    `rate` is that of the fastest rotation, per second: on a busy machine some are slower."""
    storms = [HandshakeStorm(pgmoat.port) for _ in range(2)]
    rates = rotations(pgmoat, pairs, way, storms)
    with RawClient(pgmoat.port) as session:
        session.start_tls().log_in()
        for storm in storms:
            storm.start()
        try:
            at_first = [next(rates) for _ in range(3)]
            eventually(lambda: max(at_first) >= rate or next(rates) >= rate,
                       f"{rate} handshakes per second, not {at_first}")
        finally:
            for storm in storms:
                storm.end()
        assert session.query("SELECT 1")
    assert not [failure for storm in storms for failure in storm.failures]
    assert len(set.union(*(storm.shown for storm in storms))) == 2


@pytest.mark.parametrize("way", ("signal", "watch"))
def test_a_rotation_loses_no_handshake(watching, certificate, renewed, way):
    position = watching.reload({"ssl_watch": "on" if way == "watch" else "off"})
    watching.process.wait_for_log("configuration was reloaded", since=position)
    rotate_in_a_storm(watching, (renewed, certificate), way, rate=1)


def test_nor_at_200_handshakes_per_second(start_watching, workspace, certificate, renewed):
    """With the shipped binary: sanitizers are slower than that."""
    rotate_in_a_storm(start_watching(binary=workspace.release), (renewed, certificate), "watch", rate=200)


def test_the_files_of_a_host_that_the_watch_itself_has_loaded_are_watched(start_pgmoat, certificate, authority,
                                                                          workspace, postgres):
    folder = workspace.folder("hosts")
    authority.issue("first").install(folder, "first")
    hosts = folder / "pg_hosts.conf"
    line = f"a.example {folder}/first.crt {folder}/first.key\n"
    write_for_user(hosts, line)
    pgmoat = start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "ssl_watch": "on", "ssl_sni": "on",
        "hosts_file": hosts})
    later = workspace.folder("later")
    authority.issue("second").install(later, "b")
    position = pgmoat.process.log_position()
    write_for_user(hosts, f"{line}b.example {later}/b.crt {later}/b.key\n")
    pgmoat.process.wait_for_log("certificate files have changed and were loaded", since=position)
    before = shown_certificate(pgmoat.port, server_name="b.example")
    authority.issue("third").install(later, "b")
    eventually(lambda: shown_certificate(pgmoat.port, server_name="b.example") != before, "the new certificate")

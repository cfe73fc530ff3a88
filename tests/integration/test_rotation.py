"""Certificates that change while pgmoat runs: by SIGHUP and by ssl_watch, under handshakes."""

import ssl
import threading
import time

import pytest

from kit.certificates import openssl
from kit.environment import give_to_user, write_for_user
from kit.process import eventually
from kit.raw_client import RawClient


def shown_certificate(port, **context):
    """The DER of the certificate that a client sees."""
    with RawClient(port) as client:
        return client.start_tls(**context).socket.getpeercert(binary_form=True)


@pytest.fixture
def watching(start_pgmoat, certificate, postgres):
    return start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "ssl_watch": "on"})


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
    time.sleep(0.6)  # more than the debounce: an attempt has failed
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


@pytest.mark.parametrize("way", ("signal", "watch"))
def test_a_rotation_loses_no_handshake(watching, certificate, renewed, client, way):
    """Handshakes as fast as they go while certificates change, and a session that lives through it."""
    position = watching.reload({"ssl_watch": "on" if way == "watch" else "off"})
    watching.process.wait_for_log("configuration was reloaded", since=position)
    failures, shown = [], set()
    over = threading.Event()

    def shake_hands():
        while not over.is_set():
            try:
                shown.add(shown_certificate(watching.port))
            except Exception as error:  # whatever it is, it is a lost handshake
                failures.append(repr(error))

    with RawClient(watching.port) as session:
        session.start_tls().log_in()
        threads = [threading.Thread(target=shake_hands, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for pair in (renewed, certificate, renewed):
                install_and_wait(watching, pair, way)
            eventually(lambda: len(shown) > 1, "the second certificate")
        finally:
            over.set()
            for thread in threads:
                thread.join()
        assert session.query("SELECT 1")
    assert not failures
    assert len(shown) == 2


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

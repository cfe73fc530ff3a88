"""Each ssl_* setting that can refuse: a handshake that passes and one that is refused because of it, as seen by the
client, with pgmoat and with PostgreSQL and the same setting."""

from dataclasses import dataclass

import pytest

from kit.certificates import Authority, openssl
from kit.environment import write_for_user
from kit.pgmoat import Pgmoat
from kit.postgres import Postgres
from kit.s_client import Handshake, shake_hands

# Alerts, as RFC 8446 numbers them.
HANDSHAKE_FAILURE, CERTIFICATE_REVOKED, UNKNOWN_CA, PROTOCOL_VERSION = "40", "44", "48", "70"

pytestmark = pytest.mark.once_a_run


@dataclass(frozen=True)
class Row:
    """Options are those of s_client; words in braces are files of `material`."""

    settings: dict
    passes: str
    refused: str
    outcomes: tuple  # of the two
    majors: tuple = (15, 18)


def row(name, value, passes, cipher, refused, alert, majors=(15, 18), **others):
    return Row({name: value, **others}, passes, refused, (Handshake(cipher=cipher), Handshake(alert=alert)), majors)


SHA256, SHA384 = "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"
TLS_1_3 = "TLS_AES_256_GCM_SHA384"
CERTIFICATE = "-cert {%s.crt} -key {%s.key}"
ALICE, REVOKED, STRANGER = (CERTIFICATE % (name, name) for name in ("alice", "revoked", "stranger"))
BOTH = f"-tls1_2 -cipher {SHA256}:{SHA384}"

ROWS = (
    row("ssl_min_protocol_version", "TLSv1.3", "-tls1_3", TLS_1_3, "-tls1_2", PROTOCOL_VERSION),
    row("ssl_max_protocol_version", "TLSv1.2", f"-tls1_2 -cipher {SHA384}", SHA384, "-tls1_3", PROTOCOL_VERSION),
    row("ssl_ciphers", SHA384, BOTH, SHA384, f"-tls1_2 -cipher {SHA256}", HANDSHAKE_FAILURE),
    row("ssl_tls13_ciphers", "TLS_AES_128_GCM_SHA256", "-tls1_3", "TLS_AES_128_GCM_SHA256",
        f"-tls1_3 -ciphersuites {TLS_1_3}", HANDSHAKE_FAILURE, majors=(18,)),
    row("ssl_groups", "secp384r1", "-groups P-256:P-384", TLS_1_3, "-groups P-256", HANDSHAKE_FAILURE),
    row("ssl_ca_file", "{ca}", ALICE, TLS_1_3, STRANGER, UNKNOWN_CA),
    row("ssl_crl_file", "{crl}", ALICE, TLS_1_3, REVOKED, CERTIFICATE_REVOKED, ssl_ca_file="{ca}"),
    row("ssl_crl_dir", "{lists}", ALICE, TLS_1_3, REVOKED, CERTIFICATE_REVOKED, ssl_ca_file="{ca}"),
    # This one cannot refuse: it sets whose order is used.
    Row({"ssl_prefer_server_ciphers": "off", "ssl_ciphers": f"{SHA384}:{SHA256}"}, BOTH,
        f"-tls1_2 -cipher {SHA384}:{SHA256}", (Handshake(cipher=SHA256), Handshake(cipher=SHA384))),
    Row({"ssl_prefer_server_ciphers": "on", "ssl_ciphers": f"{SHA384}:{SHA256}"}, BOTH,
        f"-tls1_2 -cipher {SHA384}:{SHA256}", (Handshake(cipher=SHA384), Handshake(cipher=SHA384))),
)


@pytest.fixture(scope="module")
def material(workspace, authority):
    """Names and paths for the words in braces above."""
    lists = workspace.folder("lists")
    leaves = {name: authority.issue(name) for name in ("alice", "revoked")}
    leaves["stranger"] = Authority(workspace.folder("other-ca"), "Other CA").issue("stranger")
    authority.revoke(leaves["revoked"], workspace.root / "revoked.crl")
    write_for_user(lists / "revoked.crl", (workspace.root / "revoked.crl").read_bytes())
    openssl("rehash", lists)
    files = {"ca": authority.certificate, "crl": lists / "revoked.crl", "lists": lists}
    for name, leaf in leaves.items():
        files |= {f"{name}.crt": leaf.certificate, f"{name}.key": leaf.key}

    def filled(text):
        for name, path in files.items():
            text = text.replace(f"{{{name}}}", str(path))
        return text

    return filled


@pytest.fixture(scope="module")
def oracles(installations, certificate):
    """PostgreSQL, started on first use."""
    running = {}

    def oracle(major):
        if major not in running:
            running[major] = Postgres(installations[major], certificate)
        return running[major]

    yield oracle
    for server in running.values():
        server.stop()


def spelled_for(major, settings):
    """Before 18 the setting for groups has another name."""
    return {"ssl_ecdh_curve" if name == "ssl_groups" and major < 18 else name: value
            for name, value in settings.items()}


@pytest.fixture(scope="module")
def pgmoat(workspace, certificate, postgres):
    proxy = Pgmoat(workspace, certificate, {"upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"})
    yield proxy
    proxy.stop()


def reload_pgmoat(pgmoat, settings):
    others = {name: None for case in ROWS for name in case.settings}
    position = pgmoat.reload({**others, **settings})
    pgmoat.process.wait_for_log("configuration was reloaded", since=position)


def name_of(case):
    return "-".join(next(iter(case.settings.items())))


@pytest.mark.parametrize("case", ROWS, ids=name_of)
def test_one_handshake_passes_and_one_is_refused(pgmoat, oracles, material, case):
    settings = {name: material(value) for name, value in case.settings.items()}
    options = [material(text).split() for text in (case.passes, case.refused)]

    def outcomes(port):
        return tuple(shake_hands(port, *words) for words in options)

    reload_pgmoat(pgmoat, settings)
    assert outcomes(pgmoat.port) == case.outcomes
    for major in case.majors:
        oracle = oracles(major)
        oracle.reload(spelled_for(major, settings))
        assert outcomes(oracle.port) == case.outcomes, f"PostgreSQL {major}"


def test_without_the_settings_every_refused_handshake_passes(pgmoat, material):
    """So it was the setting that refused."""
    reload_pgmoat(pgmoat, {})
    for case in ROWS:
        assert shake_hands(pgmoat.port, *material(case.refused).split()).cipher, name_of(case)

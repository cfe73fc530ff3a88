"""Client certificates, good and bad, sent to pgmoat and to PostgreSQL 18: what the client sees, and the logged reason.
"""

import re

import pytest

from kit.certificates import Authority, openssl
from kit.pgmoat import Pgmoat
from kit.postgres import Postgres
from kit.process import eventually
from kit.s_client import Handshake, shake_hands

pytestmark = pytest.mark.once_a_run

HBA = "hostssl all all all trust clientcert=verify-ca\n"
DATE = re.compile(rb"\x17\x0d(\d{12}Z)")  # UTCTime: not before, then not after

PASSES = Handshake(cipher="TLS_AES_256_GCM_SHA384")
CLOSED = Handshake(alert="closed")  # after the handshake, so without an alert


def alert(number):
    return Handshake(alert=number)


def with_date(which, date):
    return lambda content: content.replace(DATE.findall(content)[which], date)


def with_nul(content):
    return content.replace(b"local?ost", b"local\0ost")


def shown(leaf, *more):
    """Options of s_client."""
    return ["-cert", leaf.certificate, "-key", leaf.key, *more]


def chain_of_ten(authority, folder):
    """The root is one of the ten."""
    authorities = [authority]
    for depth in range(8):
        authorities.append(Authority(folder(), f"Sub CA {depth}", authorities[-1]))
    leaf = authorities[-1].issue("leaf")
    between = leaf.certificate.with_name("between.crt")
    between.write_text("".join(each.certificate.read_text() for each in reversed(authorities[1:])))
    return shown(leaf, "-cert_chain", between)


# name: (what the client sends, from the CA and a maker of folders; what it sees; the logged reason)
CASES = {
    "none": (lambda ca, folder: [], Handshake(error="connection requires a valid client certificate"),
             "connection requires a valid client certificate"),
    "good": (lambda ca, folder: shown(ca.issue("good")), PASSES, ""),
    "a chain of 10": (chain_of_ten, PASSES, ""),
    "self-signed": (lambda ca, folder: shown(Authority(folder(), "localhost").itself), alert("48"),
                    "at depth 0: self.signed certificate"),
    "of another CA": (lambda ca, folder: shown(Authority(folder(), "Other CA").issue("other")), alert("48"),
                      "at depth 0: unable to get local issuer certificate"),
    "expired": (lambda ca, folder: shown(ca.issue_forged("expired", with_date(1, b"200101000000Z"))), alert("45"),
                "at depth 0: certificate has expired"),
    "not yet valid": (lambda ca, folder: shown(ca.issue_forged("early", with_date(0, b"400101000000Z"))), alert("42"),
                      "at depth 0: certificate is not yet valid"),
    "for servers only": (lambda ca, folder: shown(ca.issue("server-only", usage="serverAuth")), alert("43"),
                         r"at depth 0: uns\w+ certificate purpose"),
    "a NUL in CN": (lambda ca, folder: shown(ca.issue_forged("nul-cn", with_nul, subject="local?ost")), CLOSED,
                    "SSL certificate's common name contains embedded null"),
}


@pytest.fixture(scope="module")
def pgmoat(workspace, authority, certificate, postgres):
    proxy = Pgmoat(workspace, certificate, files={"pg_hba.conf": HBA}, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "hba_file": "pg_hba.conf",
        "ssl_ca_file": authority.certificate})
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def oracle(installations, authority, certificate):
    server = Postgres(installations[18], certificate, hba="local all all trust\n" + HBA,
                      settings={"ssl_ca_file": authority.certificate})
    yield server
    server.stop()


@pytest.fixture
def new_folder(workspace):
    return lambda: workspace.folder("authority")


def outcome(server, options, reason):
    """What the client sees, and the description of the certificate in the log next to this reason."""
    position = server.process.log_position()
    seen = shake_hands(server.port, *options)
    if reason:
        eventually(lambda: re.search(reason, server.process.log(position)), reason)
    described = re.search(r'Failed certificate data \(unverified\): (.*?", issuer ".*?")\.',
                          server.process.log(position).replace(r"\"", '"'))
    return seen, described and described[1]


@pytest.mark.parametrize("case", CASES)
def test_a_certificate_is_judged_as_by_postgresql(pgmoat, oracle, authority, new_folder, case):
    show, expected, reason = CASES[case]
    options = show(authority, new_folder)
    ours = outcome(pgmoat, options, reason)
    assert ours[0] == expected
    assert oracle is None or ours == outcome(oracle, options, reason)


def test_a_nul_in_an_alternative_name_is_refused_though_postgresql_does_not_look(pgmoat, oracle, authority):
    options = shown(authority.issue_forged("nul-san", with_nul, alternative_names="DNS:local?ost"))
    assert outcome(pgmoat, options, "SSL certificate's name contains embedded null")[0] == CLOSED
    assert oracle is None or outcome(oracle, options, "")[0] == PASSES


@pytest.mark.parametrize("setting", ("ssl_crl_file", "ssl_crl_dir"))
def test_a_revoked_certificate_is_refused_with_its_reason(pgmoat, oracle, authority, new_folder, setting):
    lists = new_folder()
    good, revoked = authority.issue("good"), authority.issue("revoked")
    authority.revoke(revoked, lists / "revoked.crl")
    openssl("rehash", lists)
    settings = {"ssl_crl_file": None, "ssl_crl_dir": None, setting: lists / "revoked.crl"}
    if setting == "ssl_crl_dir":
        settings[setting] = lists
    position = pgmoat.reload(settings)
    pgmoat.process.wait_for_log("configuration was reloaded", since=position)
    if oracle:
        oracle.reload({setting: settings[setting]})
    for server in filter(None, (pgmoat, oracle)):
        assert outcome(server, shown(good), "")[0] == PASSES
        assert outcome(server, shown(revoked), "at depth 0: certificate revoked")[0] == alert("44")

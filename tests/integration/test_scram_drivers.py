"""Every driver logs in through pgmoat as to PostgreSQL itself, with each of its settings for channel binding.

The oracle is PostgreSQL with the certificate that pgmoat shows the client: the same outcome, and the same text of a
refusal. There are two exceptions: a relayed login over two certificates cannot be bound, and with an Ed25519
certificate libpq fails at PostgreSQL itself, which offers a binding that cannot be computed.
"""

import pytest

from kit.drivers import Drivers
from test_scram_bridge import (  # noqa: F401 - fixtures
    KEYS, NO_PLUS, bridge, certificates, lookup_files, outcomes, running, start_server)

pytestmark = pytest.mark.once_a_run

OK = ""
NO_DIGEST = "could not find digest"
CHECK_FAILED = "SCRAM channel binding check failed"
NEGOTIATION_FAILED = "SCRAM channel binding negotiation error"
NOT_CONFIGURED = "SCRAM authentication with channel binding is not configured in pgmoat"

NO_PLUS_OF_JDBC = "channel binding is required"
PARTS = (CHECK_FAILED, NEGOTIATION_FAILED, NOT_CONFIGURED, NO_PLUS, NO_PLUS_OF_JDBC)  # of texts; others are whole

KINDS = list(KEYS)
# Each kind on either leg, combined with two others.
PAIRS = [(KINDS[i], KINDS[(i + step) % len(KINDS)]) for step in (1, 2) for i in range(len(KINDS))]
BINDS = ("prefer", "require", "true")  # what makes a driver bind where PLUS is offered


@pytest.fixture(scope="module")
def drivers(workspace, installations):
    drivers = Drivers(workspace, installations)
    yield drivers
    drivers.stop()


@pytest.fixture(scope="module")
def at_postgresql(drivers, running):  # noqa: F811
    """at_postgresql(kind, sslmode): the outcomes at a server with such a certificate."""
    known = {}

    def ask(kind, sslmode="require", **options):
        key = kind, sslmode, *options.items()
        if key not in known:
            known[key] = drivers.log_in(running(kind=kind).port, sslmode, **options)
        return known[key]

    return ask


def without_plus(outcomes_with_tls):
    """Of a server that does not offer PLUS over TLS. JDBC of Debian 13 has the setting too, and a text of its own."""
    def one(driver, binding, error):
        if binding == "require":
            return NO_PLUS_OF_JDBC if driver == "jdbc" else NO_PLUS
        return OK if binding in BINDS else error

    return {key: one(*key, error) for key, error in outcomes_with_tls.items()}


def is_as_expected(expected, error):
    return expected.lower() in error.lower() if expected in PARTS else expected == error


def assert_equal(found, expected):
    wrong = [f"{driver} channel binding {binding!r}\n  expected: {expected[driver, binding]!r}\n  found:    {error!r}"
             for (driver, binding), error in found.items() if not is_as_expected(expected[driver, binding], error)]
    assert not wrong, "\n".join(wrong)


def test_the_oracle_is_postgresql_as_documented(at_postgresql):
    """So that an oracle that refuses all clients, or none, is noticed."""
    for kind in KINDS:
        found = at_postgresql(kind)
        assert len(found) >= 4 * 3 + 2 + 2
        for (driver, binding), error in found.items():
            if kind != "ed25519" or binding not in BINDS:
                assert not error, (kind, driver, binding, error)
            elif driver != "jdbc":
                assert NO_DIGEST in error, (driver, binding, error)
    for (driver, binding), error in at_postgresql("rsa", password="wrong").items():
        assert "password authentication failed" in error, (driver, binding, error)


@pytest.mark.parametrize("own, of_server", PAIRS, ids=["-before-".join(pair) for pair in PAIRS])
def test_a_bridged_login_is_one_at_postgresql_with_the_clients_certificate(
        bridge, running, certificates, drivers, at_postgresql, own, of_server):  # noqa: F811
    pgmoat = bridge(running(kind=of_server), own=certificates[own])
    expected = at_postgresql(own)
    if own == "ed25519":
        expected = without_plus(expected)
    found = drivers.log_in(pgmoat.port)
    assert_equal(found, expected)
    assert outcomes(pgmoat)["ok"] == sum(not error for error in found.values())


@pytest.mark.parametrize("own", KINDS)
def test_a_wrong_password_has_postgresqls_text(
        bridge, running, certificates, drivers, at_postgresql, own):  # noqa: F811
    pgmoat = bridge(running(kind="ecdsa-p384"), own=certificates[own])
    expected = at_postgresql(own if own != "ed25519" else "rsa", password="wrong")
    if own == "ed25519":
        expected = {key: words if key[1] == "require" else expected[key]
                    for key, words in without_plus(expected).items()}
    assert_equal(drivers.log_in(pgmoat.port, password="wrong"), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("login", ("relay", "auto"))
def test_the_same_certificate_on_both_legs_is_as_one_connection(
        bridge, running, certificates, drivers, at_postgresql, kind, login):  # noqa: F811
    pgmoat = bridge(running(kind=kind), own=certificates[kind], query=None, settings={"login": login})
    expected = at_postgresql(kind)
    if login == "auto":  # reported earlier, and with a remedy
        expected = {key: NOT_CONFIGURED if NO_DIGEST in error else error for key, error in expected.items()}
    assert_equal(drivers.log_in(pgmoat.port), expected)
    assert outcomes(pgmoat).get("ok") is None  # relayed


# The outcome of a relayed login: client's sslmode, server's, and the expected outcomes.
def of_plaintext(at_postgresql):
    return at_postgresql("rsa", "disable")


def of_the_client_in_plaintext(at_postgresql):
    """node-postgres reports that it could bind even there, which the server takes for an attack: on its leg there is
    TLS."""
    return {key: NEGOTIATION_FAILED if key[1] == "true" else error for key, error in of_plaintext(at_postgresql).items()}


def of_another_certificate(at_postgresql):
    return {key: CHECK_FAILED if key[1] in BINDS else error for key, error in at_postgresql("rsa").items()}


ROWS = {
    "plaintext-to-plaintext": ("disable", "disable", of_plaintext),
    "tls-to-plaintext": ("require", "disable", lambda at_postgresql: without_plus(at_postgresql("rsa"))),
    "plaintext-to-tls": ("disable", "require", of_the_client_in_plaintext),
    "tls-to-tls-with-another-certificate": ("require", "require", of_another_certificate),
}


@pytest.mark.parametrize("login", ("relay", "auto"))
@pytest.mark.parametrize("row", ROWS)
def test_a_login_that_cannot_be_bridged(
        bridge, running, certificates, drivers, at_postgresql, row, login):  # noqa: F811
    """There is no secret for it."""
    of_client, of_server, expect = ROWS[row]
    pgmoat = bridge(running(kind="ecdsa-p256"), own=certificates["rsa"], sslmode=of_server, query=None,
                    settings={"login": login})
    expected = expect(at_postgresql)
    if login == "auto":
        expected = {key: NOT_CONFIGURED if error in (CHECK_FAILED, NEGOTIATION_FAILED) else error
                    for key, error in expected.items()}
    assert_equal(drivers.log_in(pgmoat.port, of_client), expected)


@pytest.mark.parametrize("row", ROWS)
def test_with_secrets_auto_lets_every_driver_in_on_every_pair_of_legs(
        bridge, running, certificates, drivers, at_postgresql, row):  # noqa: F811
    of_client, of_server, expect = ROWS[row]
    pgmoat = bridge(running(kind="ecdsa-p256"), own=certificates["rsa"], sslmode=of_server)
    expected = of_plaintext(at_postgresql) if of_client == "disable" else \
        at_postgresql("rsa") if of_server == "require" else expect(at_postgresql)
    assert_equal(drivers.log_in(pgmoat.port, of_client), expected)

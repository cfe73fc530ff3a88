"""libpq gets from pgmoat what it gets from PostgreSQL, for every way of requesting encryption.

The oracle is a real server without a proxy. A passed-through connection must look like that server. A terminated one
must look like PostgreSQL 18, whose negotiation pgmoat implements, whatever the server is.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest

pytestmark = pytest.mark.once_a_run

SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
GSSENCMODES = ("disable", "prefer", "require")
SSLNEGOTIATIONS = ("postgres", "direct")


def ways_of_asking(client):
    for sslmode, gssencmode in product(SSLMODES, GSSENCMODES):
        if not client.knows_direct_tls:
            yield {"sslmode": sslmode, "gssencmode": gssencmode}
            continue
        for sslnegotiation in SSLNEGOTIATIONS:
            yield {"sslmode": sslmode, "gssencmode": gssencmode, "sslnegotiation": sslnegotiation}


def outcomes(client, port, authority):
    """Every way of connecting, and its outcome."""

    def attempt(keywords):
        return client.connect(port, sslrootcert=authority.certificate, **keywords)

    ways = list(ways_of_asking(client))
    with ThreadPoolExecutor(4) as pool:
        return {" ".join(f"{name}={value}" for name, value in way.items()): outcome
                for way, outcome in zip(ways, pool.map(attempt, ways))}


@pytest.fixture(scope="session")
def oracle(clients, servers, authority):
    """oracle(libpq, major, tls): the outcomes without a proxy."""
    known = {}

    def ask(libpq, major, tls):
        key = libpq, major, tls
        if key not in known:
            known[key] = outcomes(clients[libpq], servers(major, tls).port, authority)
        return known[key]

    return ask


def assert_equal_outcomes(proxied, direct):
    different = [f"{way}\n  direct:  {direct[way]}\n  proxied: {proxied[way]}"
                 for way in direct if proxied[way] != direct[way]]
    assert not different, "\n".join(different)


# (server TLS, sslmode) that must connect in plaintext, in TLS, and not at all: so that an oracle which
# fails everywhere, or never, is noticed.
KNOWN = (
    (False, "disable", "plaintext"), (False, "prefer", "plaintext"), (False, "require", "refused"),
    (False, "verify-full", "refused"), (True, "disable", "plaintext"), (True, "allow", "plaintext"),
    (True, "prefer", "TLSv1.3"), (True, "verify-full", "TLSv1.3"),
)


@pytest.mark.parametrize("major", (15, 18))
@pytest.mark.parametrize("libpq", (15, 18))
def test_the_oracle_is_postgresql_as_documented(oracle, libpq, major):
    for tls, sslmode, expected in KNOWN:
        way = f"sslmode={sslmode} gssencmode=disable" + (" sslnegotiation=postgres" if libpq == 18 else "")
        outcome = oracle(libpq, major, tls)[way]
        seen = outcome.tls or "plaintext" if outcome.connected else "refused"
        assert (tls, sslmode, seen) == (tls, sslmode, expected)


def test_only_postgresql_17_and_later_take_direct_tls(oracle, installations):
    way = "sslmode=verify-full gssencmode=disable sslnegotiation=direct"
    assert oracle(18, 18, True)[way].connected
    assert oracle(18, 15, True)[way].connected == installations[15].knows_direct_tls


@pytest.mark.parametrize("tls", (True, False), ids=("tls", "no-tls"))
@pytest.mark.parametrize("major", (15, 18), ids=("server-15", "server-18"))
@pytest.mark.parametrize("libpq", (15, 18), ids=("libpq-15", "libpq-18"))
def test_a_terminating_proxy_looks_like_postgresql_18(
        start_pgmoat, servers, clients, oracle, authority, certificate, libpq, major, tls):
    server = servers(major, tls=False)
    pgmoat = start_pgmoat(certificate if tls else None,
                          settings={"upstream": f"host=127.0.0.1 port={server.port} sslmode=disable"})
    assert_equal_outcomes(outcomes(clients[libpq], pgmoat.port, authority), oracle(libpq, 18, tls))


@pytest.mark.parametrize("tls", (True, False), ids=("tls", "no-tls"))
@pytest.mark.parametrize("major", (15, 18), ids=("server-15", "server-18"))
@pytest.mark.parametrize("libpq", (15, 18), ids=("libpq-15", "libpq-18"))
def test_a_proxy_that_passes_through_looks_like_the_server_behind(
        start_pgmoat, servers, clients, oracle, authority, libpq, major, tls):
    server = servers(major, tls)
    pgmoat = start_pgmoat(settings={"tls_mode": "passthrough", "upstream": f"host=127.0.0.1 port={server.port}"})
    assert_equal_outcomes(outcomes(clients[libpq], pgmoat.port, authority), oracle(libpq, major, tls))

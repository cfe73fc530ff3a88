"""SCRAM through pgmoat works, or fails, as the table of the two legs says.

Channel binding ties a login to the certificate that the client sees. It is part of the proof, so relaying a login only
works in some cases (same certificate, or no TLS to the server).
"""

import pytest

from kit.postgres import PASSWORD, USER

OK = ""
NO_TLS = "channel binding required, but SSL not in use"
NO_PLUS = "channel binding is required, but server did not offer an authentication method that supports"
BINDING = "SCRAM channel binding"  # "... check failed", or "... negotiation error" when PLUS was removed

# login=auto reports it before the server would.
NOT_CONFIGURED = "SCRAM authentication with channel binding is not configured in pgmoat"

# One row: client TLS, server TLS, whether both have the same certificate, and the outcomes of
# channel_binding disable, prefer and require.
TERMINATED = {
    "plaintext-to-plaintext": (False, False, False, (OK, OK, NO_TLS)),
    "tls-to-plaintext": (True, False, False, (OK, OK, NO_PLUS)),
    "plaintext-to-tls": (False, True, False, (OK, OK, NO_TLS)),
    "tls-to-tls-with-another-certificate": (True, True, False, (OK, BINDING, BINDING)),
    "tls-to-tls-with-the-same-certificate": (True, True, True, (OK, OK, OK)),
}
PASSED_THROUGH = {
    "tls": ("require", (OK, OK, OK)),
    "plaintext": ("disable", (OK, OK, NO_TLS)),
}
BINDINGS = ("disable", "prefer", "require")


def log_in(client, port, sslmode, channel_binding, password=PASSWORD):
    """The error, or nothing."""
    client_with_password = client.with_password(password)
    return client_with_password.connect(port, user=USER, dbname=USER, sslmode=sslmode,
                                        channel_binding=channel_binding).error


def assert_outcomes(client, port, sslmode, expected):
    for channel_binding, text in zip(BINDINGS, expected):
        error = log_in(client, port, sslmode, channel_binding)
        if text:
            assert text in error, (channel_binding, error)
        else:
            assert not error, (channel_binding, error)


@pytest.mark.parametrize("libpq", (15, 18), ids=("libpq-15", "libpq-18"))
@pytest.mark.parametrize("major", (15, 18), ids=("server-15", "server-18"))
@pytest.mark.parametrize("login", ("relay", "auto"))
@pytest.mark.parametrize("row", TERMINATED)
def test_scram_through_a_terminating_proxy(
        start_pgmoat, servers, clients, certificate, server_certificate, libpq, major, row, login):
    """Without a secret of the user."""
    client_tls, server_tls, same, expected = TERMINATED[row]
    sslmode = "require" if server_tls else "disable"
    pgmoat = start_pgmoat(
        (server_certificate if same else certificate) if client_tls else None,
        settings={"upstream": f"host=127.0.0.1 port={servers(major, server_tls).port} sslmode={sslmode}",
                  "login": login})
    if login == "auto":
        expected = tuple(NOT_CONFIGURED if text == BINDING else text for text in expected)
    assert_outcomes(clients[libpq], pgmoat.port, "require" if client_tls else "disable", expected)


@pytest.mark.parametrize("libpq", (15, 18), ids=("libpq-15", "libpq-18"))
@pytest.mark.parametrize("major", (15, 18), ids=("server-15", "server-18"))
@pytest.mark.parametrize("row", PASSED_THROUGH)
def test_scram_passed_through(start_pgmoat, servers, clients, libpq, major, row):
    sslmode, expected = PASSED_THROUGH[row]
    server = servers(major, tls=True)
    pgmoat = start_pgmoat(settings={"tls_mode": "passthrough", "upstream": f"host=127.0.0.1 port={server.port}"})
    assert_outcomes(clients[libpq], pgmoat.port, sslmode, expected)


def test_a_wrong_password_gets_the_servers_own_error(terminating, client):
    error = log_in(client, terminating.port, "require", "prefer", password="wrong")
    assert f'password authentication failed for user "{USER}"' in error


def test_neither_password_nor_proof_is_logged(terminating, client):
    assert not log_in(client, terminating.port, "require", "prefer")
    terminating.closed_line(f"user={USER}")
    for secret in (PASSWORD, "SCRAM", "biws", "eSws", "n=,r=", ",p="):
        assert secret not in terminating.process.log()


@pytest.mark.parametrize("same, words", ((False, "SCRAM fails"), (True, "SCRAM works")), ids=("other", "same"))
def test_the_row_is_named_at_start(start_pgmoat, servers, certificate, server_certificate, same, words):
    pgmoat = start_pgmoat(
        server_certificate if same else certificate,
        settings={"upstream": f"host=127.0.0.1 port={servers(18, tls=True).port} sslmode=require"})
    pgmoat.process.wait_for_log(words)


def test_a_certificate_that_only_some_clients_share_with_the_server_is_named_at_start(
        start_pgmoat, servers, server_certificate, authority):
    folder = server_certificate.certificate.parent
    authority.issue("another-type", key="rsa:2048").install(folder, "another-type")
    pgmoat = start_pgmoat(server_certificate, settings={
        "upstream": f"host=127.0.0.1 port={servers(18, tls=True).port} sslmode=require",
        "ssl_cert_file": f"{folder}/another-type.crt, server.crt",
        "ssl_key_file": f"{folder}/another-type.key, server.key"})
    pgmoat.process.wait_for_log("SCRAM works", "for clients that are shown the server's own certificate")

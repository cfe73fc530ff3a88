"""ssl_profile, as a scanner sees it: exactly what the profile contains is offered."""

import re
import subprocess

import pytest

pytestmark = pytest.mark.once_a_run

TLS_1_3 = {("TLSv1.3", f"TLS_{name}") for name in ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384",
                                                  "CHACHA20_POLY1305_SHA256")}
TLS_1_2 = {("TLSv1.2", f"ECDHE-{kind}-{name}") for kind in ("RSA", "ECDSA")
           for name in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")}
OFFERS = {"modern": TLS_1_3, "intermediate": TLS_1_3 | TLS_1_2}
GROUPS = {"x25519", "secp256r1", "secp384r1"}  # and X25519MLKEM768, which the scanner does not know


def scan(port):
    """The offered (version, cipher) pairs, and the groups by version."""
    result = subprocess.run(
        ["sslscan", "--starttls-psql", "--no-colour", "--no-check-certificate", f"127.0.0.1:{port}"],
        capture_output=True, text=True, check=False, timeout=60)
    ciphers = set(re.findall(r"^(?:Preferred|Accepted)\s+(\S+)\s+\d+ bits\s+(\S+)", result.stdout, re.M))
    groups = {name.lower() for name in re.findall(r"^TLSv1\.\d\s+\d+ bits\s+(\S+)", result.stdout, re.M)}
    return ciphers, groups, result.stdout


@pytest.mark.parametrize("profile", OFFERS)
def test_a_scanner_finds_exactly_the_profile(start_pgmoat, certificate, authority, postgres, profile):
    folder = certificate.certificate.parent
    authority.issue("scanned-rsa", key="rsa:2048").install(folder, "scanned-rsa-installed")
    pgmoat = start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "ssl_profile": profile,
        "ssl_cert_file": f"server.crt, {folder}/scanned-rsa-installed.crt",
        "ssl_key_file": f"server.key, {folder}/scanned-rsa-installed.key"})
    ciphers, groups, text = scan(pgmoat.port)
    assert ciphers == OFFERS[profile], text
    assert groups == GROUPS, text

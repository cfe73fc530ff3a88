"""openssl s_client as a PostgreSQL client: a handshake with any of its options, a login, and the outcome."""

import re
import subprocess
from dataclasses import dataclass

from kit import wire


@dataclass(frozen=True)
class Handshake:
    """What the client sees. An alert that arrives after its own part of the handshake counts as well."""

    cipher: str = ""  # of a session that was let in; its name tells TLS 1.2 from 1.3
    alert: str = ""   # the number of the alert, or "closed"
    error: str = ""   # of the server: the text of its FATAL


def knows_group(name):
    """Whether the OpenSSL of this machine does. That of Debian 12 has no list, and none of the newer groups."""
    groups = subprocess.run(["openssl", "list", "-tls-groups"], capture_output=True, text=True, check=False)
    return name.lower() in groups.stdout.lower()


def shake_hands(port, *options):
    """SSLRequest, handshake, login as postgres, Terminate."""
    packets = wire.startup() + wire.TERMINATE
    result = subprocess.run(
        ["openssl", "s_client", "-starttls", "postgres", "-connect", f"127.0.0.1:{port}", "-ign_eof",
         *map(str, options)], input=packets, capture_output=True, check=False, timeout=30)
    text = (result.stdout + result.stderr).decode(errors="replace")
    alert = re.search(r"SSL alert number (\d+)", text)
    if alert:
        return Handshake(alert=alert[1])
    fatal = re.search(r"SFATAL\0VFATAL\0C\w{5}\0M([^\0]*)", text)
    if fatal:
        return Handshake(error=fatal[1])
    if "server_version" not in text:
        return Handshake(alert="closed")
    return Handshake(cipher=re.search(r"Cipher is (\S+)", text)[1])

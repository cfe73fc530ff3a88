"""SCRAM secrets as PostgreSQL keeps them, for files that a test writes; and a client that says what a test wants."""

import base64
import hashlib
import hmac
import struct

from kit import wire


def keys(password, salt, iterations):
    """ClientKey, StoredKey, ServerKey."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return client_key, hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256")


def secret(password, salt=b"0123456789abcdef", iterations=4096):
    _, stored_key, server_key = keys(password, salt, iterations)
    salt, stored_key, server_key = (base64.b64encode(part).decode() for part in (salt, stored_key, server_key))
    return f"SCRAM-SHA-256${iterations}:{salt}${stored_key}:{server_key}"


def client_key_of(secret_text, password):
    """What a client with this password uses against a server with this secret."""
    iterations, salt = secret_text.split("$")[1].split(":")
    return keys(password, base64.b64decode(salt), int(iterations))[0]


def initial_response(mechanism, data):
    body = mechanism.encode() + b"\0" + struct.pack("!i", len(data)) + data
    return wire.message(b"p", body)


class ScramClient:
    """One exchange without channel binding, over a raw client that has sent its startup packet."""

    def __init__(self, password, header="n,,", nonce="a-nonce-of-the-test"):
        self.password = password
        self.header = header
        self.bare = f"n=,r={nonce}"
        self.server_first = ""

    def first(self, mechanism="SCRAM-SHA-256"):
        return initial_response(mechanism, (self.header + self.bare).encode())

    def final(self, server_first):
        attributes = dict(part.split("=", 1) for part in server_first.decode().split(","))
        client_key, stored_key, _ = keys(self.password, base64.b64decode(attributes["s"]), int(attributes["i"]))
        binding = base64.b64encode(self.header.encode()).decode()
        without_proof = f"c={binding},r={attributes['r']}"
        message = f"{self.bare},{server_first.decode()},{without_proof}".encode()
        proof = bytes(a ^ b for a, b in zip(client_key, hmac.digest(stored_key, message, "sha256")))
        return wire.message(b"p", f"{without_proof},p={base64.b64encode(proof).decode()}".encode())

    def log_in(self, client):
        """The messages from the challenge to the end of the login."""
        assert client.receive_until(b"R")[-1][1][:4] == struct.pack("!i", 10)
        client.send(self.first())
        messages = client.receive_until(b"R")
        client.send(self.final(messages[-1][1][4:]))
        while messages[-1][0] not in (b"E", b"Z"):
            messages.append(client.receive_message())
        return messages

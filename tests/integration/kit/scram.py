"""SCRAM secrets as PostgreSQL stores them, for files written by tests; and both sides of an exchange, which send what a
test wants and record what was sent."""

import base64
import hashlib
import hmac
import struct

from kit import wire


def salted_password(password, salt, iterations):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)


def keys(password, salt, iterations):
    """ClientKey, StoredKey, ServerKey."""
    salted = salted_password(password, salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return client_key, hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256")


def secret(password, salt=b"0123456789abcdef", iterations=4096):
    _, stored_key, server_key = keys(password, salt, iterations)
    salt, stored_key, server_key = (base64.b64encode(part).decode() for part in (salt, stored_key, server_key))
    return f"SCRAM-SHA-256${iterations}:{salt}${stored_key}:{server_key}"


def client_key_of(secret_text, password):
    """The key that a client with this password uses with a server that has this secret."""
    iterations, salt = secret_text.split("$")[1].split(":")
    return keys(password, base64.b64decode(salt), int(iterations))[0]


def initial_response(mechanism, data):
    body = mechanism.encode() + b"\0" + struct.pack("!i", len(data)) + data
    return wire.message(b"p", body)


def attributes_of(message):
    return dict(part.split("=", 1) for part in message.decode().split(","))


def exclusive_or(left, right):
    return bytes(a ^ b for a, b in zip(left, right))


def sasl(code, data=b""):
    """AuthenticationSASL (10), its Continue (11) and Final (12)."""
    return wire.message(b"R", struct.pack("!i", code) + data)


class ScramServer:
    """One exchange without channel binding, over the visitor of a scripted server that has received its startup packet.

    `before`: {step: bytes that are sent before the message of that step}."""

    STEPS = ("list", "challenge", "final", "ok", "ready")

    def __init__(self, password, salt=b"0123456789abcdef", iterations=4096, nonce="the-servers-nonce", before=None):
        self.salt, self.iterations, self.nonce = salt, iterations, nonce
        self.client_key, self.stored_key, self.server_key = keys(password, salt, iterations)
        self.before = before or {}
        self.nonces = []
        self.proof = self.signature = b""

    def log_in(self, visitor):
        """Runs the exchange to its end; EOFError: the proof is wrong."""
        self._send(visitor, "list", sasl(10, b"SCRAM-SHA-256\0\0"))
        first = self._receive(visitor).split(b"\0", 1)[1][4:]
        bare = first.split(b",", 2)[2]
        nonce = attributes_of(bare)["r"]
        self.nonces = [nonce, self.nonce]
        challenge = f"r={nonce}{self.nonce},s={base64.b64encode(self.salt).decode()},i={self.iterations}".encode()
        self._send(visitor, "challenge", sasl(11, challenge))
        final, proof = self._receive(visitor).rsplit(b",p=", 1)
        self.proof = base64.b64decode(proof)
        message = b",".join((bare, challenge, final))
        client_key = exclusive_or(self.proof, hmac.digest(self.stored_key, message, "sha256"))
        if hashlib.sha256(client_key).digest() != self.stored_key:
            raise EOFError("the proof is wrong")
        self.signature = hmac.digest(self.server_key, message, "sha256")
        self._send(visitor, "final", sasl(12, b"v=" + base64.b64encode(self.signature)))
        self._send(visitor, "ok", wire.AUTHENTICATION_OK)
        self._send(visitor, "ready", wire.READY_FOR_QUERY)

    def _send(self, visitor, step, message):
        visitor.send(self.before.get(step, b"") + message)

    @staticmethod
    def _receive(visitor):
        head = visitor.receive(5)
        return visitor.receive(int.from_bytes(head[1:], "big") - 4)


class ScramClient:
    """One exchange without channel binding, over a raw client that has sent its startup packet."""

    def __init__(self, password, header="n,,", nonce="a-nonce-of-the-test"):
        self.password = password
        self.header = header
        self.bare = f"n=,r={nonce}"
        self.nonces = [nonce]  # and the server's, once it is known
        self.proof = b""

    def first(self, mechanism="SCRAM-SHA-256"):
        return initial_response(mechanism, (self.header + self.bare).encode())

    def final(self, server_first):
        attributes = attributes_of(server_first)
        self.nonces.append(attributes["r"].removeprefix(self.nonces[0]))
        client_key, stored_key, _ = keys(self.password, base64.b64decode(attributes["s"]), int(attributes["i"]))
        binding = base64.b64encode(self.header.encode()).decode()
        without_proof = f"c={binding},r={attributes['r']}"
        message = f"{self.bare},{server_first.decode()},{without_proof}".encode()
        self.proof = exclusive_or(client_key, hmac.digest(stored_key, message, "sha256"))
        return wire.message(b"p", f"{without_proof},p={base64.b64encode(self.proof).decode()}".encode())

    def log_in(self, client):
        """The messages from the challenge to the end of the login."""
        messages = self.log_in_from_the_start(client)
        return messages[[kind for kind, _ in messages].index(b"R") + 1:]

    def log_in_from_the_start(self, client):
        """All messages up to the end of the login: a fatal error, or ReadyForQuery."""
        messages = []
        while not messages or messages[-1][0] not in (b"E", b"Z"):
            kind, body = client.receive_message()
            messages.append((kind, body))
            if kind == b"R" and body[:4] == struct.pack("!i", 10):
                client.send(self.first())
            elif kind == b"R" and body[:4] == struct.pack("!i", 11):
                client.send(self.final(body[4:]))
        return messages

"""A client that makes its own TLS 1.2 records, for what no TLS library sends.

The session has no encryption, only authentication (a NULL cipher), so that the standard library is enough. The server
must offer CIPHER, in ssl_ciphers. The handshake is OpenSSL's; all later records are made here.
"""

import hashlib
import hmac
import ssl
import struct
import tempfile

from kit import wire
from kit.raw_client import RawClient, tls_context

CIPHER = "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0"
HANDSHAKE, APPLICATION_DATA = 22, 23
MAC_SIZE = 20
NO_ENCRYPT_THEN_MAC = 1 << 19  # OpenSSL's number; with that extension it refuses any empty record of a NULL cipher


def key_block(master, seed, size):
    """RFC 5246, section 6.3."""
    seed = b"key expansion" + seed
    block, a = b"", seed
    while len(block) < size:
        a = hmac.digest(master, a, "sha256")
        block += hmac.digest(master, a + seed, "sha256")
    return block[:size]


class RecordClient(RawClient):
    """Use it in a with statement."""

    def __init__(self, port):
        super().__init__(port)
        self.send(wire.SSL_REQUEST)
        assert self.receive(1) == b"S"
        self._sequence = 1  # 0 was the Finished
        self._key = self._shake_hands()

    def _shake_hands(self):
        """The key that authenticates our records."""
        with tempfile.NamedTemporaryFile("r") as secrets:
            context = tls_context(maximum_version=ssl.TLSVersion.TLSv1_2)
            context.set_ciphers(CIPHER)
            context.options |= NO_ENCRYPT_THEN_MAC
            context.keylog_filename = secrets.name
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            session = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
            received = b""
            while True:
                try:
                    session.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    self.socket.sendall(outgoing.read())
                    piece = self.socket.recv(65536)
                    received += piece
                    incoming.write(piece)
            self.socket.sendall(outgoing.read())
            _, client_random, master = next(line for line in secrets if line.startswith("CLIENT_RANDOM")).split()
        server_random = received[11:43]  # after the headers of the record and of the hello, and the version
        return key_block(bytes.fromhex(master), server_random + bytes.fromhex(client_random), MAC_SIZE)

    def record(self, kind, content):
        """The next record, as bytes: they must be sent in this order."""
        head = struct.pack("!BHH", kind, 0x0303, len(content))
        mac = hmac.new(self._key, struct.pack("!Q", self._sequence) + head + content, hashlib.sha1).digest()
        self._sequence += 1
        return struct.pack("!BHH", kind, 0x0303, len(content) + MAC_SIZE) + content + mac

    def receive_record(self):
        """The kind and the content of the next record."""
        kind, _, size = struct.unpack("!BHH", self.receive(5))
        return kind, self.receive(size)[:-MAC_SIZE]

    def log_in_with_records(self):
        self.send(self.record(APPLICATION_DATA, wire.startup()))
        received = b""
        while wire.READY_FOR_QUERY not in received:
            received += self.receive_record()[1]
        return self

"""A client that sends exactly the bytes that a test wants."""

import socket
import ssl
import struct
import time

from kit import wire
from kit.process import PATIENCE


def tls_context(alpn=("postgresql",), certificate=None, group=None, **versions):
    """Accepts every certificate: these tests are about bytes, those with libpq about trust. `certificate` is the
    client's; `group` the only one that it offers.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if group:
        context.set_ecdh_curve(group)
    if certificate:
        context.load_cert_chain(certificate.certificate, certificate.key)
    for name, value in versions.items():
        setattr(context, name, value)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def client_hello(server_name="localhost", **context):
    """The first flight of a TLS client, as bytes."""
    outgoing = ssl.MemoryBIO()
    session = tls_context(**context).wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=server_name)
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake without a peer")


class RawClient:
    """One connection. Use it in a with statement. `address` may be the folder of a Unix socket."""

    def __init__(self, port, address="127.0.0.1", receive_buffer=None, source=None):
        local = str(address).startswith("/")
        family = socket.AF_UNIX if local else socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        if source:
            self.socket.bind((source, 0))
        if local:
            self.socket.connect(f"{address}/.s.PGSQL.{port}")
        else:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.connect((address, port))
        self.backend_process_id = None
        self.backend_key = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *pieces):
        """Each piece in a segment of its own."""
        for index, piece in enumerate(pieces):
            if index:
                time.sleep(0.02)
            self.socket.sendall(piece)
        return self

    def receive(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise EOFError(f"closed after {data!r}")
            data += piece
        return data

    def receive_until_closed(self):
        """Everything up to the end, however the connection ends; a time-out is a failure."""
        data = b""
        try:
            while piece := self.socket.recv(65536):
                data += piece
        except (ConnectionResetError, ssl.SSLError):
            pass
        return data

    def receive_message(self):
        kind = self.receive(1)
        (length,) = struct.unpack("!i", self.receive(4))
        return kind, self.receive(length - 4)

    def receive_until(self, last):
        """The messages up to the first of this kind."""
        messages = [self.receive_message()]
        while messages[-1][0] != last:
            messages.append(self.receive_message())
        return messages

    def receive_error(self):
        """The fields of the next ErrorResponse."""
        return wire.error_fields(self.receive_until(b"E")[-1][1])

    def start_tls(self, **context):
        """SSLRequest, its answer, the handshake."""
        self.send(wire.SSL_REQUEST)
        answer = self.receive(1)
        assert answer == b"S", answer
        return self.handshake(**context)

    def handshake(self, server_name="localhost", **context):
        """Only the TLS handshake: direct TLS if nothing was sent before."""
        self.socket = tls_context(**context).wrap_socket(self.socket, server_hostname=server_name)
        return self

    def log_in(self, **startup):
        """For a user who needs no password."""
        self.send(wire.startup(**startup))
        kind = None
        while kind != b"Z":
            kind, body = self.receive_message()
            assert kind != b"E", wire.error_fields(body)
            if kind == b"K":
                (self.backend_process_id,) = struct.unpack("!i", body[:4])
                self.backend_key = body[4:]
        return self

    def log_out(self):
        """As a well-behaved client: Terminate, and with TLS a close_notify."""
        self.send(wire.TERMINATE)
        if isinstance(self.socket, ssl.SSLSocket):
            try:
                self.socket = self.socket.unwrap()
            except (OSError, ssl.SSLError):
                pass  # the server was quicker
        self.receive_until_closed()

    def query(self, sql):
        """The messages of the answer, up to ReadyForQuery."""
        self.send(wire.query(sql))
        return self.receive_until(b"Z")

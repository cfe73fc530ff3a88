"""An upstream that answers as a script says, and records what it received. Mostly hostile ones."""

import socket
import threading

from kit import wire


class Visitor:
    """One accepted connection, for the script."""

    def __init__(self, connection):
        self.connection = connection
        self.received = b""
        connection.settimeout(10)

    def receive(self, count):
        """Exactly so many further bytes, or EOFError."""
        wanted = len(self.received) + count
        while len(self.received) < wanted:
            piece = self.connection.recv(wanted - len(self.received))
            if not piece:
                raise EOFError
            self.received += piece
        return self.received[-count:]

    def receive_packet(self):
        """A packet of the startup phase: its length counts itself."""
        head = self.receive(4)
        return head + self.receive(int.from_bytes(head, "big") - 4)

    def receive_until_closed(self):
        while piece := self.connection.recv(65536):
            self.received += piece

    def send(self, data):
        self.connection.sendall(data)

    def let_in(self):
        """Reads a startup packet and lets the client in without authentication."""
        self.receive_packet()
        self.send(wire.AUTHENTICATION_OK + wire.READY_FOR_QUERY)


class FakeServer:
    """Runs script(visitor) in a thread per connection. Use it in a with statement."""

    def __init__(self, script):
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.visitors = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Wakes accept() in the other thread; a close would not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(15)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            visitor = Visitor(connection)
            self.visitors.append(visitor)
            self._threads.append(threading.Thread(target=self._serve, args=(visitor,), daemon=True))
            self._threads[-1].start()

    def _serve(self, visitor):
        with visitor.connection:
            try:
                self._script(visitor)
            except (OSError, EOFError):
                pass  # the proxy has disconnected, which most scripts provoke

    @property
    def received(self):
        """Everything received on any connection."""
        return b"".join(visitor.received for visitor in self.visitors)

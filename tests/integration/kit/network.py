"""A network of a test's own: namespaces, and lines between them that lose, reorder, delay and cut as the test says.

The kernel's netem is not everywhere (CONFIG_NET_SCH_NETEM), so a line is two tun devices, and a thread of this process
carries the packets from one to the other. Root only.
"""

import collections
import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import select
import shutil
import struct
import subprocess
import threading
import time

from kit.environment import USER

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
LIBC = ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Namespace:
    """A network namespace. In its with block the calling thread is inside: a socket made there stays there."""

    def __init__(self):
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        _check(LIBC.unshare(CLONE_NEWNET))
        try:
            self._own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            self.ip("link set lo up")
        finally:
            _check(LIBC.setns(before, CLONE_NEWNET))
            os.close(before)

    @contextlib.contextmanager
    def inside(self):
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        _check(LIBC.setns(self._own, CLONE_NEWNET))
        try:
            yield
        finally:
            _check(LIBC.setns(before, CLONE_NEWNET))
            os.close(before)

    @staticmethod
    def ip(words):
        """Of the namespace that the calling thread is in."""
        result = subprocess.run(["ip", *words.split()], check=False, capture_output=True, text=True)
        if result.returncode != 0:
            raise OSError(f"ip {words}: {result.stderr.strip()}")

    @property
    def path(self):
        return f"/proc/{os.getpid()}/fd/{self._own}"

    def words(self, _folder=None):
        """What stands in front of a command that runs in it, as the servers' user: `names` of kit.pgmoat."""
        return ["nsenter", f"--net={self.path}", shutil.which("setpriv"),
                f"--reuid={USER.pw_uid}", f"--regid={USER.pw_gid}", "--clear-groups"]

    def close(self):
        os.close(self._own)


Packet = collections.namedtuple("Packet", "due number to data")


class Line:
    """Joins (namespace, address) with another. `here` and `there` name the directions that cut() ends."""

    def __init__(self, name, here, there):
        self._ends = [self._open(name, here, there[1]), self._open(name, there, here[1])]
        self.delay, self.loss, self.reorder = 0.0, 0.0, 0.0
        self.carried = self.lost = self.reordered = 0
        self._cut = set()
        self._random = random.Random(15)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    @staticmethod
    def _open(name, end, peer):
        namespace, address = end
        with namespace.inside():
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
            namespace.ip(f"addr add {address} peer {peer} dev {name}")
            namespace.ip(f"link set {name} up txqueuelen 1000")
        return device

    def cut(self):
        """Nothing arrives any more, in either direction, and nobody is told."""
        self._cut = {0, 1}

    def heal(self):
        self._cut = set()

    def _carry(self):
        waiting, number = [], 0
        while not self._stopping.is_set():
            patience = 0.1 if not waiting else max(0.0, min(0.1, waiting[0].due - time.monotonic()))
            for device in select.select(self._ends, [], [], patience)[0]:
                with contextlib.suppress(BlockingIOError):
                    while True:
                        number += 1
                        self._take(Packet(time.monotonic() + self.delay, number, 1 - self._ends.index(device),
                                          os.read(device, 65536)), waiting)
            while waiting and waiting[0].due <= time.monotonic():
                packet = heapq.heappop(waiting)
                if packet.to not in self._cut:
                    self.carried += 1
                    with contextlib.suppress(OSError):  # the queue is full: lost, as in a network
                        os.write(self._ends[packet.to], packet.data)

    def _take(self, packet, waiting):
        if packet.to in self._cut or self._random.random() < self.loss:
            self.lost += 1
            return
        if self._random.random() < self.reorder:
            self.reordered += 1
            packet = packet._replace(due=packet.due + 0.02)
        heapq.heappush(waiting, packet)

    def close(self):
        self._stopping.set()
        self._thread.join()
        for device in self._ends:
            os.close(device)


class Network:
    """Clients and servers in one namespace, pgmoat in another, a line for each side. Use it in a with statement."""

    CLIENT, PGMOAT_FOR_CLIENTS = "10.77.1.2", "10.77.1.1"
    SERVER, PGMOAT_FOR_SERVERS = "10.77.2.2", "10.77.2.1"

    def __init__(self):
        self.outside, self.inside = Namespace(), Namespace()
        self.clients = Line("clients", (self.inside, self.PGMOAT_FOR_CLIENTS), (self.outside, self.CLIENT))
        self.servers = Line("servers", (self.inside, self.PGMOAT_FOR_SERVERS), (self.outside, self.SERVER))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for part in (self.clients, self.servers, self.outside, self.inside):
            part.close()

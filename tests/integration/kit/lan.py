"""Machines for a cluster: each in a network namespace, joined by a router that drops what a test wants dropped. Where
namespaces are not permitted, all machines are this one, and nothing can be cut."""

import contextlib

from kit.environment import RUNS_AS_ROOT
from kit.network import Namespace
from kit.process import Process


class Machine:
    """This one, on loopback."""

    address = "127.0.0.1"
    words = None  # `names` of kit.pgmoat

    def inside(self):
        """In its with block, the calling thread makes its sockets on this machine."""
        return contextlib.nullcontext()

    def start(self, arguments, log_file):
        return Process(arguments, log_file)


class Loopback:
    NETWORK = "127.0.0.0/8"

    def machine(self):
        return Machine()

    def close(self):
        pass


class OwnMachine(Machine):
    """In a namespace of its own, with one cable, to the router."""

    def __init__(self, router, number):
        self.address = f"10.78.{number}.2"
        self._namespace = Namespace()
        self.words = self._namespace.words
        with router.inside():
            Namespace.ip(f"link add port{number} type veth peer name eth0 netns {self._namespace.path}")
            Namespace.ip(f"addr add 10.78.{number}.1/24 dev port{number}")
            Namespace.ip(f"link set port{number} up")
        with self.inside():
            Namespace.ip(f"addr add {self.address}/24 dev eth0")
            Namespace.ip("link set eth0 up")
            Namespace.ip(f"route add default via 10.78.{number}.1")

    def inside(self):
        return self._namespace.inside()

    def start(self, arguments, log_file):
        return Process([*self.words(), *arguments], log_file, as_user=False)

    def close(self):
        self._namespace.close()


class Lan:
    """What is cut is dropped without a word, in both directions."""

    NETWORK = "10.78.0.0/16"

    def __init__(self):
        self._machines, self._dropped = [], []
        self._router = Namespace()
        try:
            with self._router.inside(), open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as forward:
                forward.write("1")
            # What the kernel or a container does not permit is refused here.
            self.cut(self.machine())
            self.heal()
        except OSError:
            self.close()
            raise

    def machine(self):
        self._machines.append(OwnMachine(self._router, len(self._machines) + 1))
        return self._machines[-1]

    def cut(self, machine, *others):
        """Off from these; without any, from all."""
        for peer in others:
            self._drop(f"from {machine.address} to {peer.address}")
            self._drop(f"from {peer.address} to {machine.address}")
        if not others:
            self._drop(f"from {machine.address}")
            self._drop(f"to {machine.address}")

    def heal(self):
        while self._dropped:
            self._rule("del", self._dropped.pop())

    def _drop(self, packets):
        self._rule("add", packets)
        self._dropped.append(packets)

    def _rule(self, change, packets):
        with self._router.inside():
            Namespace.ip(f"rule {change} {packets} blackhole")

    def close(self):
        """A namespace ends with the last process in it."""
        for machine in self._machines:
            machine.close()
        self._router.close()


def make_lan():
    """(network, None), or (Loopback, why there is no network)"""
    if not RUNS_AS_ROOT:
        return Loopback(), "only root can make network namespaces"
    try:
        return Lan(), None
    except OSError as error:
        return Loopback(), f"no network namespaces with veth devices and routing rules here: {error}"

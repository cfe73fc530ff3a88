"""Attacking clients, in a process of their own: python3 attacker.py KIND PORT [KEY=NUMBER...], started by
kit.attackers.

It prints a line of JSON when the attack is running, and a second one with the result after its standard input has
ended. Loopback only; everything is bounded by its arguments and by the end of standard input."""

import json
import os
import selectors
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from kit import scram, wire  # noqa: E402
from kit.process import PATIENCE  # noqa: E402
from kit.raw_client import RawClient, client_hello  # noqa: E402


def address(number):
    """The number-th of a million addresses of this machine, all different from 127.0.0.1."""
    return f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"


class Over(threading.Event):
    """Set once standard input has ended."""

    def __init__(self):
        super().__init__()
        threading.Thread(target=lambda: (sys.stdin.read(), self.set()), daemon=True).start()


def say(**facts):
    print(json.dumps(facts), flush=True)


def open_held(port, number, opening):
    """A connection that has sent SSLRequest and then `opening`; None if it was refused."""
    try:
        client = RawClient(port, source=address(number % 200))
        client.send(wire.SSL_REQUEST).receive(1)
        if opening:
            client.send(opening)
        return client.socket
    except (OSError, EOFError):
        return None


def hold(port, over, count, hello):
    """Holds so many connections until the end, in which the client must continue the handshake: after half a
    ClientHello, or nothing."""
    flight = client_hello()
    opening = flight[:len(flight) // 2] if hello else b""
    held = [held for held in (open_held(port, number, opening) for number in range(count)) if held]
    say(held=len(held))
    closed = 0
    with selectors.DefaultSelector() as waiting:
        for client in held:
            client.setblocking(False)
            waiting.register(client, selectors.EVENT_READ)
        while True:
            last = over.is_set()  # before the look: what was closed until the end is counted, however late we are
            ready = waiting.select(0.1)
            for key, _ in ready:
                waiting.unregister(key.fileobj)
                key.fileobj.close()
            closed += len(ready)
            if last and not ready:
                break
    say(closed=closed)


def guess(port, source, user="app"):
    """A login with a wrong proof; returns the SQLSTATE of the refusal. Without PBKDF2, which would load the attacker.
    """
    exchange = scram.ScramClient("", nonce=os.urandom(9).hex())
    with RawClient(port, source=source) as client:
        client.socket.settimeout(PATIENCE)
        client.send(wire.startup(user=user, database=user))
        kind, body = client.receive_message()
        if kind == b"R":
            client.send(exchange.first())
            first = client.receive_until(b"R")[-1][1][4:].decode()
            nonce = dict(part.split("=", 1) for part in first.split(","))["r"]
            client.send(wire.message(b"p", f"c=biws,r={nonce},p={'A' * 43}=".encode()))
            kind, body = client.receive_message()
        return wire.error_fields(body)["C"] if kind == b"E" else kind.decode()


def guess_on(port, over, sources, threads, rate):
    """Guesses from so many addresses in turn, `rate` a second for all threads together, if answers come in time."""
    answers, lock, turn = {}, threading.Lock(), iter(range(1 << 40))

    def run():
        while not over.is_set():
            with lock:
                number = next(turn)
            began = time.monotonic()
            try:
                answer = guess(port, address(number % sources))
            except (OSError, EOFError) as error:
                answer = type(error).__name__
            with lock:
                answers[answer] = answers.get(answer, 0) + 1
            over.wait(max(0.0, threads / rate - (time.monotonic() - began)))

    running = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
    for thread in running:
        thread.start()
    say(threads=threads)
    over.wait()
    with lock:
        say(**answers)  # those still waiting for an answer end with the process


def main(kind, port, *options):
    os.nice(19)  # the sessions beside it must not wait for the attacker's own CPU time
    numbers = {name: int(value) for name, value in (option.split("=") for option in options)}
    {"hold": hold, "guess": guess_on}[kind](int(port), Over(), **numbers)


if __name__ == "__main__":
    main(*sys.argv[1:])

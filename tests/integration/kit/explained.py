"""Random configurations, and the output of `pgmoat check --explain` in a form that can be compared with real clients.
"""

import random
import re
from dataclasses import dataclass, field

from kit.pgmoat import config_text

MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
USERS = ("app", "other")
HOSTS = ("localhost", "db.example.com", "127.0.0.1")
CLIENT_ADDRESS = "127.0.0.1"

# By what is wrong with them; the test makes them.
CERTIFICATES = ("good", "name-only", "other-name", "self-signed", "namesake", "expired", "for-clients")


@dataclass
class Configuration:
    """Settings and files of a pgmoat, and the listener in question."""

    number: int
    settings: dict
    files: dict = field(default_factory=dict)
    listener: str = "default"
    port: int = 0  # of that listener
    passthrough: bool = False  # that listener

    def text(self):
        files = "".join(f"--- {name}\n{text}" for name, text in self.files.items())
        return f"configuration {self.number}, listener {self.listener}\n{config_text(self.settings)}{files}"


class Generator:
    """The same seed gives the same configurations."""

    def __init__(self, seed, free_port, upstreams, folder):
        self._folder = folder  # of the certificates
        self._random = random.Random(seed)
        self._free_port = free_port
        self._upstreams = upstreams  # connection strings that work
        self._number = 0

    def next(self):
        self._number += 1
        made = Configuration(self._number, {"port": self._free_port(), "upstream": self._pick(self._upstreams)})
        made.port = made.settings["port"]
        if self._chance(0.15):
            return self._pass_through(made)
        has_ca = self._add_tls(made) if self._chance(0.85) else set()
        self._add_rules(made, "hba_file", "pg_hba.conf", has_ca)
        if self._chance(0.3):
            self._add_listener(made, has_ca)
        return made

    def _pass_through(self, made):
        """TLS settings have no effect there, and must have none on the output."""
        made.settings["tls_mode"] = "passthrough"
        made.passthrough = True
        if self._chance(0.3):
            self._add_tls(made)
        if self._chance(0.85):
            made.settings["hba_file"] = "pg_hba.conf"
            made.files["pg_hba.conf"] = self._rules_without_names()
        return made

    def _rules_without_names(self):
        """Everything that is known about a client whose startup packet is not visible."""
        lines = []
        for _ in range(self._random.randint(1, 4)):
            kind = self._pick(("host", "hostssl", "hostnossl"))
            address = self._pick(("all", "127.0.0.1/32", "127.0.0.0/8", "10.0.0.0/8", "::1/128", "0.0.0.0/0"))
            method = self._pick(("trust", "scram-sha-256", "reject"))
            options = []
            if kind != "hostnossl" and self._chance(0.4):
                options.append("sni=" + self._pick(("localhost", "db.example.com", "other.example.com")))
            if kind != "hostnossl" and method != "reject" and self._chance(0.2):
                options.append("tls_min=" + self._pick(("TLSv1.2", "TLSv1.3")))
            lines.append(" ".join((kind, "all all", address, method, *options)))
        return "\n".join(lines) + "\n"

    def _add_tls(self, made):
        """Returns the host names for which client certificates are requested; None is every other."""
        settings = made.settings
        settings["ssl"] = "on"
        if self._chance(0.2):
            settings["ssl_max_protocol_version"] = "TLSv1.2"
        if self._chance(0.4):
            return self._add_hosts(made)
        certificate, key = self._files(self._pick(CERTIFICATES))
        settings |= {"ssl_cert_file": certificate, "ssl_key_file": key}
        if self._chance(0.6):
            settings["ssl_ca_file"] = "ca.crt"
            return {"all"}
        return set()

    def _add_hosts(self, made):
        made.settings["ssl_sni"] = "on"
        lines, has_ca = [], set()
        names = [name for name in ("localhost", "db.example.com") if self._chance(0.7)] or ["localhost"]
        for name in names + [special for special in ("*", "/no_sni/") if self._chance(0.4)]:
            certificate, key = self._files(self._pick(("good", "name-only", "other-name", "self-signed")))
            ca = self._chance(0.5)
            has_ca |= {name} if ca else {f"not {name}"}
            lines.append(f"{name} {certificate} {key}{' ca.crt' if ca else ''}")
        made.files["pg_hosts.conf"] = "\n".join(lines) + "\n"
        return {"all"} if not any(name.startswith("not ") for name in has_ca) else set()

    def _add_rules(self, made, setting, name, has_ca):
        if self._chance(0.15):
            return
        tls = made.settings.get("ssl") == "on"
        lines = [self._rule(tls, "all" in has_ca) for _ in range(self._random.randint(1, 4))]
        made.files[name] = "\n".join(lines) + "\n"
        made.settings[setting] = name

    def _rule(self, tls, has_ca):
        kind = self._pick(("host", "host", "hostssl", "hostnossl") if tls else ("host", "hostnossl"))
        database = self._pick(("all", "all", "all", "postgres", "app", "sameuser", "/^p"))
        user = self._pick(("all", "all", "all", "app", "other", "app,other", "/^ot"))
        address = self._pick(("all", "all", "127.0.0.1/32", "127.0.0.0/8", "10.0.0.0/8", "::1/128", "0.0.0.0/0"))
        methods = ["trust", "scram-sha-256", "scram-sha-256", "md5", "password", "reject"]
        options = []
        if kind == "hostssl" and has_ca:
            methods += ["cert", "cert"]
        method = self._pick(methods)
        if kind == "hostssl" and has_ca and method not in ("cert", "reject") and self._chance(0.4):
            options.append("clientcert=" + self._pick(("verify-ca", "verify-full")))
        if kind != "hostnossl" and tls and method != "reject" and self._chance(0.15):
            options.append("tls_min=" + self._pick(("TLSv1.2", "TLSv1.3")))
        if kind != "hostnossl" and tls and self._chance(0.15):
            options.append("sni=" + self._pick(("localhost", "db.example.com")))
        return " ".join((kind, database, user, address, method, *options))

    def _add_listener(self, made, has_ca):
        port = self._free_port()
        passthrough = self._chance(0.5)
        own_rules = self._chance(0.5)
        made.settings["listener.second"] = f"address=127.0.0.1 port={port}"
        if passthrough:
            made.files["second.conf"] = self._rules_without_names()
            made.settings["listener.second"] += " tls_mode=passthrough hba_file=second.conf"
        elif own_rules:
            made.files["second.conf"] = self._rule(made.settings.get("ssl") == "on", "all" in has_ca) + "\n"
            made.settings["listener.second"] += " hba_file=second.conf"
        if self._chance(0.5):
            made.listener, made.port, made.passthrough = "second", port, passthrough

    def _files(self, name):
        return self._folder / f"{name}.crt", self._folder / f"{name}.key"

    def _pick(self, choices):
        return self._random.choice(choices)

    def _chance(self, probability):
        return self._random.random() < probability

    def cells(self, count):
        """(user, host, client certificate, sslmode, libpq), each once."""
        every = [(user, host, certificate, mode, libpq) for user in USERS for host in HOSTS
                 for certificate in (False, True) for mode in MODES for libpq in (15, 18)]
        return self._random.sample(every, count)


def tables(text):
    """{listener: {(sslmode, client certificate): column `connects`}} for one client and host."""
    found, rows, columns = {}, None, None
    for line in text.splitlines():
        if head := re.match(r'listener "([^"]*)"', line):
            rows = found.setdefault(head[1], {})
            assert not rows, f"two tables of one listener:\n{text}"
        elif line.startswith("  sslmode"):
            columns = [match.start() for match in re.finditer(r"(?<=  )\S", line)]
        elif line.startswith("  ") and rows is not None:
            ends = [*columns[1:], None]
            values = [line[start:end].strip() for start, end in zip(columns, ends)]
            shown = {"": (False, True), "without": (False,), "with": (True,)}[values[1] if len(columns) == 5 else ""]
            for certificate in shown:
                rows[values[0], certificate] = values[2 if len(columns) == 5 else 1]
    return found


def expected(connects):
    """"TLS", "plaintext" or "refused"."""
    if connects.startswith("no"):
        return "refused"
    assert connects.startswith("yes, in "), connects
    return re.match(r"yes, in (TLS|plaintext)", connects)[1]

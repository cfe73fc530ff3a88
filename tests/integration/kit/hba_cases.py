"""The table of access rules as data: files, connections, and PostgreSQL's decisions.

hba_table/README.md describes the format. This module uses no server.
"""

import os
import pwd
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "hba_table"
HBA, IDENT = "pg_hba.conf", "pg_ident.conf"
NAME_BYTES = 63
PHYSICAL = {"on", "yes", "true", "1"}


@dataclass(frozen=True)
class Connection:
    source: str         # an address, or "local" for the unix socket
    tls: bool
    certificate: str    # the name of one, or empty
    parameters: tuple   # of the startup packet, in order

    def _last(self, name, default):
        values = [value for key, value in self.parameters if key == name]
        return values[-1] if values and values[-1] else default

    @property
    def user(self):
        return self._last("user", "")[:NAME_BYTES]

    @property
    def database(self):
        return self._last("database", self.user)[:NAME_BYTES]

    @property
    def physical(self):
        """Once `database` was requested it stays: PostgreSQL does not take it back."""
        return self._last("replication", "") in PHYSICAL and ("replication", "database") not in self.parameters

    def described(self):
        """The words after `rejects` and `no entry`."""
        host = "[local]" if self.source == "local" else self.source.removeprefix("::ffff:")
        encryption = "SSL encryption" if self.tls else "no encryption"
        if self.physical:
            return host, f'host "{host}", user "{self.user}", {encryption}'
        return host, f'host "{host}", user "{self.user}", database "{self.database}", {encryption}'

    def text_of_reject(self):
        kind = "replication connection" if self.physical else "connection"
        return f"pg_hba.conf rejects {kind} for {self.described()[1]}"

    def text_of_no_entry(self):
        kind = "replication connection from " if self.physical else ""
        return f"no pg_hba.conf entry for {kind}{self.described()[1]}"


@dataclass(frozen=True)
class Outcome:
    """What the client sees: let in, a FATAL, or a handshake that failed."""

    let_in: bool = False
    sqlstate: str = ""
    text: str = ""


LET_IN = Outcome(let_in=True)
HANDSHAKE_FAILED = Outcome(text="the handshake failed")


@dataclass(frozen=True)
class Expectation:
    place: str  # "pg_hba.conf:3"; empty: no record matched, or nobody asked
    outcome: Outcome


@dataclass(frozen=True)
class Row:
    where: str  # file, line and text of the case, for messages of failed tests
    connection: Connection
    expected: Expectation


@dataclass(frozen=True)
class FileError:
    """An error for a line at load: "pg_hba.conf:3", or "-" for the file as a whole. Texts by program."""

    place: str
    texts: dict

    def text(self, subject):
        return self.texts.get(subject, self.texts[""])


@dataclass
class Block:
    """One set of files, and the connections that are tried with it or the errors that it causes."""

    theme: str
    name: str
    options: frozenset
    files: dict = field(default_factory=dict)
    rows: list = field(default_factory=list)
    errors: list = field(default_factory=list)

    @property
    def id(self):
        return f"{self.theme}: {self.name}"

    def is_for(self, major):
        return major >= 16 if "16+" in self.options else major < 16 or "<16" not in self.options

    @property
    def ssl(self):
        return "ssl=off" not in self.options

    @property
    def authority(self):
        return "ca=off" not in self.options

    @property
    def loads(self):
        """Possibly with notes."""
        return "loads" in self.options or not self.errors

    def errors_for(self, subject):
        """{place: text}; `subject` is "15", "18", "view" or "pgmoat"."""
        return {error.place: error.text(subject) for error in self.errors}

    def add_error(self, key, text):
        """Without a key it is for the line before; with a version as the key it sets another text for the last error.
        """
        if key in ("15", "18", "view", "pgmoat"):
            self.errors[-1].texts[key] = text
        elif key:
            self.errors.append(FileError(key if key == "-" or ":" in key else f"{HBA}:{key}", {"": text}))
        else:
            name = next(reversed(self.files))
            self.errors.append(FileError(f"{name}:{self.files[name].count(chr(10))}", {"": text}))


def parse_value(text):
    """a{70} is the letter a seventy times."""
    return re.sub(r"(.)\{(\d+)\}", lambda found: found[1] * int(found[2]), text)


def parse_connection(text):
    source, tls, certificate, parameters = "127.0.0.1", False, "", []
    left_out = set()
    for word in shlex.split(text):
        name, equals, value = word.partition("=")
        if word == "tls":
            tls = True
        elif name == "cert":
            tls, certificate = True, value
        elif name == "from":
            source = value
        elif word == "no-database":
            left_out.add("database")
        else:
            assert equals, f"what is {word!r}?"
            parameters.append((name, parse_value(value)))
    named = {name for name, _ in parameters} | left_out
    defaults = [(name, value) for name, value in (("user", "alice"), ("database", "sales")) if name not in named]
    return Connection(source, tls, certificate, tuple(defaults + parameters))


def parse_expectation(text, connection):
    if text == "no entry":
        return Expectation("", Outcome(sqlstate="28000", text=connection.text_of_no_entry()))
    if text == "handshake fails":
        return Expectation("", HANDSHAKE_FAILED)
    quoted, plain, rest = re.fullmatch(r'(?:"([^"]*)"|(\S+)) (.*)', text).groups()
    place = quoted or plain
    if place == "-":
        place = ""
    elif ":" not in place:
        place = f"{HBA}:{int(place)}"
    if rest == "allow":
        return Expectation(place, LET_IN)
    if rest == "reject":
        return Expectation(place, Outcome(sqlstate="28000", text=connection.text_of_reject()))
    found = re.fullmatch(r"([0-9A-Z]{5} )?`(.*)`", rest)
    assert found, f"what is {text!r}?"
    return Expectation(place, Outcome(sqlstate=(found[1] or "28000").strip(), text=found[2]))


def parse_row(where, line):
    connection_text, _, expected = line.partition("=>")
    connection = parse_connection(connection_text)
    return Row(f"{where}: {line}", connection, parse_expectation(expected.strip(), connection))


def parse_text(text):
    """The text after the | in a line of a file."""
    text = text[1:] if text.startswith(" ") else text
    system_user = pwd.getpwuid(os.geteuid()).pw_name
    return text.replace("␉", "\t").replace("␍", "\r").replace("$SYSTEM_USER", system_user) + "\n"


HEADING = re.compile(r"== (.*?)((?: \[[^]]+\])*)")
FILE_LINE = re.compile(r"([\w./ -]*)\|(.*)")
ERROR = re.compile(r"(?:(\S+) )?=> (.*)")


def read_blocks(path):
    blocks = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if heading := HEADING.fullmatch(line):
            options = frozenset(re.findall(r"\[([^]]+)\]", heading[2]))
            blocks.append(Block(path.stem, heading[1], options))
        elif file_line := FILE_LINE.match(line):
            name = file_line[1] or HBA
            # The file that was written last comes last.
            blocks[-1].files[name] = blocks[-1].files.pop(name, "") + parse_text(file_line[2])
        elif path.suffix == ".errors":
            blocks[-1].add_error(*ERROR.fullmatch(line).groups())
        else:
            blocks[-1].rows.append(parse_row(f"{path.name}:{number}", line))
    return blocks


def all_blocks(kind):
    """`kind`: "cases" or "errors"."""
    return [block for path in sorted(FOLDER.glob(f"*.{kind}")) for block in read_blocks(path)]

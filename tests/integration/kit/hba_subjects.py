"""The programs that the table of access rules is tested with: PostgreSQL 15, PostgreSQL 18, pgmoat.

A subject loads a set of files (`load`) and returns for a connection what the client sees and which line decided
(`ask`).
"""

import json
import re
import signal
import ssl
import time
from pathlib import Path

from kit import hba_cases, wire
from kit.environment import give_to_user, write_for_user
from kit.hba_cases import HANDSHAKE_FAILED, HBA, IDENT, LET_IN, Outcome
from kit.pgmoat import Pgmoat, config_text, run_pgmoat
from kit.postgres import Postgres
from kit.process import PATIENCE
from kit.raw_client import RawClient
from kit.resolver import own_names

TRUST_ALL = "local all all trust\nlocal replication all trust\nhost all all all trust\nhost replication all all trust\n"
# Behind pgmoat: a rule's method is compared with the server's request, and SCRAM is enough for each in the table.
ASKS_ALL = ("local all all trust\nlocal replication all trust\nhost postgres postgres all trust\n"
            "host all all all scram-sha-256\nhost replication all all scram-sha-256\n")
HOSTS = (
    ("::1", "localhost"),
    ("127.0.0.2", "db.example.com"),
    ("127.0.0.3", "other.example.org"),
    ("127.0.0.5", "DB5.Example.COM"),
)
# staff holds alice and the managers, and these the boss; carol owns herself alone. root_role is a superuser.
ROLES = """
CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE carol LOGIN; CREATE ROLE boss LOGIN;
CREATE ROLE root_role LOGIN SUPERUSER;
CREATE ROLE staff; CREATE ROLE managers; CREATE ROLE "+x"; CREATE ROLE "two words";
GRANT staff TO alice; GRANT staff TO managers; GRANT managers TO boss; GRANT "two words" TO bob;
"""
SERVER_SETTINGS = {"listen_addresses": "127.0.0.1,::1", "log_min_messages": "log", "ssl": None,
                   "max_wal_senders": "10"}
EXIT_OK = 0
ANYBODY = hba_cases.parse_connection("")
METHOD_WORD = re.compile(r"(?<=[\s\"])(trust|reject|scram-sha-256|md5)(?=[\s\"]|$)", re.MULTILINE)


def names(folder):
    return own_names(folder, HOSTS)


def write_tree(root, files):
    for name, text in {IDENT: "", **files}.items():
        path = root / name
        if not path.parent.exists():
            path.parent.mkdir()
            give_to_user(path.parent)
        write_for_user(path, text)


class LogTail:
    """The log from now on."""

    def __init__(self, process):
        self._process = process
        self._position = process.log_position()

    def lines(self):
        """Complete lines: the last one may still be incomplete."""
        return self._process.log(self._position).rpartition("\n")[0].splitlines()

    def wait_for(self, interesting):
        """The first true result of interesting(line)."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for line in self.lines():
                if found := interesting(line):
                    return found
            assert self._process.exit_code is None, self._process.log(self._position)
            time.sleep(0.001)
        raise AssertionError("nothing came in the log:\n" + "\n".join(self.lines()))


def first_answer(port, folder, connection, certificates, password=None):
    """The server's first answer to a startup packet. `password` answers its request."""
    local = connection.source == "local"
    address = folder if local else "::1" if connection.source == "::1" else "127.0.0.1"
    if connection.source.startswith("::ffff:"):
        address = "::ffff:127.0.0.1"
    with RawClient(port, address, source=None if local else connection.source) as client:
        try:
            if connection.tls:
                client.start_tls(certificate=certificates.get(connection.certificate))
            client.send(wire.startup_of(connection.parameters))
            kind, body = client.receive_message()
            if password is not None and kind == b"R" and body == b"\0\0\0\x03":
                client.send(wire.message(b"p", password.encode() + b"\0"))
                kind, body = client.receive_message()
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
            return HANDSHAKE_FAILED
    if kind == b"R":
        return LET_IN
    assert kind == b"E", (kind, body)
    fields = wire.error_fields(body)
    assert fields["S"] == "FATAL", fields
    return Outcome(sqlstate=fields["C"], text=fields["M"])


class Oracle:
    """PostgreSQL itself.

    It logs the line only if a login fails or if the method is not trust. So the table is tried twice: once as it is,
    and once with `password` in place of methods that log nothing, and a wrong password: that failure shows the line.
    """

    def __init__(self, installation, certificate, authority, certificates):
        self._certificates = certificates
        self._server = Postgres(installation, hba=TRUST_ALL, settings=SERVER_SETTINGS, names=names)
        self._server.query(ROLES)
        certificate.install(self._server.data)
        write_for_user(self._server.data / "ca.crt", authority.certificate.read_bytes())

    def stop(self):
        self._server.process.send_signal(signal.SIGQUIT)  # not needed any longer
        self._server.process.wait()
        self._server.stop()

    def ask(self, block):
        """[(place or None, outcome)] for the rows of the block."""
        self._load(block, block.files)
        outcomes = [self._answer(row) for row in block.rows]
        methods_replaced = {name: text if name == IDENT else METHOD_WORD.sub("password", text)
                            for name, text in block.files.items()}
        self._load(block, methods_replaced)
        return [(self._place(row, outcome), outcome) for row, outcome in zip(block.rows, outcomes)]

    def errors(self, block):
        """({place: text} of the log, the same of the views, which read the files and not what is loaded)."""
        self._load_to_the_end(block, {HBA: TRUST_ALL})
        self._load_to_the_end(block, block.files)
        logged = errors_in("\n".join(self._since_load.lines()))
        return logged, {} if block.loads else self._errors_of_views()

    @property
    def folder(self):
        return self._server.data

    def _errors_of_views(self):
        columns = "coalesce(to_jsonb(v)->>'file_name', '{}'), line_number, error"
        errors = {}
        for view, name in (("pg_hba_file_rules", HBA), ("pg_ident_file_mappings", IDENT)):
            rows = json.loads(self._server.query(
                f"SELECT coalesce(json_agg(json_build_array({columns.format(name)})), '[]')"
                f" FROM {view} v WHERE error IS NOT NULL"))
            errors |= {f"{Path(file).name}:{line}": error for file, line, error in rows}
        return errors

    def _load(self, block, files):
        data = self._server.data
        write_tree(data, files)
        write_for_user(data / "postgresql.auto.conf", f"ssl = {'on' if block.ssl else 'off'}\n"
                       f"ssl_ca_file = '{'ca.crt' if block.authority else ''}'\n")
        # The postmaster reads the files after it has logged this line and before it accepts the next connection.
        self._since_load = LogTail(self._server.process)
        self._server.process.send_signal(signal.SIGHUP)
        self._since_load.wait_for(lambda line: "received SIGHUP" in line)

    def _load_to_the_end(self, block, files):
        self._load(block, files)
        first_answer(self._server.port, self._server.folder, ANYBODY, {})

    def _answer(self, row, password=None):
        outcome = first_answer(self._server.port, self._server.folder, row.connection, self._certificates, password)
        log = self._since_load.lines()
        assert not any("was not reloaded" in line for line in log), "\n".join(log)
        return outcome

    def _place(self, row, outcome):
        tail = LogTail(self._server.process)
        again = self._answer(row, password="wrong")
        for line in tail.lines():
            if place := place_in(line):
                return place
        assert again == outcome, f"{row.where}: {again} with the method `password`, and no line in the log"
        return None


def errors_in(log):
    """{place: text} of PostgreSQL's log, where the place follows as a context."""
    errors, text = {}, None
    for line in log.splitlines():
        if found := re.search(r" (?:LOG|CONTEXT):  (.*)", line):
            if place := re.fullmatch(r'line (\d+) of configuration file "([^"]*)"', found[1]):
                errors.setdefault(f"{Path(place[2]).name}:{place[1]}", text)
            elif "contains no entries" in found[1]:
                errors["-"] = found[1]
            text = found[1]
    return errors


def place_in(line):
    """The file and line in PostgreSQL's log, if there are any."""
    if found := re.search(r'Connection matched (?:file "([^"]*)"|(\S+)) line (\d+): ', line):
        return f"{Path(found[1] or found[2]).name}:{found[3]}"
    if found := re.search(r"connection authenticated: .* \((\S+):(\d+)\)$", line):
        return f"{Path(found[1]).name}:{found[2]}"
    return None


class PgmoatSubject:
    """pgmoat in front of a server that requires SCRAM from all clients. It logs the line of every connection."""

    def __init__(self, workspace, server, certificate, authority, certificates):
        self._certificates = certificates
        self._server = server
        self._pgmoat = Pgmoat(workspace, certificate, names=names, files={
            HBA: TRUST_ALL, IDENT: "", "ca.crt": authority.certificate.read_bytes()}, settings={
            "listen_addresses": "127.0.0.1,::1", "log_format": "json", "log_min_messages": "debug1",
            "upstream": f"host=127.0.0.1 port={server.port} sslmode=disable",
            "unix_socket_directories": ".", "hba_file": HBA, "ident_file": IDENT, "ssl_ca_file": "ca.crt",
            "role_query": ROLE_QUERY, "role_query_conninfo": "user=postgres dbname=postgres"})

    def stop(self):
        self._pgmoat.stop()

    def ask(self, block):
        self._load(block)
        return [self._ask(row) for row in block.rows]

    def errors(self, block):
        """({place: the whole line of output that names it}, nothing): what `pgmoat check` says of these files."""
        write_tree(self.folder, block.files)
        write_for_user(self.folder / "check.conf", config_text({
            **self._pgmoat.settings, "ssl": "on" if block.ssl else "off"}))
        code, out, error = run_pgmoat(self._pgmoat.workspace, "check", "--config", self.folder / "check.conf")
        output = out + error
        assert (code == EXIT_OK) == block.loads, output
        places = {place_named_in(line): line for line in output.splitlines()}
        return {place: line for place, line in places.items() if place and "check.conf" not in place}, {}

    @property
    def folder(self):
        return self._pgmoat.folder

    def _load(self, block):
        write_tree(self.folder, block.files)
        tail = LogTail(self._pgmoat.process)
        self._pgmoat.reload({"ssl": "on" if block.ssl else "off", "ssl_ca_file": "ca.crt" if block.authority else None})
        answer = tail.wait_for(lambda line: line if "reloaded" in line else None)
        assert "configuration was reloaded" in answer, "\n".join(tail.lines())

    def _ask(self, row):
        tail = LogTail(self._pgmoat.process)
        outcome = first_answer(self._pgmoat.port, self._pgmoat.folder, row.connection, self._certificates)
        closed = tail.wait_for(lambda line: json.loads(line) if "connection closed" in line else None)
        return self._relative(closed.get("rule")), outcome

    @staticmethod
    def _relative(rule):
        return rule and Path(rule).name


def place_named_in(line):
    """The place in a line of `pgmoat check`: "pg_hba.conf:3"; "-" for a file as a whole."""
    if found := re.search(r'line (\d+) of configuration file "([^"]*)"', line):
        return f"{Path(found[2]).name}:{found[1]}"
    if found := re.search(r'file "([^"]*)",? line (\d+)', line):
        return f"{Path(found[1]).name}:{found[2]}"
    return "-" if "contains no entries" in line else None


ROLE_QUERY = """
WITH RECURSIVE member(oid) AS (
  SELECT oid FROM pg_roles WHERE rolname = $1
  UNION SELECT m.roleid FROM pg_auth_members m JOIN member ON m.member = member.oid)
SELECT rolname FROM pg_roles JOIN member USING (oid)
""".replace("\n", " ").strip()

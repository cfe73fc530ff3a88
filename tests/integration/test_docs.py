"""The manual is true: its configurations pass `pgmoat check`, its commands run, and the names in it are the program's.

Fenced blocks say by the words after ``` what becomes of them:

    conf NAME             a file; all files of a section are checked together
    conf NAME fragment    lines that are added to a small complete configuration
    sh run                run in the folder of the section's files
    sh live               run against the README's configuration, which serves in front of PostgreSQL
    sql, sh server        run in or with a server, by the test of their section
    text output           what the block before it prints, with ... for what differs

Everything else is for people.
"""

import os
import re
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from kit import scram
from kit.environment import AS_USER, SOURCE, free_port, write_for_user
from kit.pgmoat import SANITIZER_OPTIONS, run_pgmoat
from kit.postgres import PASSWORD, USER
from kit.process import Process

pytestmark = pytest.mark.once_a_run

DOCS = SOURCE / "deploy/docs"
README = SOURCE / "README.md"
PAGES = [README, *sorted(DOCS.glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)[ ]?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
MANUAL = "\n".join(page.read_text() for page in PAGES)

BASE = """listen_addresses = '127.0.0.1'
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
hba_file = 'pg_hba.conf'
upstream = 'host=127.0.0.1 port=5432 sslmode=disable'
"""
RULES = "hostssl all all all scram-sha-256\n"


@dataclass
class Section:
    """A heading and the blocks up to the next one: (what, text)."""

    page: str
    title: str
    blocks: list = field(default_factory=list)

    @property
    def name(self):
        return f"{self.page}: {self.title}"

    def files(self):
        return {words.split()[1]: (text, words.endswith(" fragment"))
                for words, text in self.blocks if words.startswith("conf ")}

    def made_by_commands(self):
        return set(re.findall(r"--(?:cert|key) (\S+)", "".join(text for words, text in self.blocks if words == "sh run")))

    def commands(self, what):
        """(the command, what it prints or None)."""
        following = [*self.blocks[1:], ("", "")]
        return [(text, after[1] if after[0] == "text output" else None)
                for (words, text), after in zip(self.blocks, following) if words == what]


def sections():
    found = []
    for page in PAGES:
        text = page.read_text()
        # A comment in a block looks like a heading.
        blanked = BLOCK.sub(lambda block: re.sub(r"[^\n]", " ", block[0]), text)
        heads = [(head.start(), head[1]) for head in HEADING.finditer(blanked)]
        for (start, title), (end, _) in zip(heads, [*heads[1:], (len(text), "")]):
            blocks = [(f"{block[1]} {block[2]}".strip(), block[3]) for block in BLOCK.finditer(text, start, end)]
            if blocks:
                found.append(Section(page.name, title, blocks))
    return found


SECTIONS = sections()
WITH_FILES = [section for section in SECTIONS if section.files()]
WITH_COMMANDS = [section for section in SECTIONS if section.commands("sh run")]
WITH_LIVE = [section for section in SECTIONS if section.commands("sh live")]
by_name = {"ids": lambda section: section.name}


class Desk:
    """A folder with the files of a section, and all files that they name but `without` these."""

    def __init__(self, workspace, authority, section, without=frozenset()):
        self.workspace = workspace
        self.folder = workspace.folder("docs")
        files = section.files()
        given = {name: text for name, (text, _) in files.items()}
        needed = bool(files) or any("pgmoat.conf" in command for command, _ in section.commands("sh run"))
        if needed and files.get("pgmoat.conf", ("", True))[1]:
            given["pgmoat.conf"] = BASE + given.get("pgmoat.conf", "")
        if "hba_file" in given.get("pgmoat.conf", ""):
            given.setdefault("pg_hba.conf", RULES)
        self.write(authority, given, without)

    def write(self, authority, files, without):
        leaf = authority.issue("docs", alternative_names="DNS:localhost,DNS:db.example.com")
        rsa = authority.issue("docs-rsa", key="rsa:2048")
        secret = scram.secret(PASSWORD)
        for name in set(re.findall(r"[\w.-]+\.(?:crt|key|txt)\b", "\n".join(files.values()))) - without:
            pair = rsa if name.startswith("rsa") else leaf
            if name.endswith(".txt"):
                write_for_user(self.folder / name, f'"admin" "{secret}"\n"{USER}" "{secret}"\n', mode=0o600)
            elif name.endswith(".key"):
                write_for_user(self.folder / name, pair.key.read_bytes(), mode=0o600)
            elif re.match(r"(root|.*\bca)\.crt$", name):
                write_for_user(self.folder / name, authority.certificate.read_bytes())
            else:
                write_for_user(self.folder / name, pair.certificate.read_bytes())
        for name, text in files.items():
            write_for_user(self.folder / name, text)

    def run(self, command, **environment):
        """Its output; an error if it fails. The program is on the path, as if installed."""
        path = f"{self.workspace.root}:{os.environ['PATH']}"
        result = subprocess.run(["bash", "-ec", command], cwd=self.folder, capture_output=True, text=True, check=False,
                                timeout=60, env={"PATH": path, "HOME": str(self.workspace.home), **SANITIZER_OPTIONS,
                                                 **environment}, **AS_USER)
        assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
        return result.stdout


# Warnings that are not about the examples: no server at the other end, OpenSSL below 3.5, the limit of files.
OF_THE_MACHINE = ("auth_query fails: could not translate host name", 'does not know "X25519MLKEM768"', "limit of open files")


def assert_prints(output, expected):
    """`...` in the expected text matches anything."""
    pattern = ".*".join(re.escape(part) for part in expected.split("..."))
    assert re.fullmatch(pattern, output, re.DOTALL), f"expected:\n{expected}\nprinted:\n{output}"


@pytest.mark.parametrize("section", WITH_FILES, **by_name)
def test_each_configuration_is_valid_and_without_a_warning(workspace, authority, section):
    desk = Desk(workspace, authority, section)
    code, output, errors = run_pgmoat(workspace, "check", "--config", desk.folder / "pgmoat.conf")
    assert code == 0, output + errors
    warnings = [line for line in errors.splitlines() if not any(text in line for text in OF_THE_MACHINE)]
    fragment = section.files().get("pgmoat.conf", ("", True))[1]
    assert fragment or not warnings, errors


@pytest.mark.parametrize("section", WITH_COMMANDS, **by_name)
def test_each_command_runs_and_prints_what_the_page_says(workspace, authority, section):
    desk = Desk(workspace, authority, section, without=section.made_by_commands())
    for command, expected in section.commands("sh run"):
        output = desk.run(command)
        if expected is not None:
            assert_prints(output, expected)


@pytest.fixture(scope="module")
def served(workspace, authority, servers):
    """The README's complete configuration in front of a PostgreSQL; only ports and addresses are changed."""
    section = next(section for section in WITH_FILES if section.page == "README.md"
                   and not section.files()["pgmoat.conf"][1])
    desk = Desk(workspace, authority, section)
    ports = {"6432": str(free_port()), "9632": str(free_port()), "5432": str(servers(18, tls=False).port)}
    text = (desk.folder / "pgmoat.conf").read_text().replace("'*'", "'127.0.0.1'")
    write_for_user(desk.folder / "pgmoat.conf", with_ports(text, ports))
    write_for_user(desk.folder / "root.crt", authority.certificate.read_bytes())
    with serving(workspace, desk):
        yield desk, ports


@contextmanager
def serving(workspace, desk):
    process = Process([workspace.pgmoat, "--config", desk.folder / "pgmoat.conf"], desk.folder / "log", SANITIZER_OPTIONS)
    process.wait_for_log("ready to accept connections")
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    assert process.exit_code == 0, process.log()


def with_ports(text, ports):
    return re.sub(r"\b(6432|9632|5432)\b", lambda port: ports[port[0]], text)


@pytest.mark.parametrize("section", WITH_LIVE, **by_name)
def test_each_live_command_runs_against_the_configuration_of_the_readme(served, section):
    desk, ports = served
    for command, expected in section.commands("sh live"):
        output = desk.run(with_ports(command, ports), PGPASSWORD=PASSWORD, PGHOSTADDR="127.0.0.1")
        if expected is not None:
            assert_prints(output, expected)


def test_the_steps_of_the_page_about_secrets_lead_to_a_login_over_tls_on_both_legs(workspace, authority, start_postgres):
    section = next(section for section in SECTIONS if section.title == "SCRAM secrets")
    desk = Desk(workspace, authority, section, without=section.made_by_commands())
    for command, _ in section.commands("sh run"):
        desk.run(command)
    files = {name: text for name, (text, _) in section.files().items()}
    server = start_postgres(
        certificate=authority.issue("docs-server", alternative_names="DNS:db.example.com"),
        hba="local all all trust\n" + files["server_hba.conf"].replace("10.0.0.9/32", "127.0.0.1/32"),
        settings={"ssl_ca_file": desk.folder / "ca.crt"})
    for statements in (text for words, text in section.blocks if words == "sql"):
        server.query(statements)
    for command, _ in section.commands("sh server"):
        desk.run(command.replace("-h db.example.com", f"-h {server.folder} -p {server.port}"))
    assert re.fullmatch(rf'"{USER}" "SCRAM-SHA-256\$.*"\n', (desk.folder / "auth_file.txt").read_text())
    port = free_port()
    settings = (desk.folder / "pgmoat.conf").read_text().replace(
        "host=db.example.com port=5432", f"host=db.example.com hostaddr=127.0.0.1 port={server.port}")
    write_for_user(desk.folder / "pgmoat.conf", f"{settings}port = {port}\n")
    with serving(workspace, desk):
        output = desk.run(f"psql 'host=db.example.com port={port} user={USER} sslmode=verify-full sslrootcert=root.crt "
                          "channel_binding=require' -Atc 'SELECT current_user'",
                          PGPASSWORD=PASSWORD, PGHOSTADDR="127.0.0.1")
    assert output == f"{USER}\n"


@pytest.mark.parametrize("address", ("127.0.0.1", "::1"))
def test_the_readme_s_rules_let_localhost_in_whichever_address_it_has(workspace, authority, address):
    section = next(section for section in WITH_FILES if section.page == "README.md"
                   and not section.files()["pgmoat.conf"][1])
    desk = Desk(workspace, authority, section)
    output = desk.run(f"pgmoat hba test --config pgmoat.conf --address {address} --user {USER} --tls TLSv1.3")
    assert "allow" in output and "scram-sha-256" in output


# --- names -------------------------------------------------------------------------------------

STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def literals(*folders):
    """The texts in the sources, adjacent literals as one."""
    texts = []
    for folder in folders:
        for path in sorted((SOURCE / folder).rglob("*.[ch]*")):
            code = re.sub(r'"\s*\n\s*"', "", path.read_text())
            texts += [text.replace('\\"', '"') for text in STRING.findall(code)]
    return texts


def words_of(path, name):
    """The words of one table in a source file."""
    table = re.search(rf"\b{name} = \{{(.*?)\}};", (SOURCE / path).read_text(), re.DOTALL)
    return set(STRING.findall(table[1]))


def rows_of(page, title):
    """The first cells of the tables below a heading, as sets of the names in backticks."""
    section = (DOCS / page).read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
    return [set(re.findall(r"`([^`]+)`", line.split("|")[1])) for line in section.splitlines() if line.startswith("| `")]


def test_the_manual_lists_every_close_reason():
    listed = [name for row in rows_of("observability.md", "Close reasons") for name in row]
    reasons = words_of("metrics/labels.cpp", "close_reasons")
    assert reasons and sorted(listed) == sorted(reasons)


def test_the_manual_lists_every_field_of_a_connection():
    source = (SOURCE / "proxy/telemetry/connection_fields.cpp").read_text() + \
        (SOURCE / "proxy/telemetry/connection_log.cpp").read_text().partition("summarise")[0]
    calls = re.findall(r'(?:add\w*\(\s*(?:fields,\s*)?\{?|\.add\w*\(\{?)((?:only_\w+|"\w[\w.]*"),?\s*(?:only_text|"\w[\w.]*"(?=\}))?)',
                       source)
    names = {name for call in calls for name in STRING.findall(call)}
    section = (DOCS / "observability.md").read_text().partition("With `log_format = json`")[2].partition("## Close")[0]
    listed = set()
    for line in section.splitlines():
        if line.startswith("| ") and not line.startswith("| text "):
            listed |= set(re.findall(r"`([^`]+)`", "|".join(line.split("|")[1:3])))
    assert len(names) > 40 and listed == names


def test_every_metric_in_the_manual_exists():
    known = set(re.findall(r"^\| `(\w+)` \|", (SOURCE / "metrics/README.md").read_text(), re.MULTILINE))
    # Of /metrics/connections, which proxy/admin/README.md lists.
    known |= set(re.findall(r"`(pgmoat_connection\w*)`", (SOURCE / "proxy/admin/README.md").read_text()))
    named = set(re.findall(r"\b(?:pgmoat|process)_[a-z_]+(?:total|seconds|ratio|live|successful|fds|bytes)\b", MANUAL))
    assert named and named <= known


def settings():
    """The names of the program's settings: test_manual.py compares this table with SHOW CONFIG."""
    page = (SOURCE / "deploy/man/pgmoat.conf.5.scd").read_text()
    return set(re.findall(r"^\*([\w.]+)\* \(.*, (?:reload|restart)\)$", page, re.MULTILINE))


def test_the_reference_lists_every_keyword_of_connection_strings():
    table = (SOURCE / "proxy/config/conninfo_options.cpp").read_text().partition("constexpr std::array options{")[2]
    honoured = set(re.findall(r'honoured\("(\w+)"\)', table))
    page = (SOURCE / "deploy/man/pgmoat.conf.5.scd").read_text()
    section = page.partition("\n# CONNECTION STRINGS\n")[2].partition("\n# ")[0]
    listed = set(re.findall(r"\w+", section.partition("meanings:")[2].partition("Every other")[0]))
    assert len(honoured) > 20 and honoured - listed == set()


def test_every_setting_in_the_manual_exists():
    known = settings() | {"ssl_ecdh_curve"}
    beginnings = {name.split("_")[0] for name in known if "_" in name} - {"client", "server", "address"}
    named = set(re.findall(rf"`((?:{'|'.join(sorted(beginnings))})_[a-z0-9_]+)(?: = [^`]*)?`", MANUAL))
    # Names of other programs, of libpq's keywords, and what is no setting.
    others = set(re.findall(r"\| `([^|]*)` \| [^|]*\|\n", (DOCS / "migrating.md").read_text()))
    others = {name for cell in others for name in re.findall(r"\w+", cell)}
    tls_table = {name for row in re.findall(r"^\| `ssl.*$", (DOCS / "tls.md").read_text(), re.MULTILINE)
                 for cell in row.split("|")[4:] for name in re.findall(r"\w+", cell)}
    assert len(named) > 60
    assert named - known - others - tls_table - NO_SETTINGS == set()


# PostgreSQL's, which the pages compare with; close reasons, fields and views that begin like a setting.
NO_SETTINGS = {"unix_socket_permissions", "login_failed", "login_seconds", "upstream_failed", "tls_flood", "tls_truncated"}


def test_every_message_in_the_manual_is_the_program_s():
    texts = "\n".join(literals("proxy", "protocol", "tls"))
    messages = [message for row in rows_of("troubleshooting.md", "What clients read") for message in row] + \
        [message for title in ("Start and check", "Log messages") for row in rows_of("troubleshooting.md", title)
         for message in row]
    assert len(messages) > 30
    pieces = {(message, piece) for message in messages for piece in re.split(r'\s*"?\.\.\."?[:,]?\s*', message) if len(piece) > 3}
    assert [pair for pair in sorted(pieces) if pair[1].strip('" ') not in texts.replace("\\n", " ")] == []


def test_the_manual_explains_every_text_of_ours_that_a_client_reads():
    read = re.compile(r'ErrorText\s+\w+\s*\{\s*"(\w{5})",\s*"([^"]*)"')
    told = {}
    for folder in ("proxy/session", "proxy/admin/console"):
        for path in sorted((SOURCE / folder).glob("*.[ch]*")):
            told |= {text: code for code, text in read.findall(re.sub(r'"\s*\n\s*"', "", path.read_text()))}
    listed = {message: line for line in (DOCS / "troubleshooting.md").read_text().splitlines()
              for message in re.findall(r"^\| `([^`]+)`", line)}
    assert len(told) > 8
    assert {text for text, code in told.items() if code not in listed.get(text, "")} == set()


def test_links_lead_to_files_and_headings_that_exist():
    broken = []
    for page in [*PAGES, SOURCE / "CONTRIBUTING.md", SOURCE / "SECURITY.md", SOURCE / "deploy/README.md"]:
        for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", page.read_text()):
            target = target[0] or target[1]
            if target.startswith("http"):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists() or anchor and anchor not in anchors(file):
                broken.append(f"{page.name}: {target}")
    assert broken == []


def anchors(file):
    """As GitHub makes them from headings."""
    blanked = BLOCK.sub("", file.read_text())
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in HEADING.findall(blanked)}


def test_the_readme_is_short():
    assert len(README.read_text().splitlines()) < 200

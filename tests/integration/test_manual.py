"""The manual and the completion match the program: settings, metrics and commands, in both directions."""

import re
import subprocess

import psycopg2
import pytest

from kit import scram
from kit.environment import SOURCE
from kit.http import Http
from kit.pgmoat import run_pgmoat
from kit.postgres import PASSWORD

pytestmark = pytest.mark.once_a_run

MAN = SOURCE / "deploy/man"


def page(name):
    """The text of a page as man shows it; scdoc renders it, and so must accept it."""
    source = (MAN / name).read_text() if (MAN / name).exists() else subprocess.run(
        ["awk", "-v", "version=0", "-f", MAN / "metrics.awk", SOURCE / "metrics/README.md"],
        capture_output=True, text=True, check=True).stdout
    source = source.replace("@version@", "0")
    subprocess.run(["scdoc"], input=source, stdout=subprocess.DEVNULL, text=True, check=True)
    return source


@pytest.fixture
def pgmoat(start_pgmoat, certificate, postgres, http_port):
    secret = scram.secret(PASSWORD)
    return start_pgmoat(certificate, files={"users": f'"admin" "{secret}"\n'}, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "console_users": "admin",
        "console_auth_file": "users", "http_listen": f"127.0.0.1:{http_port}"})


# Families have no row of their own in SHOW CONFIG; their names end in one of the file's own making.
FAMILIES = {"listener.NAME", "upstream.NAME", "health.NAME"}


def test_the_manual_lists_every_setting_with_its_default(pgmoat):
    with psycopg2.connect(host="localhost", port=pgmoat.port, user="admin", password=PASSWORD, dbname="pgmoat",
                          sslmode="require") as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("SHOW CONFIG")
        columns = [column.name for column in cursor.description]
        rows = [dict(zip(columns, row)) for row in cursor]
    connection.close()
    settings = {(row["name"], row["default"] or "empty", row["change"]) for row in rows}
    documented = set(re.findall(r"^\*([\w.]+)\* \((.*), (reload|restart)\)$", page("pgmoat.conf.5.scd"), re.MULTILINE))
    families = {row for row in documented if row[0] in FAMILIES}
    assert {name for name, *_ in families} == FAMILIES
    assert documented - families == settings


def test_the_manual_lists_every_metric(pgmoat, http_port):
    body = Http(http_port).text("/metrics")
    exported = set(re.findall(r"^# TYPE (\S+) (\S+)$", body, re.MULTILINE))
    documented = re.findall(r"^\*(\w+)\* \((\w+)(?:;.*)?\)$", page("pgmoat-metrics.7.scd"), re.MULTILINE)
    # Families without a series yet are not in a scrape; test_metrics.py holds the table against all of them.
    assert exported and exported <= set(documented)
    table = re.findall(r"^\| `((?:pgmoat|process)_\w+)`", (SOURCE / "metrics/README.md").read_text(), re.MULTILINE)
    assert [name for name, _ in documented] == table


def commands(workspace, *words):
    """{command: its options and subcommands}, from --help."""
    code, output, errors = run_pgmoat(workspace, *words, "--help")
    assert code == 0, errors
    options = set(re.findall(r"^  (?:-h,)?(--[\w-]+)", output, re.MULTILINE))
    subcommands = re.findall(r"^  ([a-z][\w-]*)  ", output.partition("Subcommands:")[2], re.MULTILINE)
    found = {" ".join(words): options | set(subcommands)}
    for name in subcommands:
        found |= commands(workspace, *words, name)
    return found


def test_the_manual_knows_every_command_and_option(workspace):
    text = page("pgmoat.1.scd")
    known = commands(workspace)
    options = {word for words in known.values() for word in words if word.startswith("--")}
    assert options == set(re.findall(r"\*(--[\w-]+)\*", text))
    top = {word for word in known[""] if not word.startswith("--")}
    sections = re.findall(r"^## pgmoat (.*)$", text, re.MULTILINE)
    # A command with subcommands has a section for each of them, or one with all their names.
    for name in top:
        below = {word for word in known[name] if not word.startswith("--")}
        own = {section.removeprefix(name).strip() for section in sections if section.split()[0] == name}
        assert own, name
        if own == {""}:
            assert all(re.search(rf"\*{re.escape(word)}\*", text) for word in below), name
        else:
            assert own == below
    assert {section.split()[0] for section in sections} == top


def complete(*words):
    """What bash suggests for the last word."""
    script = f"""
        source {SOURCE}/deploy/completion/pgmoat.bash
        COMP_WORDS=(pgmoat "$@") COMP_CWORD=$#
        _pgmoat
        printf '%s\\n' "${{COMPREPLY[@]}}" """
    result = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True, cwd="/")
    return set(result.stdout.split())


def test_completion_offers_every_command_and_option(workspace):
    for command, words in commands(workspace).items():
        assert complete(*command.split(), "") == words, command


def test_completion_knows_what_comes_after_an_option():
    assert complete("check", "--ex") == {"--explain"}
    assert complete("check", "--config", "/etc/pass") >= {"/etc/passwd"}
    assert complete("hba", "test", "--config", "x", "--tls", "TLSv1.") == {"TLSv1.1", "TLSv1.2", "TLSv1.3"}
    assert complete("cert", "server", "--host", "") == set()

"""The table of hba_table/: pgmoat decides as PostgreSQL 15 and 18 do, by the same line, with the same texts."""


import pytest

from kit.certificates import Authority
from kit.hba_cases import HBA, all_blocks
from kit.hba_subjects import ASKS_ALL, Oracle, PgmoatSubject, ROLES
from kit.postgres import Postgres, debian_major

# PostgreSQL does not depend on the build of pgmoat: only one build of a run asks it.
pytestmark = pytest.mark.once_a_run

SUBJECTS = ["postgresql-15", "postgresql-18", "pgmoat"]
BLOCKS, BROKEN = all_blocks("cases"), all_blocks("errors")


@pytest.fixture(scope="module")
def client_certificates(authority, workspace):
    def issue(name, subject):
        return authority.issue(f"client-{name}", subject=subject)

    return {
        "alice": issue("alice", "alice/OU=sales/O=Example"),
        "bob": issue("bob", "bob"),
        "mail": issue("mail", "alice@example.com/OU=it"),
        "odd": issue("odd", r"Smith, John\+x"),
        "stranger": Authority(workspace.folder("other-ca"), "Other CA").issue("stranger", subject="alice"),
    }


@pytest.fixture(scope="module")
def subject_of(workspace, installations, authority, certificate, server_certificate, client_certificates):
    """Each is started on first use."""
    running, servers = {}, []

    def postgres(major):
        return Oracle(installations[major], server_certificate, authority, client_certificates)

    def pgmoat():
        server = Postgres(installations[18], hba=ASKS_ALL, settings={"max_wal_senders": "10"})
        servers.append(server)
        server.query(ROLES)
        return PgmoatSubject(workspace, server, certificate, authority, client_certificates)

    def subject(name):
        if name not in running:
            running[name] = pgmoat() if name == "pgmoat" else postgres(int(name.split("-")[1]))
        return running[name]

    yield subject
    for each in [*running.values(), *servers]:
        each.stop()


def test_the_table_has_at_least_300_connections():
    assert sum(len(block.rows) for block in BLOCKS) >= 300
    assert all(block.rows for block in BLOCKS)


def each_subject(blocks):
    for name in SUBJECTS:
        for block in blocks:
            if name == "pgmoat" and not block.authority:
                continue  # rules that ask for certificates are an error at load: test_start_up.py
            if block.is_for(debian_major() if name == "postgresql-15" else 18):
                yield pytest.param(name, block, id=f"{name}: {block.id}")


@pytest.mark.parametrize("name, block", each_subject(BLOCKS))
def test_decides_as_the_table_says(subject_of, name, block):
    subject = subject_of(name)
    differences = []
    for row, (place, outcome) in zip(block.rows, subject.ask(block)):
        if outcome != row.expected.outcome:
            differences.append(f"{row.where}\n    {outcome} instead of {row.expected.outcome}")
        # PostgreSQL names no line if a client certificate is missing; pgmoat always names one.
        elif (place or name == "pgmoat") and (place or "") != row.expected.place:
            differences.append(f"{row.where}\n    by {place or 'no line'}")
    assert not differences, "\n".join(["", *differences])


@pytest.mark.parametrize("name, block", each_subject(BROKEN))
def test_says_of_a_broken_file_what_the_table_says(subject_of, name, block):
    def expected(subject):
        return {place: text.replace("$FOLDER", str(folder)).replace("$FILE", f"{folder}/{HBA}")
                for place, text in block.errors_for(subject).items()}

    subject = subject_of(name)
    folder = subject.folder
    logged, listed = subject.errors(block)
    if name == "pgmoat":
        check_output(block, logged, expected("pgmoat"), expected("view"))
        return
    assert logged == expected(name.removeprefix("postgresql-"))
    # The views leave out errors without a line, and values of clientcert and clientname.
    texts = [*expected("view").values(), *logged.values()]
    assert all(text in texts for text in listed.values()), listed


def check_output(block, output, *expectations):
    """pgmoat's text may be that of PostgreSQL's log or of its view."""
    if "any place" not in block.options:
        assert set(output) == set(expectations[0])
        expectations = [[texts[place] for place in output] for texts in expectations]
    else:
        expectations = [texts.values() for texts in expectations]
    for line, *texts in zip(output.values(), *expectations):
        assert any(text in line for text in texts), (line, texts)

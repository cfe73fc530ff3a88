"""`pgmoat check --explain` is held against real clients: configurations made by chance, both versions of libpq, each
sslmode, with and without a certificate, by name and by address. A cell that says what is not so fails.

PGMOAT_EXPLAIN_SEED and PGMOAT_EXPLAIN_CELLS ask for others and for more.

That it can fail was tried: each of these errors, planted in proxy/cli/sslmodes.cpp, was found by the 2,000 cells of
seed 1. The number is that of the cells that were wrong.

    a client without a name gets the first host's certificate      46
    prefer does not go on in plaintext                             52
    allow begins in TLS                                           103
    the address of the client is not looked at                    414
    the rules do not see the SNI                                   18
    no certificate has a problem                                   12
    the certificate's names are not compared                       48
    each client has a certificate to show                           4
    passed through, ssl = off of pgmoat counts                    156
    passed through, pgmoat's own certificate counts                13
"""

import os
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kit.certificates import openssl
from kit.environment import free_port, write_for_user
from kit.explained import CLIENT_ADDRESS, Generator, expected, tables
from kit.libpq_pool import LibpqPool
from kit.pgmoat import run_pgmoat

pytestmark = pytest.mark.once_a_run

SEED = int(os.environ.get("PGMOAT_EXPLAIN_SEED", "1"))
CELLS = int(os.environ.get("PGMOAT_EXPLAIN_CELLS", "2000"))
CELLS_PER_CONFIGURATION = 48
HBA = "local all all trust\nhost all postgres all trust\nhost all all all scram-sha-256\n"


@pytest.fixture(scope="module")
def certificates(authority, workspace):
    """{name: (certificate, key, what a client trusts that verifies it)}"""
    folder = workspace.folder("explain-certificates")
    both = "DNS:localhost,IP:127.0.0.1"
    leaves = {
        "good": authority.issue("good", alternative_names=both),
        "name-only": authority.issue("name-only"),
        "other-name": authority.issue("other-name", "db.example.com", "DNS:db.example.com"),
        "for-clients": authority.issue("for-clients", alternative_names=both, usage="clientAuth"),
    }
    made = {name: (leaf.certificate, leaf.key, authority.certificate) for name, leaf in leaves.items()}

    def request(name, *arguments):
        certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                "-subj", "/CN=localhost", *arguments, "-out", certificate)
        return certificate, key

    certificate, key = request("self-signed", "-x509", "-days", 30, "-addext", f"subjectAltName={both}",
                               "-addext", "basicConstraints=critical,CA:false")
    made["self-signed"] = (certificate, key, certificate)

    # The recipe of a well-known page: a CA and a leaf of one name, without extensions.
    root, root_key = request("namesake-root", "-x509", "-days", 30)
    signing_request, key = request("namesake-request")
    leaf = folder / "namesake.crt"
    openssl("x509", "-req", "-in", signing_request, "-days", 30, "-CA", root, "-CAkey", root_key, "-CAcreateserial",
            "-out", leaf)
    made["namesake"] = (leaf, key, root)

    signing_request, key = request("expired-request")
    leaf = folder / "expired.crt"
    extensions = folder / "extensions"
    extensions.write_text(f"subjectAltName={both}\n")
    database = folder / "database"
    database.mkdir()
    (database / "index").touch()
    configuration = folder / "ca.conf"
    configuration.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={database}/index\nnew_certs_dir={database}\n"
                             "default_md=sha256\npolicy=p\nrand_serial=yes\n[p]\ncommonName=supplied\n")
    openssl("ca", "-batch", "-config", configuration, "-cert", authority.certificate, "-keyfile", authority._key,
            "-in", signing_request, "-startdate", "20200101000000Z", "-enddate", "20210101000000Z", "-extfile",
            extensions, "-notext", "-out", leaf)
    made["expired"] = (leaf, key, authority.certificate)
    return made


@pytest.fixture(scope="module")
def installed(workspace, certificates):
    """The folder where pgmoat reads them."""
    folder = workspace.folder("explain-installed")
    for name, (certificate, key, _) in certificates.items():
        write_for_user(folder / f"{name}.crt", certificate.read_bytes())
        write_for_user(folder / f"{name}.key", key.read_bytes(), mode=0o600)
    return folder


@pytest.fixture(scope="module")
def client_certificates(authority):
    return {user: authority.issue(f"client-{user}", user, f"DNS:{user}") for user in ("app", "other")}


@pytest.fixture(scope="module")
def server(installations, server_certificate):
    from kit.postgres import PASSWORD, Postgres
    running = Postgres(installations[18], server_certificate, hba=HBA)
    running.query(f"SET password_encryption = 'scram-sha-256'; CREATE ROLE other LOGIN PASSWORD '{PASSWORD}'")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def pools(workspace, installations):
    made = {15: LibpqPool(workspace, 15), 18: LibpqPool(workspace, 18, installations[18].libraries)}
    yield made
    for pool in made.values():
        pool.stop()


class Subject:
    """A configuration with its pgmoat."""

    def __init__(self, start_pgmoat, workspace, configuration, authority, certificates):
        files = {**configuration.files, "ca.crt": authority.certificate.read_text()}
        self.workspace = workspace
        self.configuration = configuration
        self.certificates = certificates
        self.pgmoat = start_pgmoat(settings=configuration.settings, files=files)

    def check(self, *arguments):
        return run_pgmoat(self.workspace, "check", "--config", self.pgmoat.config_file, *arguments)

    def explained(self, user, host):
        code, out, err = self.check("--explain", "--user", user, "--database", "postgres", "--host", host,
                                    "--address", CLIENT_ADDRESS)
        assert code in (0, 4), err  # 4: an expired certificate, which is explained all the same
        return tables(out)[self.configuration.listener]

    def trusted_by_clients(self, host):
        """What a client has as sslrootcert that verifies the certificate of this host."""
        made = self.configuration
        if made.passthrough:
            return self.certificates["good"][2]  # the server's is of the same CA
        if "pg_hosts.conf" not in made.files:
            file = made.settings.get("ssl_cert_file")
            return self.certificates[file.stem][2] if file else None
        lines = dict(line.split()[:2] for line in made.files["pg_hosts.conf"].splitlines())
        name = host if host in lines else "*"
        if host == "127.0.0.1" and "/no_sni/" in lines:
            name = "/no_sni/"
        file = lines.get(name)
        return self.certificates[Path(file).stem][2] if file else None

    def keywords(self, cell, client_certificates):
        user, host, certificate, mode, _ = cell
        keywords = {"host": host, "hostaddr": "127.0.0.1", "port": self.configuration.port, "user": user,
                    "dbname": "postgres", "sslmode": mode, "gssencmode": "disable", "channel_binding": "disable"}
        if certificate:
            keywords |= {"sslcert": client_certificates[user].certificate, "sslkey": client_certificates[user].key}
        if mode.startswith("verify"):
            root = self.trusted_by_clients(host) or self.certificates["good"][2]
            keywords["sslrootcert"] = root
        return keywords


def seen(outcome):
    if not outcome.connected:
        return "refused"
    return "TLS" if outcome.tls else "plaintext"


def meant(subject, cell, said):
    """What a cell of the table comes to for this client: whether a server's certificate names the host is left to
    the reader where TLS is passed through."""
    _, host, _, mode, _ = cell
    if mode == "verify-full" and subject.configuration.passthrough:
        assert said.startswith("no") or said.endswith("and it names the host"), said
        if host != "localhost":
            return "refused"
    return expected(said)


def wrong_cells(subject, cells, pools, client_certificates):
    said = {}
    questions = sorted({(cell[0], cell[1]) for cell in cells})
    with ThreadPoolExecutor(2) as threads:
        for question, table in zip(questions, threads.map(lambda each: subject.explained(*each), questions)):
            said[question] = table

    def attempt(libpq):
        mine = [cell for cell in cells if cell[4] == libpq]
        keywords = [subject.keywords(cell, client_certificates) for cell in mine]
        return list(zip(mine, pools[libpq].connect_all(keywords)))

    with ThreadPoolExecutor(2) as threads:
        outcomes = [pair for pairs in threads.map(attempt, pools) for pair in pairs]
    wrong = []
    for cell, outcome in outcomes:
        user, host, certificate, mode, libpq = cell
        text = said[user, host][mode, certificate]
        if meant(subject, cell, text) != seen(outcome):
            wrong.append(f"user={user} host={host} certificate={certificate} sslmode={mode} libpq {libpq}\n"
                         f"    said: {text}\n    seen: {seen(outcome)} {outcome.tls} {outcome.error}")
    way = "passed through" if subject.configuration.passthrough else "terminated"
    return wrong, Counter((way, seen(outcome)) for _, outcome in outcomes)


def test_each_cell_of_explain_is_what_clients_meet(start_pgmoat, workspace, authority, certificates,
                                                   client_certificates, installed, server, pools):
    secure = f"sslmode=verify-full sslrootcert={authority.certificate}"
    upstreams = [f"host=localhost hostaddr=127.0.0.1 port={server.port} {tls}"
                 for tls in ("sslmode=disable", "sslmode=require", secure)]
    generator = Generator(SEED, free_port, upstreams, installed)
    counted, complaints, done = Counter(), [], 0
    while done < CELLS:
        subject = Subject(start_pgmoat, workspace, generator.next(), authority, certificates)
        cells = generator.cells(min(CELLS_PER_CONFIGURATION, CELLS - done))
        wrong, outcomes = wrong_cells(subject, cells, pools, client_certificates)
        subject.pgmoat.stop()
        counted += outcomes
        done += len(cells)
        if wrong:
            complaints.append(subject.configuration.text() + "\n".join(wrong))
    assert not complaints, f"{len(complaints)} configurations, seed {SEED}\n" + "\n\n".join(complaints)
    # A generator that only makes refusals would prove nothing.
    for outcome in ("TLS", "plaintext", "refused"):
        assert counted["terminated", outcome] > CELLS / 20, counted
        assert counted["passed through", outcome] > CELLS / 100, counted


# --- "has no effect" ------------------------------------------------------------------------------

OPTION_WITHOUT_EFFECT = re.compile(r'connection options? (.+) of "([\w.]+)" ha(?:s|ve) no effect')
SETTING_WITHOUT_EFFECT = re.compile(r'"?(\w+)"?(?: = \w+)? has no effect')


def without(settings, warning):
    """The settings without the one that a warning calls useless."""
    if found := OPTION_WITHOUT_EFFECT.search(warning):
        setting = found[2]
        options = "|".join(re.findall(r'"(\w+)"', found[1]))
        return {**settings, setting: re.sub(rf"\b(?:{options})=\S+ ?", "", settings[setting])}
    name = SETTING_WITHOUT_EFFECT.search(warning)[1]
    return {key: value for key, value in settings.items() if key != name}



@pytest.fixture
def meets(start_pgmoat, pools, workspace, client_certificates, authority, installed):
    """What clients meet at a pgmoat with these settings and rules, and what `check` warns of."""

    def ask(settings, files):
        pgmoat = start_pgmoat(settings=settings, files={**files, "ca.crt": authority.certificate.read_text()})
        code, out, err = run_pgmoat(workspace, "check", "--config", pgmoat.config_file)
        attempts = [{"host": "localhost", "hostaddr": "127.0.0.1", "port": pgmoat.port, "user": user,
                     "dbname": "postgres", "sslmode": mode, "gssencmode": "disable", "channel_binding": "disable"}
                    for user in ("app", "other") for mode in ("disable", "prefer", "require")]
        outcomes = [seen(outcome) for outcome in pools[18].connect_all(attempts)]
        pgmoat.stop()
        return outcomes, [line for line in (out + err).splitlines() if re.search("ha(s|ve) no effect", line)]

    return ask


def settings_with_useless_ones(server, other_root):
    plain = f"host=127.0.0.1 port={server.port}"
    demanding = f"host=localhost hostaddr=127.0.0.1 port={server.port} sslmode=verify-full sslrootcert={other_root}"
    passing = {"tls_mode": "passthrough"}
    return {
        "tls to the server where it passes through": ({**passing, "upstream": demanding}, {}, 1),
        "ssl where it passes through": ({**passing, "upstream": plain, "ssl": "on"}, {}, 1),
        "users of no endpoint": ({"upstream": plain, "http_users_file": "users"}, {"users": ""}, 1),
        "secrets of no console": ({"upstream": plain, "console_auth_file": "secrets"}, {"secrets": ""}, 1),
        "series of no endpoint": ({"upstream": plain, "connection_metrics_max": "5"}, {}, 1),
        # A rule leads there as well, where it is the only protection: no word of it.
        "an upstream of a rule and of a listener that passes through": (
            {"upstream": plain, "upstream.reports": demanding, "hba_file": "pg_hba.conf",
             "listener.raw": f"address=127.0.0.1 port={free_port()} tls_mode=passthrough upstream=reports hba_file=''"},
            {"pg_hba.conf": "host all app all scram-sha-256 upstream=reports\nhost all all all scram-sha-256\n"}, 0),
    }


@pytest.mark.parametrize("name", settings_with_useless_ones(type("Port", (), {"port": 1}), "x"))
def test_what_has_no_effect_has_none(meets, server, workspace, name):
    from kit.certificates import Authority
    other = Authority(workspace.folder("other-ca"), "Other CA").certificate
    settings, files, count = settings_with_useless_ones(server, other)[name]
    outcomes, warnings = meets(settings, files)
    assert len(warnings) == count, warnings
    for warning in warnings:
        assert meets(without(settings, warning), files)[0] == outcomes, warning
    if not warnings:  # removing what protects changes who gets in
        reports = {**settings, "upstream.reports": settings["upstream"]}
        assert meets(reports, files)[0] != outcomes

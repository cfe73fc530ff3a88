"""Each warning of `pgmoat check` is true: when its cause is removed, the warning disappears, and clients then get the
same result or another one, as the warning says.

All warnings are read from the source; a warning without a case here fails the test.
"""

import shutil
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from kit import s_client, scram, wire
from kit.certificates import Authority, Certificate, openssl
from kit.environment import USER as ACCOUNT, free_port, write_for_user
from kit.libpq_pool import LibpqPool
from kit.pgmoat import config_text, run_pgmoat
from kit.postgres import PASSWORD, SUPERUSER, USER
from kit.process import eventually
from kit.raw_client import RawClient
from kit.warning_texts import warning_texts

pytestmark = pytest.mark.once_a_run

SAME, OTHER = "the same", "something else"
KNOWS_ALL_GROUPS = s_client.knows_group("X25519MLKEM768")  # of the profiles: Debian 13 does, Debian 12 does not
OLD_TLS = "DEFAULT:@SECLEVEL=0"
OLD_OPENSSL = """openssl_conf = c
[c]
ssl_conf = s
[s]
system_default = d
[d]
CipherString = DEFAULT:@SECLEVEL=0
"""


@dataclass
class Case:
    """A configuration with a warning, and what is changed in it (None: removed)."""

    says: str  # part of the warning
    settings: dict
    without: dict
    outcome: str
    files: dict = field(default_factory=dict)
    files_without: dict = field(default_factory=dict)
    clients: object = None  # what they get, from a pgmoat; else libpq's with each sslmode
    check: tuple = ()       # options of the command
    old_openssl: bool = False  # as on a machine that allows short keys and SHA-1


class World:
    """What the cases use: servers, certificates and clients."""

    def __init__(self, workspace, authority, servers, pool):
        self.workspace = workspace
        self.authority = authority
        self.pool = pool
        self.folder = workspace.folder("warnings")
        self.plain = f"host=127.0.0.1 port={servers(18, tls=False).port} sslmode=disable"
        self.secure = f"host=127.0.0.1 port={servers(18, tls=True).port}"
        self.root = authority.certificate
        self.good = self.pair(authority.issue("warned-good"))
        self.client = authority.issue("warned-client", USER)
        self.old_openssl = {"OPENSSL_CONF": str(self.readable("openssl.cnf", OLD_OPENSSL))}
        self.with_old_openssl = ["setpriv", f"--reuid={ACCOUNT.pw_uid}", f"--regid={ACCOUNT.pw_gid}", "--clear-groups",
                                 "env", f"OPENSSL_CONF={self.folder / 'openssl.cnf'}"]

    def pair(self, leaf, *more):
        """Installs it; `more` follows it in its file. Returns the settings that name it."""
        name = leaf.certificate.stem
        leaf.install(self.folder, name)
        chain = b"".join(file.read_bytes() for file in (leaf.certificate, *more))
        write_for_user(self.folder / f"{name}.crt", chain)
        return {"ssl": "on", "ssl_cert_file": self.folder / f"{name}.crt", "ssl_key_file": self.folder / f"{name}.key"}

    def leaf(self, name, *options, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), issuer=None,
             names="DNS:localhost", days=30):
        """As Authority.issue, with more options. An issuer of False: self-signed."""
        issuer = self.authority if issuer is None else issuer
        signed = ("-CA", issuer.certificate, "-CAkey", issuer._key) if issuer else ()
        leaf = Certificate(self.folder / f"{name}-new.crt", self.folder / f"{name}-new.key")
        extensions = ("-addext", f"subjectAltName={names}") if names else ()
        openssl("req", "-x509", "-newkey", *key, "-nodes", "-keyout", leaf.key, "-days", days, "-subj", "/CN=localhost",
                *extensions, "-addext", "basicConstraints=critical,CA:false", *options, *signed,
                "-out", leaf.certificate)
        return leaf

    def authority_until(self, name, days):
        """A CA that expires in so many days; below zero, it has expired. And a client certificate of it."""
        folder = self.folder / name
        folder.mkdir()
        made = Authority(folder, name)
        until = datetime.now(timezone.utc) + timedelta(days=days)
        (folder / "index").touch()
        (folder / "conf").write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index\nnew_certs_dir={folder}\ndefault_md=sha256\npolicy=p\n"
            "rand_serial=yes\nx509_extensions=v3\n[v3]\nbasicConstraints=critical,CA:true\n[p]\ncommonName=supplied\n")
        openssl("req", "-new", "-key", made._key, "-subj", f"/CN={name}", "-out", folder / "request")
        openssl("ca", "-batch", "-selfsign", "-config", folder / "conf", "-keyfile", made._key, "-in",
                folder / "request", "-startdate", "20200101000000Z", "-enddate", until.strftime("%Y%m%d%H%M%SZ"),
                "-notext", "-out", made.certificate)
        return made, made.issue("client", USER)

    def readable(self, name, text, mode=0o644):
        write_for_user(self.folder / name, text, mode)
        return self.folder / name

    def libpq(self, users=(USER, SUPERUSER), modes=("disable", "prefer", "require"), host="localhost", **keywords):
        def meet(pgmoat):
            return [("refused" if not outcome.connected else "TLS" if outcome.tls else "plaintext")
                    for outcome in self.pool.connect_all([
                        {"host": host, "hostaddr": "127.0.0.1", "port": pgmoat.port, "user": user, "sslmode": mode,
                         "dbname": "postgres", "gssencmode": "disable", "channel_binding": "disable", **keywords}
                        for user in users for mode in modes])]
        return meet

    def certified(self, leaf=None, **keywords):
        """Clients that send a certificate."""
        leaf = leaf or self.client
        return self.libpq(users=(USER,), modes=("require",), sslcert=leaf.certificate, sslkey=leaf.key, **keywords)

    def verifying(self, **keywords):
        return self.libpq(modes=("verify-ca",), sslrootcert=self.root, **keywords)


@pytest.fixture(scope="module")
def world(workspace, authority, servers):
    pool = LibpqPool(workspace, 15)  # the system's, with its OpenSSL's security level
    yield World(workspace, authority, servers, pool)
    pool.stop()


def handshake(*options):
    return lambda pgmoat: bool(s_client.shake_hands(pgmoat.port, *options).cipher)


def names_host(world):
    """A client that checks only alternative names, as Go's and Rust's do."""
    def meet(pgmoat):
        context = ssl.create_default_context(cafile=world.root)
        context.hostname_checks_common_name = False
        with RawClient(pgmoat.port) as client:
            client.send(wire.SSL_REQUEST).receive(1)
            try:
                context.wrap_socket(client.socket, server_hostname="localhost").close()
                return True
            except ssl.SSLCertVerificationError as error:
                assert "ostname mismatch" in str(error), error
                return False
    return meet


def status_page(port, scheme="http"):
    """Who can see the page: a client without a password, and an eavesdropper."""
    def meet(_):
        context = ssl._create_unverified_context() if scheme == "https" else None
        try:
            urllib.request.urlopen(f"{scheme}://127.0.0.1:{port}/", timeout=10, context=context).close()
            return scheme, 200
        except urllib.error.HTTPError as error:
            return scheme, error.code
    return meet


def console_login(world):
    return world.libpq(users=(USER,), modes=("disable",), dbname="pgmoat")


def renewal(world):
    """Whether a renewed pair is used without a reload. Its key has a passphrase."""
    def meet(pgmoat):
        def shown():
            with RawClient(pgmoat.port) as client:
                return client.start_tls().socket.getpeercert(binary_form=True)

        was = shown()
        leaf = world.leaf("renewed", key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
        locked = world.folder / "renewed-locked.key"
        openssl("ec", "-in", leaf.key, "-aes256", "-passout", "pass:letmein", "-out", locked)
        position = pgmoat.process.log_position()
        write_for_user(pgmoat.settings["ssl_key_file"], locked.read_bytes(), mode=0o600)
        write_for_user(pgmoat.settings["ssl_cert_file"], leaf.certificate.read_bytes())
        eventually(lambda: [line for words in ("were loaded", "was not reloaded")
                            for line in pgmoat.process.log_lines(words, since=position)], "what came of the new pair")
        return shown() != was
    return meet


def rules(*lines):
    return {"pg_hba.conf": "\n".join(lines) + "\n"}


def tls_cases(world):
    ca = {"ssl_ca_file": world.root}
    open_cipher = {"ssl_ciphers": "HIGH:aNULL:@SECLEVEL=0"}
    old, old_client = world.authority_until("Ended CA", -1)
    short = world.leaf("short", key=("rsa:1024",))
    sha1 = world.leaf("sha1", "-sha1")
    intermediate_folder = world.folder / "intermediate"
    intermediate_folder.mkdir()
    intermediate = Authority(intermediate_folder, "Intermediate", issuer=world.authority)
    below = world.leaf("below", issuer=intermediate)
    stranger_folder = world.folder / "stranger"
    stranger_folder.mkdir()
    stranger = Authority(stranger_folder, "Stranger")
    expired_list, good_list = world.folder / "old.crl", world.folder / "new.crl"
    world.authority.revoke(None, expired_list, expired=True)
    world.authority.revoke(None, good_list)
    locked = world.leaf("locked")
    openssl("ec", "-in", locked.key, "-aes256", "-passout", "pass:letmein", "-out", world.folder / "locked-new.key")
    locked_key = world.readable("locked.key", (world.folder / "locked-new.key").read_text(), 0o600)
    asks = {"hba_file": "pg_hba.conf"}
    asks_files = rules("hostssl all all all scram-sha-256 clientcert=verify-ca")

    yield Case(".crt\" expires soon: ", world.pair(world.leaf("soon", days=10)), world.good, SAME,
               clients=world.verifying())
    soon, soon_client = world.authority_until("Short CA", 10)
    yield Case("to expire, expires soon: ",
               {**world.good, **asks, "ssl_ca_file": world.readable("soon-ca.crt", soon.certificate.read_text())}, ca,
               SAME, asks_files, clients=lambda pgmoat: world.certified(
                   world.client if pgmoat.settings["ssl_ca_file"] == world.root else soon_client)(pgmoat))
    if not KNOWS_ALL_GROUPS:
        yield Case("this version of OpenSSL does not know", {**world.good, "ssl_profile": "modern"},
                   {"ssl_groups": "X25519:prime256v1"}, SAME)
    yield Case("signed with SHA-1 or MD5", {**world.pair(sha1), "ssl_ciphers": OLD_TLS}, world.good, OTHER,
               clients=world.verifying(), old_openssl=True)
    yield Case("RSA key of only 1024 bits", {**world.pair(short), "ssl_ciphers": OLD_TLS}, world.good, OTHER,
               clients=world.verifying(), old_openssl=True)
    yield Case("no subjectAltName", world.pair(world.leaf("nameless", names=None)), world.good, OTHER,
               clients=names_host(world))
    yield Case("may not find the way to their root", world.pair(below, stranger.certificate),
               world.pair(world.leaf("below2", issuer=intermediate), intermediate.certificate), OTHER,
               clients=world.verifying())
    yield Case("versions below TLSv1.2 are broken",
               {**world.good, "ssl_min_protocol_version": "TLSv1.1", "ssl_ciphers": OLD_TLS},
               {"ssl_min_protocol_version": "TLSv1.2"}, OTHER,
               clients=handshake("-tls1_1", "-cipher", OLD_TLS))
    yield Case("ciphers without encryption or authentication", {**world.good, **open_cipher},
               {"ssl_ciphers": "HIGH:!aNULL:@SECLEVEL=0"}, OTHER,
               clients=handshake("-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"))
    yield Case("which is not a CA certificate: it can verify only itself",
               {**world.good, **asks, "ssl_ca_file": world.authority.issue("leaf-as-ca").certificate}, ca, OTHER,
               asks_files, clients=world.certified())
    yield Case("client certificates that it has issued are refused",
               {**world.good, **asks, "ssl_ca_file": world.readable("old-ca.crt", old.certificate.read_text())}, ca,
               OTHER, asks_files, clients=lambda pgmoat: world.certified(
                   world.client if pgmoat.settings["ssl_ca_file"] == world.root else old_client)(pgmoat))
    yield Case("every client certificate of this CA is refused",
               {**world.good, **ca, **asks, "ssl_crl_file": world.readable("old.crl", expired_list.read_text())},
               {"ssl_crl_file": world.readable("new.crl", good_list.read_text())}, OTHER, asks_files,
               clients=world.certified())
    yield Case("cannot load a private key with a passphrase",
               {"ssl": "on", "ssl_cert_file": world.readable("locked.crt", locked.certificate.read_text()),
                "ssl_key_file": locked_key, "ssl_watch": "on",
                "ssl_passphrase_command": "echo letmein"}, {"ssl_passphrase_command_supports_reload": "on"}, OTHER,
               clients=renewal(world))
    hosts = f"localhost {world.good['ssl_cert_file']} {world.good['ssl_key_file']} {world.root}\n"
    other = f"db.example.com {world.good['ssl_cert_file']} {world.good['ssl_key_file']}"
    yield Case("client certificates are asked for at some host names only", {"ssl": "on", "ssl_sni": "on", **asks}, {},
               OTHER, {**asks_files, "pg_hosts.conf": hosts + other + "\n"},
               {"pg_hosts.conf": hosts + other + f" {world.root}\n"}, world.certified(host="db.example.com"))
    yield Case("no certificate for host name", {"ssl": "on", "ssl_sni": "on", "hba_file": "pg_hba.conf"}, {}, SAME,
               {"pg_hosts.conf": hosts,
                **rules("host all all all trust sni=a.example", "host all all all scram-sha-256")},
               rules("host all all all scram-sha-256"),
               lambda pgmoat: [world.libpq(host=host)(pgmoat) for host in ("localhost", "a.example")])


def scram_cases(world):
    bound = world.leaf("bound")
    unbound = world.leaf("unbound", key=("ed25519",), issuer=False)
    servers = [world.start_postgres(certificate=leaf) for leaf in (unbound, bound)]
    yield Case("has no digest", *({**world.pair(leaf), "upstream": f"host=127.0.0.1 port={server.port} sslmode=require"}
                                  for leaf, server in zip((unbound, bound), servers)), OTHER,
               clients=world.libpq(users=(USER,), channel_binding="prefer"))
    binding = {"channel_binding": "prefer", "users": (USER,)}
    yield Case("only if that server shows the same certificate as pgmoat",
               {**world.good, "upstream": world.secure + " sslmode=require"},
               {"upstream": world.secure + " sslmode=disable"}, OTHER, clients=world.libpq(**binding))
    yield Case("TLS is used on both legs", {**world.good, "upstream": world.secure + " sslmode=require"},
               {"upstream": world.secure + " sslmode=disable"}, SAME,
               clients=world.libpq(users=(USER,)))  # channel_binding=disable, as it says


def rule_cases(world):
    hba = {"hba_file": "pg_hba.conf"}
    tls = {**world.good, **hba}
    rest = "host all all all scram-sha-256"
    for says, settings, rule in (
            ("hostssl record cannot match", hba, "hostssl all all all reject"),
            ("hostgssenc record cannot match", hba, "hostgssenc all all all reject"),
            ('record with "sni" cannot match', hba, "host all all all reject sni=localhost")):
        yield Case(says, settings, {}, SAME, rules(rule, rest), rules(rest))
    yield Case("matches all that it would", tls, {}, SAME,
               rules(rest, f"host all {SUPERUSER} 127.0.0.1/32 trust"), rules(rest))
    yield Case("skipping missing authentication file", tls, {}, SAME,
               rules("include_if_exists gone.conf", rest), rules(rest))
    yield Case("trust lets connections in from", tls, {}, OTHER, rules("host all all all trust"),
               rules("hostssl all all all trust"))
    yield Case('method "ident" cannot be checked through a proxy', tls, {}, OTHER, rules("host all all all ident"),
               rules("hostssl all all all trust"))
    yield Case("cannot be enforced where TLS is passed through",
               {**hba, "upstream": world.secure, "tls_mode": "passthrough"}, {"tls_mode": "terminate", **world.good,
                                                                              "upstream": world.plain}, OTHER,
               rules(rest))
    yield Case("Clients that it asks for no more than that will be refused", tls, {}, OTHER, rules(rest),
               rules("host all all 127.0.0.0/8 trust"), check=("--probe",))


def setting_cases(world):
    port = free_port()
    secrets = world.readable("secrets", f'"{USER}" "{scram.secret(PASSWORD)}"\n')
    (world.folder / "secrets").chmod(0o600)
    dry = {"dry.conf": "host all all all scram-sha-256\n"}
    yield Case("has no effect in pgmoat", {"shared_buffers": "1GB"}, {"shared_buffers": None}, SAME)
    yield Case('"hba_audit_file" in file', {"hba_audit_file": "dry.conf"},
               {"hba_audit_file": None, "hba_dry_run_file": "dry.conf"}, SAME, dry)
    yield Case('listener option "hba_audit_file" is deprecated',
               {"listener.x": f"address=127.0.0.1 port={port} hba_audit_file=dry.conf"},
               {"listener.x": f"address=127.0.0.1 port={port} hba_dry_run_file=dry.conf"}, SAME, dry)
    yield Case("replaces its value", {"include": "more.conf", "ssl": "on", **world.good}, {"include": None}, SAME,
               {"more.conf": "ssl = off\n"})
    yield Case("ssl = on has no effect", {"tls_mode": "passthrough", **world.good}, {"ssl": None}, SAME)
    yield Case("only listeners with tls_mode=passthrough use it",
               {"tls_mode": "passthrough", "upstream": f"{world.secure} sslmode=verify-full sslrootcert={world.root}"},
               {"upstream": world.secure}, SAME)
    yield Case("ssl is off", {}, world.good, OTHER)
    yield Case("does not protect the connection to the server",
               {**world.good, "upstream": world.plain.replace("disable", "prefer")},
               {"upstream": world.plain.replace("disable", "require")}, OTHER)
    yield Case("has no effect on connections whose TLS passes through",
               {"tls_mode": "passthrough", "upstream": world.secure + " client_facts=settings"},
               {"upstream": world.secure}, SAME)
    yield Case(": auth_query fails: ", {"auth_query_conninfo": "user=nobody_such dbname=postgres"},
               {"auth_query_conninfo": None}, SAME)
    yield Case("asks Patroni without TLS", {"health": "patroni=http://patroni.invalid:8008"}, {"health": None}, SAME)
    two = " ".join((world.plain, world.secure)).split()  # two primaries
    hosts = f"host=127.0.0.1,127.0.0.1 port={two[1][5:]},{two[-1][5:]} sslmode=disable"
    yield Case("fails on a host of another role", {"upstream": hosts + " target_session_attrs=standby"},
               {"upstream": hosts}, OTHER, clients=world.libpq(users=(USER,), modes=("disable",)))
    yield Case("is not used by any listener", {"upstream.spare": world.secure + " sslmode=disable"},
               {"upstream.spare": None}, SAME)
    yield Case("there are no access rules for", {"listen_addresses": "*"}, {"hba_file": "pg_hba.conf"}, OTHER,
               files_without=rules("host all all all reject"))
    yield Case("and cannot log in", {"console_users": USER}, {"console_auth_file": secrets}, OTHER,
               clients=console_login(world))
    yield Case('"console_auth_file" has no effect', {"console_auth_file": secrets}, {"console_auth_file": None}, SAME)
    nobody = f"host=127.0.0.1 port={free_port()} sslmode=disable"
    yield Case("cannot be reached", {"upstream": nobody, "hba_file": "pg_hba.conf"}, {"upstream": world.plain}, OTHER,
               rules("host all all all scram-sha-256"), check=("--probe",))
    for name, value in (("http_users_file", world.readable("nobody", "")), ("connection_metrics_max", 5)):
        yield Case(f'"{name}" has no effect without "http_listen"', {name: value}, {name: None}, SAME)


def http_cases(world):
    port = free_port()
    made = subprocess.run([world.workspace.pgmoat, "http-user", "reader"], input="secret\n", capture_output=True,
                          text=True, check=True, timeout=30)
    users = world.readable("http-users", made.stdout)
    at = {"http_listen": f"*:{port}"}
    secret = scram.secret(PASSWORD)
    yield Case("lines of the form user:secret are deprecated",
               {**at, "http_users_file": world.readable("old-users", f"reader:{secret}\n")},
               {"http_users_file": world.readable("new-users", f'"reader" "{secret}"\n')}, SAME,
               clients=status_page(port))
    tls = {"http_tls_cert_file": world.good["ssl_cert_file"], "http_tls_key_file": world.good["ssl_key_file"]}
    yield Case("without TLS (http_tls_cert_file) and without passwords", at, {"http_users_file": users}, OTHER,
               clients=status_page(port))
    yield Case("without passwords (http_users_file)", {**at, **tls}, {"http_users_file": users}, OTHER,
               clients=status_page(port, "https"))
    # A plaintext password can be read: with TLS the page answers no plaintext client.
    yield Case("passwords can be read on the way", {**at, "http_users_file": users}, tls, OTHER,
               clients=in_the_clear(port))


def in_the_clear(port):
    def meet(_):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return plain.recv(100)[:5] == b"HTTP/"
    return meet


# --- held in another way ---------------------------------------------------------------------------

def test_root_may_read_more_in_a_check_than_the_service(workspace, certificate, start_pgmoat, postgres):
    says = "checked as root, but pgmoat does not run as root"
    folder = workspace.folder("as-root")
    certificate.install(folder)
    key = folder / "server.key"
    key.chmod(0o640)
    shutil.chown(key, "root", "root")
    settings = {"port": free_port(), "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "ssl": "on",
                "ssl_cert_file": folder / "server.crt", "ssl_key_file": key}
    write_for_user(folder / "pgmoat.conf", config_text(settings))
    code, _, error = run_pgmoat(workspace, "check", "--config", folder / "pgmoat.conf", as_user=False)
    assert code == 0 and says in error
    code, _, error = run_pgmoat(workspace, "check", "--config", folder / "pgmoat.conf")  # as the service could
    assert code == 4 and says not in error, error
    write_for_user(folder / "pgmoat.conf", config_text({**settings, "user": ACCOUNT.pw_name}))
    code, _, error = run_pgmoat(workspace, "check", "--config", folder / "pgmoat.conf", as_user=False)
    assert says not in error


# {the beginning of the text: (the test file, what it looks for)}
HELD_ELSEWHERE = {
    "checked as root, but pgmoat does not run as root": ("test_warnings.py", "checked as root, but pgmoat does not"),
    ' has no SCRAM secret of user "': ("test_scram_bridge.py", 'has no SCRAM secret of user "nobody" of auth_file'),
    '" in auth_file is stale: ': ("test_scram_bridge.py", "in auth_file is stale: upstream"),
    "the limit of open files allows only ": ("test_start_up.py", "allows only 1 connection, fewer than max_conn"),
}


# --- all ------------------------------------------------------------------------------------------

def what_is_met(world, start_pgmoat, case, settings, files):
    """The results of clients, and the warnings of `check`."""
    with_openssl = {"names": lambda folder: world.with_old_openssl} if case.old_openssl else {}
    pgmoat = start_pgmoat(settings={"upstream": world.plain, **settings}, files=files, **with_openssl)
    code, out, err = run_pgmoat(world.workspace, "check", *case.check, "--config", pgmoat.config_file,
                                environment=world.old_openssl if case.old_openssl else {})
    assert code in (0, 4), err  # 4: a warning with an error beside it
    met = (case.clients or world.libpq())(pgmoat)
    pgmoat.stop()
    return met, (out + err).splitlines()


def complaint_about(world, start_pgmoat, case):
    """(what is wrong with the case, the lines with its warnings)"""
    before, warnings = what_is_met(world, start_pgmoat, case, case.settings, case.files)
    said = [line for line in warnings if case.says in line]
    if not said:
        return f"{case.says}: not said, but\n" + "\n".join(warnings), []
    changed = {name: value for name, value in {**case.settings, **case.without}.items() if value is not None}
    after, left = what_is_met(world, start_pgmoat, case, changed, {**case.files, **case.files_without})
    if still := [line for line in left if case.says in line]:
        return f"{case.says}: still said: {still}", said
    if (before == after) != (case.outcome == SAME):
        return f"{case.says}: {before}, then {after}, which is not {case.outcome}", said
    return "", said


# Texts that cannot come up here.
NEVER_SAID = ("ssl_profile: this version of OpenSSL does not know ",) if KNOWS_ALL_GROUPS else ()


def test_each_warning_is_true(world, start_pgmoat, start_postgres):
    world.start_postgres = start_postgres
    complaints, made = [], []
    for group in (setting_cases, rule_cases, tls_cases, scram_cases, http_cases):
        for case in group(world):
            try:
                complaint, said = complaint_about(world, start_pgmoat, case)
            except AssertionError as error:
                complaint, said = f"{case.says}: {error}", []
            complaints += [complaint] if complaint else []
            made += said
    for file, words in HELD_ELSEWHERE.values():
        assert words in (Path(__file__).parent / file).read_text(), words
    without_case = {text: where for text, where in warning_texts().items()
                    if not any(text in line for line in made) and not text.startswith((*HELD_ELSEWHERE, *NEVER_SAID))}
    assert not complaints and not without_case, "\n\n".join(complaints) + f"\nwithout a case: {without_case}"

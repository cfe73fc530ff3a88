"""The contestants and their configurations: equal where they can be equal.

All run as the same unprivileged user on one loopback port each, with one worker thread or process,
the same ECDSA P-256 certificate, the same backend, no line of log per connection, and otherwise
their defaults. What differs by nature is said in README.md.
"""

import dataclasses
import os
import re
import shutil
import subprocess

from . import postgres, processes

TERMINATED = "terminated"
REENCRYPTED = "re-encrypted"  # TLS on both legs
PASSED = "passed through"
SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin"


@dataclasses.dataclass
class Site:
    """What a configuration needs to know of its surroundings."""

    folder: str
    certificate: str
    key: str
    connections_max: int
    pgmoat: str
    pgmoat_relay_threads: int
    before: str | None  # another build of pgmoat
    binaries: dict  # program -> path, instead of the installed one


@dataclasses.dataclass
class Peer:
    name: str  # unique, as on the command line
    title: str
    mode: str
    program: str = ""  # none: the load goes to the backend itself
    package: str = ""
    version_arguments: tuple = ()
    configure: object = None  # (site, port, backend port, folder) -> arguments
    idle_connections_max: int = 10000
    is_before: bool = False
    only_where_named: bool = False  # takes no part in a scenario that does not name it

    def binary(self, site):
        if self.program == "pgmoat":
            binary = site.before if self.is_before else site.pgmoat
        else:
            binary = site.binaries.get(self.program)
        return shutil.which(binary or self.program, path=SEARCH_PATH)

    def version(self, site):
        shown = subprocess.run(
            [self.binary(site), *self.version_arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        ).stdout
        found = re.search(r"(?:version|stunnel|pgmoat|PgBouncer)\D{0,12}(\d+\.\d+[\w.+~-]*)", shown, re.I)
        return found.group(1) if found else "unknown"

    def start(self, site, backend_port):
        folder = os.path.join(site.folder, f"{self.name}-{backend_port}")
        os.makedirs(folder, exist_ok=True)
        account = processes.unprivileged_account()
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
        port = processes.free_port()
        command = [self.binary(site), *self.configure(site, port, backend_port, folder)]
        return processes.Server(self.title, command, port, os.path.join(folder, "output"))


def _write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def _write_secret(folder, name, text):
    """For the proxy's eyes only, or it refuses the file."""
    path = _write(folder, name, text)
    os.chmod(path, 0o600)
    account = processes.unprivileged_account()
    if account:
        os.chown(path, account.pw_uid, account.pw_gid)
    return path


def _pgmoat(mode, login=None, more=""):
    def configure(site, port, backend_port, folder):
        tls, server_tls = "", ""
        if mode != PASSED:
            tls = f"ssl = on\nssl_cert_file = '{site.certificate}'\nssl_key_file = '{site.key}'\n"
            server_tls = " sslmode=" + ("require" if mode == REENCRYPTED else "disable")
        scram = f"login = {login}\n" if login else ""
        if login == "bridge":
            scram += f"auth_file = '{_write_secret(folder, 'userlist.txt', postgres.USERLIST)}'\n"
        path = _write(folder, "pgmoat.conf", f"""
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
tls_mode = {'passthrough' if mode == PASSED else 'terminate'}
{tls}{scram}upstream = 'host=127.0.0.1 port={backend_port}{server_tls}'
max_connections = {site.connections_max}
relay_threads = {site.pgmoat_relay_threads}
log_connections = off
log_disconnections = off
{more}
""")
        return ["--config", path]

    return configure


def _pgbouncer(server_tls, scram=False, pooled=True):
    def configure(site, port, backend_port, folder):
        # With SCRAM the client's own user logs in to the server, with the keys that its login has shown.
        user, authentication = " user=bench", "auth_type = any"
        if scram:
            userlist = _write_secret(folder, "userlist.txt", postgres.USERLIST)
            user, authentication = "", f"auth_type = scram-sha-256\nauth_file = {userlist}"
        path = _write(folder, "pgbouncer.ini", f"""
[databases]
bench = host=127.0.0.1 port={backend_port}{user}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
{authentication}
pool_mode = session
max_client_conn = {site.connections_max}
default_pool_size = {site.connections_max}
client_tls_sslmode = require
client_tls_cert_file = {site.certificate}
client_tls_key_file = {site.key}
server_tls_sslmode = {server_tls}
{'' if pooled else 'server_lifetime = 0'}
log_connections = 0
log_disconnections = 0
""")
        return [path]

    return configure


def _stream_module(binary):
    """Debian's nginx loads the stream module from a file; one built from source may have it built in."""
    shown = subprocess.run([binary, "-V"], stderr=subprocess.PIPE, text=True, check=False).stderr
    if "--with-stream=dynamic" not in shown:
        return ""
    folder = re.search(r"--modules-path=(\S+)", shown)
    return f"load_module {folder.group(1) if folder else 'modules'}/ngx_stream_module.so;"


def _nginx(site, port, backend_port, folder):
    # ssl_certificate is not needed: the stream passes through.
    module = _stream_module(site.binaries.get("nginx") or shutil.which("nginx", path=SEARCH_PATH))
    path = _write(folder, "nginx.conf", f"""
{module}
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log stderr;
events {{ worker_connections {2 * site.connections_max}; }}
stream {{
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    proxy_pass 127.0.0.1:{backend_port};
  }}
}}
""")
    return ["-e", "stderr", "-c", path, "-p", folder]


def _haproxy(site, port, backend_port, folder):
    path = _write(folder, "haproxy.cfg", f"""
global
  nbthread 1
  maxconn {site.connections_max}
defaults
  mode tcp
  timeout connect 5s
  timeout client 10m
  timeout server 10m
listen bench
  bind 127.0.0.1:{port} backlog 4096
  server backend 127.0.0.1:{backend_port}
""")
    return ["-f", path, "-db"]


def _stunnel(site, port, backend_port, folder):
    path = _write(folder, "stunnel.conf", f"""
foreground = yes
pid =
debug = err
[bench]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{backend_port}
protocol = pgsql
cert = {site.certificate}
key = {site.key}
""")
    return [path]


def _pgmoats(mode, name, title="pgmoat", login=None):
    package, named = "give it with --before", bool(login)
    return [Peer(f"pgmoat-{name}", title, mode, "pgmoat", "this tree", ("--version",), _pgmoat(mode, login),
                 only_where_named=named),
            Peer(f"pgmoat-{name}-before", f"{title} before", mode, "pgmoat", package, ("--version",), _pgmoat(mode, login),
                 is_before=True, only_where_named=named)]


ALL = [
    *_pgmoats(TERMINATED, "terminate"),
    Peer("pgmoat-spin", "pgmoat, relay_spin = 100us", TERMINATED, "pgmoat", "this tree", ("--version",),
         _pgmoat(TERMINATED, more="relay_spin = 100us"), only_where_named=True),
    Peer("pgbouncer", "PgBouncer", TERMINATED, "pgbouncer", "pgbouncer", ("--version",), _pgbouncer("disable")),
    Peer("stunnel", "stunnel", TERMINATED, "stunnel4", "stunnel4", ("-version",), _stunnel,
         idle_connections_max=2000),  # a thread per connection: more takes minutes to set up
    *_pgmoats(REENCRYPTED, "reencrypt"),
    Peer("pgbouncer-reencrypt", "PgBouncer", REENCRYPTED, "pgbouncer", "pgbouncer", ("--version",),
         _pgbouncer("require")),
    *_pgmoats(REENCRYPTED, "bridge", "pgmoat, bridged", "bridge"),
    *_pgmoats(REENCRYPTED, "relay", "pgmoat, relayed", "relay"),
    Peer("pgbouncer-scram", "PgBouncer", REENCRYPTED, "pgbouncer", "pgbouncer", ("--version",),
         _pgbouncer("require", scram=True), only_where_named=True),
    Peer("pgbouncer-scram-unpooled", "PgBouncer, a server login each", REENCRYPTED, "pgbouncer", "pgbouncer",
         ("--version",), _pgbouncer("require", scram=True, pooled=False), only_where_named=True),
    *_pgmoats(PASSED, "passthrough"),
    Peer("nginx", "nginx stream", PASSED, "nginx", "nginx libnginx-mod-stream", ("-v",), _nginx),
    Peer("haproxy", "HAProxy", PASSED, "haproxy", "haproxy", ("-v",), _haproxy),
]
PROGRAMS = sorted({peer.program for peer in ALL} - {"pgmoat"})
DIRECT = Peer("direct", "no proxy", "direct")
# The stub backend with nobody in front of it does no more than OpenSSL and accept() make it do.
ACCEPT_LOOP = Peer("accept-loop", "OpenSSL and accept()", TERMINATED)

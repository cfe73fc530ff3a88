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

from . import processes

TERMINATED = "terminated"
PASSED = "passed through"
BEFORE = "pgmoat-before"
SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin"


@dataclasses.dataclass
class Site:
    """What a configuration needs to know of its surroundings."""

    folder: str
    backend_port: int
    certificate: str
    key: str
    connections_max: int
    pgmoat: str
    pgmoat_relay_threads: int
    before: str | None = None  # another build of pgmoat


@dataclasses.dataclass
class Peer:
    name: str  # unique, as on the command line
    title: str
    mode: str
    program: str
    package: str
    version_arguments: list
    configure: object  # (site, port, folder) -> command
    idle_connections_max: int = 10000

    def binary(self, site):
        if self.program == "pgmoat":
            binary = site.before if self.name == BEFORE else site.pgmoat
            return binary if binary and os.access(binary, os.X_OK) else None
        return shutil.which(self.program, path=SEARCH_PATH)

    def version(self, site):
        shown = subprocess.run(
            [self.binary(site), *self.version_arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        ).stdout
        found = re.search(r"(?:version|stunnel|pgmoat|PgBouncer)\D{0,12}(\d+\.\d+[\w.+~-]*)", shown, re.I)
        return found.group(1) if found else "unknown"

    def start(self, site):
        folder = os.path.join(site.folder, self.name)
        os.makedirs(folder, exist_ok=True)
        account = processes.unprivileged_account()
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
        port = processes.free_port()
        command = [self.binary(site), *self.configure(site, port, folder)]
        return processes.Server(self.title, command, port, os.path.join(folder, "output"))


def _write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def _pgmoat(mode):
    def configure(site, port, folder):
        tls, server_tls = "", ""
        if mode == "terminate":
            tls = f"ssl = on\nssl_cert_file = '{site.certificate}'\nssl_key_file = '{site.key}'\n"
            server_tls = " sslmode=disable"
        path = _write(folder, "pgmoat.conf", f"""
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
tls_mode = {mode}
{tls}upstream = 'host=127.0.0.1 port={site.backend_port}{server_tls}'
max_connections = {site.connections_max}
relay_threads = {site.pgmoat_relay_threads}
log_connections = off
log_disconnections = off
""")
        return ["--config", path]

    return configure


def _pgbouncer(site, port, folder):
    path = _write(folder, "pgbouncer.ini", f"""
[databases]
bench = host=127.0.0.1 port={site.backend_port} user=bench

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = session
max_client_conn = {site.connections_max}
default_pool_size = {site.connections_max}
client_tls_sslmode = require
client_tls_cert_file = {site.certificate}
client_tls_key_file = {site.key}
server_tls_sslmode = disable
log_connections = 0
log_disconnections = 0
""")
    return [path]


def _nginx(site, port, folder):
    # ssl_certificate is not needed: the stream passes through.
    path = _write(folder, "nginx.conf", f"""
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log stderr;
events {{ worker_connections {2 * site.connections_max}; }}
stream {{
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    proxy_pass 127.0.0.1:{site.backend_port};
  }}
}}
""")
    return ["-e", "stderr", "-c", path, "-p", folder]


def _haproxy(site, port, folder):
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
  server backend 127.0.0.1:{site.backend_port}
""")
    return ["-f", path, "-db"]


def _stunnel(site, port, folder):
    path = _write(folder, "stunnel.conf", f"""
foreground = yes
pid =
debug = err
[bench]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{site.backend_port}
protocol = pgsql
cert = {site.certificate}
key = {site.key}
""")
    return [path]


ALL = [
    Peer("pgmoat-terminate", "pgmoat", TERMINATED, "pgmoat", "this tree", ["--version"],
         _pgmoat("terminate")),
    Peer(BEFORE, "pgmoat before", TERMINATED, "pgmoat", "give it with --before", ["--version"],
         _pgmoat("terminate")),
    Peer("pgbouncer", "PgBouncer", TERMINATED, "pgbouncer", "pgbouncer", ["--version"], _pgbouncer),
    Peer("stunnel", "stunnel", TERMINATED, "stunnel4", "stunnel4", ["-version"], _stunnel,
         idle_connections_max=2000),  # a thread per connection: more takes minutes to set up
    Peer("pgmoat-passthrough", "pgmoat", PASSED, "pgmoat", "this tree", ["--version"],
         _pgmoat("passthrough")),
    Peer("nginx", "nginx stream", PASSED, "nginx", "nginx libnginx-mod-stream", ["-v"], _nginx),
    Peer("haproxy", "HAProxy", PASSED, "haproxy", "haproxy", ["-v"], _haproxy),
]

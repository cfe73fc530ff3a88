"""A real PostgreSQL for what a stub cannot show: how it writes results, and what pgbench sees."""

import base64
import glob
import hashlib
import hmac
import os
import re
import subprocess

from . import processes


def newest():
    """The folder of the newest installed server's programs; None: there is none."""
    found = glob.glob("/usr/lib/postgresql/*/bin/postgres")
    found.sort(key=lambda path: int(re.search(r"/(\d+)/", path).group(1)))
    return os.path.dirname(found[-1]) if found else None


# Who logs in with a password, and its secret as PostgreSQL keeps it: pgmoat and PgBouncer have the same one. Of a
# server that lives for one measurement, on loopback.
SCRAM_USER, SCRAM_PASSWORD = "scram", "bench"


def _scram_secret(password, salt=b"pgmoat-bench-scr", iterations=4096):
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt, stored, server = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${iterations}:{salt}${stored}:{server}"


SCRAM_SECRET = _scram_secret(SCRAM_PASSWORD)
USERLIST = f'"{SCRAM_USER}" "{SCRAM_SECRET}"\n'


class Postgres:
    USER = DATABASE = "bench"

    def __init__(self, folder, programs, certificate, key):
        self._programs = programs
        self.tls = "as libpq negotiates"
        self.folder = os.path.join(folder, "postgres")
        self.port = processes.free_port()
        os.makedirs(self.folder)
        self._own(self.folder)
        data = os.path.join(self.folder, "data")
        # No password for most: what is measured begins after the login.
        self._run(self.tool("initdb"), "-D", data, "-U", self.USER, "-A", "trust", "-N", "--no-instructions")
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off",
                    "ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": key, "max_connections": 100}
        with open(os.path.join(data, "postgresql.conf"), "a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        with open(os.path.join(data, "pg_hba.conf"), "w") as file:
            file.write(f"host all {SCRAM_USER} all scram-sha-256\nhost all all all trust\n")
        self.server = processes.Server("PostgreSQL", [self.tool("postgres"), "-D", data], self.port,
                                       os.path.join(self.folder, "log"))
        address = ("-h", "127.0.0.1", "-p", str(self.port), "-U", self.USER)
        try:
            self._run(self.tool("createdb"), *address, self.DATABASE)
            self._run("psql", "-X", "-q", *address, "-d", self.DATABASE, "-c",
                      f"CREATE ROLE {SCRAM_USER} LOGIN PASSWORD '{SCRAM_SECRET}' IN ROLE pg_read_all_data")
            self._run(self.tool("pgbench"), "-i", "-q", "-s", "1", *address, self.DATABASE)
        except subprocess.CalledProcessError:
            self.stop()
            raise

    def tool(self, name):
        return os.path.join(self._programs, name)

    def version(self):
        return self._run(self.tool("postgres"), "--version").split()[2]

    def stop(self):
        self.server.stop()

    @staticmethod
    def _own(folder):
        account = processes.unprivileged_account()
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)

    @staticmethod
    def _run(*command):
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/",
                              **processes.unprivileged_identity()).stdout

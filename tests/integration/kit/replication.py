"""A primary and a standby that follows it, and what pgmoat's console says of such hosts."""

import psycopg2
import psycopg2.extras

from kit.environment import USER, free_port, run_as_user
from kit.postgres import DEFAULT_HBA, SETTINGS, SUPERUSER, Postgres

HBA = DEFAULT_HBA + "local replication all trust\nhost replication all all trust\n"
REPLICATION = {"wal_level": "replica", "hot_standby": "on", "wal_keep_size": "64MB", "max_wal_senders": "5"}


class Standby(Postgres):
    """A copy of a running server that follows it."""

    def __init__(self, primary):  # pylint: disable=super-init-not-called
        self.installation = primary.installation
        self._names = None
        self.port = free_port()
        self.folder = self.installation.workspace.folder("standby")
        self.data = self.folder / "data"
        run_as_user([self.installation.binaries / "pg_basebackup", "-D", self.data, "-h", primary.folder, "-p",
                     primary.port, "-U", SUPERUSER, "-R", "-X", "stream", "-c", "fast", "--no-sync"])
        self.settings = {**SETTINGS, **REPLICATION, "port": self.port, "unix_socket_directories": self.folder,
                         "ssl": "off"}
        self._start()

    def promote(self):
        self.query("SELECT pg_promote()")


class Pair:
    def __init__(self, installation):
        self.primary = Postgres(installation, hba=HBA, settings=REPLICATION)
        self.standby = Standby(self.primary)

    def hosts(self, *servers):
        servers = servers or (self.standby, self.primary)  # the wrong one first
        return f"host={','.join('127.0.0.1' for _ in servers)} port={','.join(str(one.port) for one in servers)} " \
               "sslmode=disable"

    def stop(self):
        for server in (self.standby, self.primary):
            server.stop()


def upstream_hosts(pgmoat, folder):
    """The rows of SHOW UPSTREAMS by port; `folder` has the console's socket."""
    connection = psycopg2.connect(host=folder, port=pgmoat.port, user=USER.pw_name, dbname="pgmoat",
                                  cursor_factory=psycopg2.extras.RealDictCursor)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SHOW UPSTREAMS")
        rows = {row["port"]: row for row in cursor}
    connection.close()
    return rows

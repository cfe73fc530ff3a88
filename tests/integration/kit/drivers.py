"""Drivers that log in with SCRAM, by name: each takes numbered logins and returns the result of each.

`bindings` are a driver's settings for channel binding; (""): it has none.
"""

import asyncio
import os
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psycopg
import psycopg2

from kit.environment import NPM_MODULES
from kit.libpq import without_addresses
from kit.libpq_pool import LibpqPool
from kit.postgres import PASSWORD, USER

LIBPQ_BINDINGS = ("disable", "prefer", "require")
PATIENCE = 60
JDBC = "/usr/share/java/postgresql.jar"


@dataclass(frozen=True)
class Login:
    port: int
    sslmode: str  # "disable" or "require"
    binding: str
    user: str = USER
    password: str = PASSWORD

    def keywords(self):
        """For libpq and drivers that use it."""
        return {"host": "localhost", "hostaddr": "127.0.0.1", "port": self.port, "user": self.user,
                "password": self.password, "dbname": "postgres", "sslmode": self.sslmode,
                "channel_binding": self.binding, "gssencmode": "disable", "connect_timeout": PATIENCE}


class Libpq:
    bindings = LIBPQ_BINDINGS

    def __init__(self, workspace, major, libraries=None):
        self._pool = LibpqPool(workspace, major, libraries)

    def log_in(self, logins):
        return [outcome.error for outcome in self._pool.connect_all([login.keywords() for login in logins])]

    def stop(self):
        self._pool.stop()


class OfPython:
    """psycopg 2 and 3: both use the system's libpq, with different error classes."""

    bindings = LIBPQ_BINDINGS

    def __init__(self, module):
        self._module = module

    def log_in(self, logins):
        with ThreadPoolExecutor(3) as pool:
            return list(pool.map(self._log_in_once, logins))

    def _log_in_once(self, login):
        try:
            connection = self._module.connect(**login.keywords())
        except self._module.Error as error:
            return without_addresses(str(error)) or "an error without words"
        with connection.cursor() as cursor:
            cursor.execute("SELECT 41 + 1")
            assert cursor.fetchone() == (42,)
        connection.close()
        return ""

    def stop(self):
        pass


class Asyncpg:
    bindings = ("",)

    def log_in(self, logins):
        async def all_of_them():
            return await asyncio.gather(*map(self._log_in_once, logins))

        return asyncio.run(all_of_them())

    @staticmethod
    async def _log_in_once(login):
        trusting = ssl.create_default_context()
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        try:
            connection = await asyncpg.connect(
                host="127.0.0.1", port=login.port, user=login.user, password=login.password, database="postgres",
                ssl=trusting if login.sslmode == "require" else False, timeout=PATIENCE)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            return str(error) or "an error without words"
        assert await connection.fetchval("SELECT 41 + 1") == 42
        await connection.close()
        return ""

    def stop(self):
        pass


class OfAnotherLanguage:
    """A program that reads a login per line and answers with its number and error."""

    def __init__(self, *command, **environment):
        self._process = subprocess.Popen(list(map(str, command)), env={"PATH": os.environ["PATH"], **environment},
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read_line(self):
        line = self._process.stdout.readline()
        assert line, "the driver's program has ended"
        return line.rstrip("\n")

    def log_in(self, logins):
        for number, login in enumerate(logins):
            fields = (number, login.port, login.sslmode, login.binding, login.user, login.password)
            self._process.stdin.write("\t".join(map(str, fields)) + "\n")
        self._process.stdin.flush()
        errors = [None] * len(logins)
        for _ in logins:
            number, _, error = self.read_line().partition("\t")
            errors[int(number)] = error
        return errors

    def stop(self):
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(timeout=PATIENCE) == 0


class NodePostgres(OfAnotherLanguage):
    bindings = ("false", "true")  # enableChannelBinding

    def __init__(self):
        super().__init__("node", Path(__file__).parent / "connect.js", NODE_PATH=str(NPM_MODULES))


class Jdbc(OfAnotherLanguage):
    """One JVM for all logins; its program is compiled when it starts."""

    def __init__(self):
        super().__init__("java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", JDBC,
                         Path(__file__).parent / "Connect.java")
        self._bindings = None

    @property
    def bindings(self):
        """Queried only when needed: until then the JVM starts in the background."""
        if self._bindings is None:
            self._bindings = LIBPQ_BINDINGS if self.read_line() == "true" else ("",)
        return self._bindings


class Drivers:
    def __init__(self, workspace, installations):
        self._by_name = {
            "jdbc": Jdbc(),  # first: it takes longest to start
            "node-postgres": NodePostgres(),
            "libpq-15": Libpq(workspace, 15),
            "libpq-18": Libpq(workspace, 18, installations[18].libraries),
            "psycopg2": OfPython(psycopg2),
            "psycopg": OfPython(psycopg),
            "asyncpg": Asyncpg(),
        }

    def log_in(self, port, sslmode="require", **options):
        """{(driver, binding): error, or nothing}: each driver with all its settings for channel binding."""
        def all_of_one(driver):
            return driver.log_in([Login(port, sslmode, binding, **options) for binding in driver.bindings])

        with ThreadPoolExecutor(len(self._by_name)) as pool:
            errors = list(pool.map(all_of_one, self._by_name.values()))
        return {(name, binding): error for (name, driver), of_one in zip(self._by_name.items(), errors)
                for binding, error in zip(driver.bindings, of_one)}

    def stop(self):
        for driver in self._by_name.values():
            driver.stop()

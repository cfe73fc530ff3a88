"""The console with psql, pgcli and drivers: each connects with its defaults, queries pg_stat_ssl with a filter, lists
tables its own way, and disconnects."""

import asyncio
import os
import subprocess

import asyncpg
import psycopg
import pyodbc
import pytest
import sqlalchemy

from kit.environment import NPM_MODULES
from kit.postgres import PASSWORD, SUPERUSER
from test_console import ADMIN, auth_file, connect, pgmoat, psql, session, start  # noqa: F401 - fixtures

pytestmark = pytest.mark.once_a_run

QUERY = "SELECT pid, version FROM pg_stat_ssl WHERE ssl = {} AND version ~ '^TLS' ORDER BY pid"
VIEW = "pg_stat_ssl"
TABLES = {"addresses", "certificates", "config", "connections", "help", "limits", "listeners", "pg_stat_ssl_pgmoat",
          "rules", "stats", "upstreams", "version"}


@pytest.fixture
def expected(session):  # noqa: F811
    """What every client must find: one client with TLS."""
    with session.cursor() as cursor:
        cursor.execute("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    return (session.info.backend_pid, "TLSv1.3")


def run(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def dsn(pgmoat):  # noqa: F811
    return f"host=127.0.0.1 port={pgmoat.port} user={ADMIN} password={PASSWORD} dbname=pgmoat"


def test_psql_shows_tables_columns_databases_and_users(clients, pgmoat, expected):  # noqa: F811
    for client in clients.values():
        def say(statement, client=client):
            result = psql(client, pgmoat, statement)
            assert (result.returncode, result.stderr) == (0, ""), statement
            return result.stdout

        assert say(QUERY.format("true")) == f"{expected[0]}|{expected[1]}\n"
        assert {line.split("|")[1] for line in say(r"\dt").splitlines()} == TABLES
        assert {line.split("|")[1] for line in say(r"\d").splitlines()} == TABLES
        assert say(r"\d pg_stat_ssl").splitlines()[0].startswith("pid|integer")
        assert say(r"\d connections").splitlines()[0].startswith("id|bigint")
        assert "version|text" in say(r"\d+ pg_stat_ssl")
        assert say(r"\l").startswith("pgmoat|pgmoat|UTF8|")
        assert say(r"\du").startswith(f"{ADMIN}|Superuser")
        assert "pg_catalog" in say(r"\dnS")
        for command in (r"\dv", r"\df", r"\dx", r"\di", r"\dS pg_stat_ssl", r"\conninfo", r"\encoding", r"\sv pg_stat_ssl"):
            psql(client, pgmoat, command)
        assert say("SHOW ssl") == "on\n"
        assert "\nssl|on|" in say("SHOW ALL")
        assert say("SELECT count(*) FROM connections") == "2\n"


def test_psql_gets_a_suggestion_for_a_mistyped_word(client, pgmoat):  # noqa: F811
    for statement, hint in (("RELAOD", "Perhaps you meant RELOAD."), ("SHOW CONECTIONS", "Perhaps you meant SHOW CONNECTIONS."),
                            ("SHOW max_conections", 'Perhaps you meant "max_connections".'),
                            ("PAUSE", "SHOW CONNECTIONS and SHOW UPSTREAMS show clients and servers.")):
        assert hint in psql(client, pgmoat, statement).stderr


def test_psycopg_3_binds_parameters(pgmoat, expected):  # noqa: F811
    with psycopg.connect(dsn(pgmoat)) as connection:
        assert connection.execute(QUERY.format("%s"), (True,)).fetchall() == [expected]
        with connection.cursor(binary=True) as cursor:
            (row,) = cursor.execute("SELECT id, pid, usename, connect_time, state FROM connections WHERE pid = %s",
                                    (expected[0],))
            assert (row[1], row[2], row[4], row[3].utcoffset().total_seconds()) == (expected[0], SUPERUSER, "live", 0)
        with pytest.raises(psycopg.errors.UndefinedColumn):
            connection.execute("SELECT nothing FROM pg_stat_ssl")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("SELECT 1")


def test_psycopg2_reads_types(pgmoat, expected):  # noqa: F811
    connection = connect(pgmoat.port)
    with connection.cursor() as cursor:
        cursor.execute(QUERY.format("%s"), (True,))
        assert cursor.fetchall() == [expected]
        cursor.execute("SELECT count(*), max(connect_time) < now(), array_agg(usename ORDER BY id) FROM connections")
        assert cursor.fetchone() == (2, True, [SUPERUSER, ADMIN])
    connection.close()


def test_sqlalchemy_connects_and_inspects(pgmoat, expected):  # noqa: F811
    engine = sqlalchemy.create_engine(f"postgresql+psycopg2://{ADMIN}:{PASSWORD}@127.0.0.1:{pgmoat.port}/pgmoat")
    with engine.connect() as connection:
        rows = connection.execute(sqlalchemy.text(QUERY.format(":ssl")), {"ssl": True}).fetchall()
        assert [tuple(row) for row in rows] == [expected]
        inspector = sqlalchemy.inspect(connection)
        assert set(inspector.get_table_names()) == TABLES
        assert VIEW in inspector.get_view_names(schema="pg_catalog")
        columns = inspector.get_columns(VIEW, schema="pg_catalog")
        assert [str(column["type"]) for column in columns][:3] == ["INTEGER", "BOOLEAN", "TEXT"]
    engine.dispose()


def test_a_pool_of_asyncpg_is_used_again_and_again(pgmoat, expected):  # noqa: F811
    async def use():
        async with asyncpg.create_pool(host="127.0.0.1", port=pgmoat.port, user=ADMIN, password=PASSWORD,
                                       database="pgmoat", min_size=1, max_size=2) as pool:
            for _ in range(3):  # a connection is reset before it goes back
                async with pool.acquire() as connection:
                    (row,) = await connection.fetch(QUERY.format("$1"), True)
                    assert tuple(row) == expected
                    ids = await connection.fetch("SELECT id FROM connections WHERE usename = ANY($1)", [SUPERUSER])
                    assert len(ids) == 1
                    async with connection.transaction():
                        assert await connection.fetchval("SELECT count(*) FROM pg_stat_ssl") == 1

    asyncio.run(use())


NODE_POSTGRES = """
const { Pool } = require('pg');
const [port, user, password, query] = process.argv.slice(1);
(async () => {
  const pool = new Pool({ host: '127.0.0.1', port: Number(port), user, password, database: 'pgmoat' });
  const { rows } = await pool.query(query, [true]);
  console.log(rows[0].pid, rows[0].version);
  await pool.end();
})().catch(error => { console.error(error.message); process.exit(1); });
"""

POSTGRES_JS = """
const postgres = require('postgres');
const [port, user, password] = process.argv.slice(1);
(async () => {
  const sql = postgres({ host: '127.0.0.1', port: Number(port), user, password, database: 'pgmoat' });
  const rows = await sql`SELECT pid, version FROM pg_stat_ssl WHERE ssl = ${true} AND version LIKE ${'TLS%'}`;
  console.log(rows[0].pid, rows[0].version);
  await sql.end();
})().catch(error => { console.error(error.message); process.exit(1); });
"""


@pytest.mark.parametrize("script", (NODE_POSTGRES, POSTGRES_JS), ids=("node-postgres", "postgres.js"))
def test_drivers_of_node_bind_parameters(pgmoat, expected, script):  # noqa: F811
    output = run("node", "-e", script, str(pgmoat.port), ADMIN, PASSWORD, QUERY.format("$1"),
                 env={"PATH": os.environ["PATH"], "NODE_PATH": str(NPM_MODULES)})
    assert output.split() == [str(expected[0]), expected[1]]


def test_psqlodbc_connects_and_lists_tables_and_columns(pgmoat, expected):  # noqa: F811
    connection = pyodbc.connect(f"Driver=PostgreSQL Unicode;Server=127.0.0.1;Port={pgmoat.port};Database=pgmoat;"
                                f"Uid={ADMIN};Pwd={PASSWORD};")
    cursor = connection.cursor()
    assert [tuple(row) for row in cursor.execute(QUERY.format("?"), True)] == [expected]
    assert TABLES <= {row.table_name for row in cursor.tables()}
    assert [row.column_name for row in cursor.columns(table="upstreams")][:2] == ["name", "host"]
    connection.commit()
    connection.close()


JAVA = """
import java.sql.*;

public class Console {
    public static void main(String[] arguments) throws Exception {
        try (Connection connection = DriverManager.getConnection(arguments[0], arguments[1], arguments[2])) {
            try (PreparedStatement statement = connection.prepareStatement(arguments[3])) {
                for (int i = 0; i < 6; ++i) { // from the fifth on in binary
                    statement.setBoolean(1, true);
                    ResultSet rows = statement.executeQuery();
                    while (rows.next()) System.out.println(rows.getInt(1) + " " + rows.getString(2));
                }
            }
            print(connection.getMetaData().getTables(null, "public", "%", new String[] {"TABLE"}), "TABLE_NAME");
            print(connection.getMetaData().getColumns(null, null, "pg_stat_ssl", null), "COLUMN_NAME");
            print(connection.getMetaData().getSchemas(), "TABLE_SCHEM");
            print(connection.createStatement().executeQuery("SELECT connect_time FROM connections"), "connect_time");
        }
    }
    static void print(ResultSet rows, String column) throws Exception {
        StringBuilder line = new StringBuilder(column);
        while (rows.next()) line.append(' ').append(rows.getObject(column) != null);
        System.out.println(line);
    }
}
"""


def test_jdbc_connects_and_lists_tables_and_columns(pgmoat, expected, workspace):  # noqa: F811
    program = workspace.folder("java") / "Console.java"
    program.write_text(JAVA)
    output = run("java", "-cp", "/usr/share/java/postgresql.jar", str(program),
                 f"jdbc:postgresql://127.0.0.1:{pgmoat.port}/pgmoat", ADMIN, PASSWORD, QUERY.format("?")).splitlines()
    assert output[:6] == [f"{expected[0]} {expected[1]}"] * 6
    assert [line.split()[0] for line in output[6:]] == ["TABLE_NAME", "COLUMN_NAME", "TABLE_SCHEM", "connect_time"]
    assert [line.count("true") for line in output[6:]] == [len(TABLES), 8, 3, 2]


def test_pgcli_connects_completes_and_lists_tables(pgmoat, expected, workspace):  # noqa: F811
    environment = {"PATH": os.environ["PATH"], "HOME": str(workspace.folder("pgcli")), "PGPASSWORD": PASSWORD,
                   "TERM": "dumb", "LANG": "C.UTF-8"}
    output = run("pgcli", "-h", "127.0.0.1", "-p", str(pgmoat.port), "-U", ADMIN, "-d", "pgmoat", "-w",
                 input=f"{QUERY.format('true')};\n\\dt\n\\d pg_stat_ssl\n\\q\n", env=environment)
    assert str(expected[0]) in output and "connections" in output
    assert "Traceback" not in output and "does not exist" not in output and "not implemented" not in output


def test_a_statement_has_bounds_and_its_session_goes_on(pgmoat):  # noqa: F811
    with psycopg.connect(dsn(pgmoat), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_functions_of_postgresql_reload_and_terminate(pgmoat, session):  # noqa: F811
    with psycopg.connect(dsn(pgmoat), autocommit=True) as connection:
        pgmoat.configure({"max_connections": 9})
        assert connection.execute("SELECT pg_reload_conf()").fetchone() == (True,)
        assert connection.execute("SHOW max_connections").fetchone() == ("9",)
        pgmoat.configure({"max_connections": "many"})
        with pytest.raises(psycopg.Error, match="max_connections"):
            connection.execute("SELECT pg_reload_conf()")
        pid = session.info.backend_pid
        assert connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
                                  (SUPERUSER,)).fetchall() == [(True,)]
        line = pgmoat.process.wait_for_log("connection closed", "killed")
        assert pid and "ended by console user" in line



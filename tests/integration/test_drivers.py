"""Drivers other than psql: psycopg2 with Debian's libpq, and node's pg, which does not use libpq."""

import os
import subprocess

import psycopg2
import pytest

from kit.environment import NPM_MODULES
from kit.postgres import PASSWORD, USER

pytestmark = pytest.mark.once_a_run

NODE_SCRIPT = """
const { Client } = require('pg');
const fs = require('fs');
const [port, ca, user, password] = process.argv.slice(1);
const client = new Client({
  host: 'localhost', port: Number(port), user, password, database: user,
  ssl: { ca: fs.readFileSync(ca), servername: 'localhost' },
});
client.connect()
  .then(() => client.query('SELECT $1::int + 1 AS answer', [41]))
  .then(result => { console.log(result.rows[0].answer); return client.end(); })
  .catch(error => { console.error(error.message); process.exit(1); });
"""


@pytest.fixture(params=("terminate", "passthrough"))
def pgmoat(request, terminating, passing_through):
    return terminating if request.param == "terminate" else passing_through


@pytest.fixture
def connection(pgmoat, authority):
    connection = psycopg2.connect(
        host="localhost", hostaddr="127.0.0.1", port=pgmoat.port, user=USER, password=PASSWORD, dbname=USER,
        sslmode="verify-full", sslrootcert=str(authority.certificate), gssencmode="disable")
    yield connection
    connection.close()


def test_psycopg2_runs_a_transaction(connection):
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE t (i int)")
        cursor.execute("INSERT INTO t SELECT generate_series(1, %s)", (1000,))
        cursor.execute("SELECT sum(i) FROM t")
        assert cursor.fetchone() == (500500,)


def test_psycopg2_listens_and_is_notified(connection):
    """Session state that a pooler would lose."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("LISTEN news")
        cursor.execute("NOTIFY news, 'hello'")
    connection.poll()
    assert [notify.payload for notify in connection.notifies] == ["hello"]


def test_psycopg2_cancels_its_query(connection):
    with connection.cursor() as cursor:
        connection.cancel()
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_nodes_driver_logs_in_and_queries(pgmoat, authority):
    result = subprocess.run(
        ["node", "-e", NODE_SCRIPT, str(pgmoat.port), str(authority.certificate), USER, PASSWORD],
        env={"PATH": os.environ["PATH"], "NODE_PATH": str(NPM_MODULES)},
        capture_output=True, text=True, check=False, timeout=60)
    assert (result.stdout.strip(), result.stderr) == ("42", "")

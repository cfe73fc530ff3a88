"""Fixtures: what is made once a run, and factories whose products end with the test."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kit.certificates import Authority  # noqa: E402
from kit.environment import Workspace, free_port  # noqa: E402
from kit.fake_server import FakeServer  # noqa: E402
from kit.libpq import Client  # noqa: E402
from kit.pgmoat import Pgmoat  # noqa: E402
from kit.postgres import Installation, Postgres  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--shard", default="1/1", help="run every Nth test, beginning with the Kth: K/N")


def pytest_collection_modifyitems(config, items):
    number, count = map(int, config.getoption("--shard").split("/"))
    items[:] = items[number - 1::count]


@pytest.fixture
def http_port():
    """Where the pgmoat of a test has its HTTP endpoint."""
    return free_port()


@pytest.fixture(scope="session")
def workspace():
    workspace = Workspace()
    yield workspace
    workspace.remove()


@pytest.fixture(scope="session")
def authority(workspace):
    return Authority(workspace.folder("ca"))


@pytest.fixture(scope="session")
def certificate(authority):
    """Of pgmoat, for localhost."""
    return authority.issue("pgmoat")


@pytest.fixture(scope="session")
def server_certificate(authority):
    """Of PostgreSQL, for localhost: another one than pgmoat's."""
    return authority.issue("postgres")


@pytest.fixture(scope="session")
def installations(workspace):
    """By what they stand for: the older one is Debian's, of Debian 13 it is 17."""
    return {15: Installation.debian(workspace), 18: Installation.npm(workspace)}


@pytest.fixture(scope="session")
def clients(workspace, installations):
    return {15: Client(workspace, 15), 18: Client(workspace, 18, installations[18].libraries)}


@pytest.fixture(scope="session")
def client(clients):
    return clients[18]


@pytest.fixture(scope="session")
def servers(installations, server_certificate):
    """Servers that no test changes, started when first asked for: servers(18, tls=True)."""
    running = {}

    def server(major, tls):
        if (major, tls) not in running:
            running[major, tls] = Postgres(installations[major], server_certificate if tls else None)
        return running[major, tls]

    yield server
    for postgres in running.values():
        postgres.stop()


@pytest.fixture(scope="session")
def postgres(servers):
    """The server behind the proxy where its version and its TLS do not matter."""
    return servers(18, tls=False)


@pytest.fixture
def start_postgres(installations):
    running = []

    def start(major=18, **options):
        running.append(Postgres(installations[major], **options))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def start_pgmoat(workspace):
    running = []

    def start(certificate=None, **options):
        running.append(Pgmoat(workspace, certificate, **options))
        return running[-1]

    yield start
    for pgmoat in running:
        pgmoat.stop()


@pytest.fixture
def terminating(start_pgmoat, certificate, postgres):
    """The common case: TLS from the client ends here, the server is reached in plaintext."""
    return start_pgmoat(certificate, settings={"upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"})


@pytest.fixture
def passing_through(start_pgmoat, servers):
    server = servers(18, tls=True)
    return start_pgmoat(settings={"tls_mode": "passthrough", "upstream": f"host=127.0.0.1 port={server.port}"})


@pytest.fixture
def start_fake_server():
    running = []

    def start(script):
        running.append(FakeServer(script))
        return running[-1]

    yield start
    for server in running:
        server.__exit__()

"""Fixtures: what is made once per run, and factories whose products end with the test."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kit.certificates import Authority  # noqa: E402
from kit.environment import Workspace, free_port  # noqa: E402
from kit.fake_patroni import FakePatroni  # noqa: E402
from kit.fake_server import FakeServer  # noqa: E402
from kit.libpq import Client  # noqa: E402
from kit.pgmoat import Pgmoat  # noqa: E402
from kit.postgres import Installation, Postgres  # noqa: E402


# Files that take a minute or more begin first, so that none is the last to end.
LONG = ("test_cluster", "test_container", "test_soak", "test_scram_bridge", "test_package")


def pytest_collection_modifyitems(config, items):
    if os.environ.get("PGMOAT_ONCE_A_RUN") == "0":
        left = [item for item in items if item.get_closest_marker("once_a_run")]
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.fixture
def http_port():
    """The port of the HTTP endpoint of a test's pgmoat."""
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
    """pgmoat's certificate, for localhost."""
    return authority.issue("pgmoat")


@pytest.fixture(scope="session")
def server_certificate(authority):
    """PostgreSQL's certificate, for localhost: different from pgmoat's."""
    return authority.issue("postgres")


@pytest.fixture(scope="session")
def installations(workspace):
    """By their role: the older one is Debian's, which is 17 on Debian 13."""
    return {15: Installation.debian(workspace), 18: Installation.npm(workspace)}


@pytest.fixture(scope="session")
def clients(workspace, installations):
    return {15: Client(workspace, 15), 18: Client(workspace, 18, installations[18].libraries)}


@pytest.fixture(scope="session")
def client(clients):
    return clients[18]


@pytest.fixture(scope="session")
def servers(installations, server_certificate):
    """Servers that tests must not change, started on first use: servers(18, tls=True)."""
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
    """The server behind the proxy, if its version and TLS do not matter."""
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
    """The common case: TLS from the client is terminated, the server is reached in plaintext."""
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


@pytest.fixture
def start_patroni():
    running = []

    def start(*arguments, **options):
        running.append(FakePatroni(*arguments, **options))
        return running[-1]

    yield start
    for patroni in running:
        patroni.stop()

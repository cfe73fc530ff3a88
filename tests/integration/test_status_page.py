"""The status page in Debian's Chromium: what a user sees of open connections.

It also takes a picture with varied traffic. PGMOAT_SCREENSHOT=FILE keeps it, after a minute of traffic: README.md shows
it.
"""

import json
import os
import random
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

from kit import wire
from kit.environment import NPM_MODULES, free_port
from kit.raw_client import RawClient

VISIT = Path(__file__).parent / "kit/visit_status_page.js"
LOOK = Path(__file__).parent / "kit/look_at_status_page.js"
SCREENSHOT = os.environ.get("PGMOAT_SCREENSHOT")
pytestmark = pytest.mark.once_a_run


def visit(url, *arguments, timeout=120, script=VISIT):
    """What the page showed."""
    result = subprocess.run(
        ["node", script, url, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=timeout,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "NODE_PATH": str(NPM_MODULES)})
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def pgmoat(start_pgmoat, certificate, postgres, http_port):
    return start_pgmoat(certificate, settings={
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable", "http_listen": f"127.0.0.1:{http_port}"})


def test_the_page_shows_who_is_connected_and_how(pgmoat, http_port):
    with RawClient(pgmoat.port) as new, RawClient(pgmoat.port) as old, RawClient(pgmoat.port) as plain:
        new.start_tls().log_in(application_name="clicked through")
        old.start_tls(maximum_version=ssl.TLSVersion.TLSv1_2).log_in(application_name="<img src=x onerror=alert(1)>")
        plain.log_in()
        seen = visit(f"http://127.0.0.1:{http_port}/")
    print(json.dumps(seen, indent=1))  # pytest shows it with a failure
    assert seen["problems"] == []
    assert [len(seen["connections"]), len(seen["withoutScript"]), len(seen["filtered"])] == [3, 3, 1]
    assert seen["charts"] == 3 and "TLS 1.3" in seen["legend"]
    assert "TLSv1.3" in seen["filtered"][0] and "X25519" in seen["filtered"][0]
    [hostile] = [row for row in seen["connections"] if "<img src=x" in row]
    assert "TLSv1.2" in hostile
    assert seen["place"] == "#connections"
    assert seen["dark"] == "rgb(15, 20, 25)"


# As long as PostgreSQL allows, and without a place to break.
LONG = "a_very_long_name_that_somebody_has_generated_from_a_template_01"
LONG_HOST = ".".join(["tenant-with-a-long-name-0123456789"] * 5) + ".example.com"
PICTURES = os.environ.get("PGMOAT_PICTURES")  # a folder that keeps the four pictures for people


@pytest.fixture
def crowded(start_pgmoat, certificate, postgres, http_port):
    """Long names everywhere, a bad setting of each kind, and fifty refusals; some are of one kind."""
    upstream = f"host=127.0.0.1 port={postgres.port} sslmode=disable"
    listener = "listener." + LONG[:40]
    rules = [f"host all {LONG} 127.0.0.1/32 reject", "host all gone,lost,forgotten all reject",
             f"hostssl {LONG} all 10.0.0.0/8 scram-sha-256 sni={LONG_HOST[:60]} tls_min=TLSv1.3",
             "host all all all scram-sha-256", "host all postgres all trust"]
    pgmoat = start_pgmoat(certificate, files={"pg_hba.conf": "\n".join(rules[:3] + rules[:2:-1]) + "\n"}, settings={
        "upstream": upstream, "http_listen": f"127.0.0.1:{http_port}", "hba_file": "pg_hba.conf",
        "upstream." + LONG[:50]: f"host={LONG_HOST},{LONG_HOST} port=5432 sslmode=disable",
        "upstream.cluster": f"host={LONG_HOST},127.0.0.1 port=5432,{postgres.port} sslmode=disable connect_timeout=2 "
                            "target_session_attrs=primary",
        "health.cluster": "sql user=postgres interval=1s timeout=500ms",
        listener: f"address=127.0.0.1 port={free_port()} upstream={LONG[:50]} hba_file=pg_hba.conf"})
    for number in range(50):
        user = LONG if number % 2 else f"{LONG[:50]}{number}"
        with RawClient(pgmoat.port) as client:
            if number % 3:
                client.start_tls(server_name=LONG_HOST if number % 5 else f"h{number}.example.com")
            client.send(wire.startup(user=user, database=LONG, application_name=LONG)).receive_until_closed()
    clients = [RawClient(pgmoat.port) for _ in range(4)]
    for client in clients:
        client.start_tls(server_name=LONG_HOST).log_in(application_name=LONG)
        client.query("SELECT repeat('x', 100000)")
    pgmoat.upstream_port = postgres.port
    yield pgmoat
    for client in clients:
        client.__exit__()


@pytest.mark.parametrize("scheme", ("light", "dark"))
@pytest.mark.parametrize("width", (390, 1440))
def test_everything_fits_and_can_be_read(crowded, http_port, width, scheme):
    picture = [Path(PICTURES) / f"{width}-{scheme}.png"] if PICTURES else []
    seen = visit(f"http://127.0.0.1:{http_port}/", width, scheme, *picture, script=LOOK)
    assert seen["found"] == []
    assert 1 < seen["refusals"] < 50  # those of one kind are one row
    unknown, primary = sorted(seen["roles"], key=lambda row: "primary" in row)
    assert "unknown" in unknown and "failing" in unknown and "ago)" in unknown
    assert f"127.0.0.1:{crowded.upstream_port}" in primary and "ok" in primary and "failing" not in primary


def test_the_picture_of_the_readme_is_made(start_pgmoat, workspace, certificate, servers, http_port, tmp_path):
    """From a proxy that passes some clients through, refuses some, and serves the rest."""
    picture, seconds = (Path(SCREENSHOT), 55) if SCREENSHOT else (tmp_path / "screenshot.png", 6)
    server, edge = servers(18, tls=True), free_port()
    pgmoat = start_pgmoat(certificate, binary=workspace.release, settings={
        "upstream": f"host=127.0.0.1 port={server.port} sslmode=disable", "http_listen": f"127.0.0.1:{http_port}",
        "listener.edge": f"address=127.0.0.1 port={edge} tls_mode=passthrough upstream=default"})
    over = time.monotonic() + seconds + 15
    kinds = {"new": 10, "old": 3, "plain": 1, "through": 4, "stranger": 1}

    def live(kind):
        with RawClient(edge if kind == "through" else pgmoat.port) as client:
            if kind == "old":
                client.start_tls(maximum_version=ssl.TLSVersion.TLSv1_2)
            elif kind != "plain":
                client.start_tls(server_name=random.choice(("db.example.com", "reports.example.com")))
            if kind == "stranger":
                client.send(wire.startup(user="backup", database="sales")).receive_error()
                return
            client.log_in(application_name=random.choice(("billing", "reports", "shop", "etl")))
            until = min(over, time.monotonic() + random.uniform(3, 30))
            while time.monotonic() < until:
                client.query(f"SELECT repeat('x', {random.randint(10, 20000)})")
                time.sleep(random.uniform(0.05, 0.6))

    def keep_living():
        while time.monotonic() < over:
            live(*random.choices(list(kinds), kinds.values()))

    threads = [threading.Thread(target=keep_living) for _ in range(24)]
    for thread in threads:
        thread.start()
    try:
        visit(f"http://127.0.0.1:{http_port}/", picture, seconds)
    finally:
        for thread in threads:
            thread.join()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert 20_000 < picture.stat().st_size < 200_000

"""The Debian package on a bare machine with systemd and PostgreSQL: installed, used, upgraded, removed and purged."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from kit.environment import RELEASE_BINARY, RUNS_AS_ROOT, SOURCE
from kit.machine import Machine, release
from kit.process import eventually


def can_boot():
    """A chroot (tests/run-debian13) has no user namespaces, and the service asks for one of its own: PrivateUsers=."""
    return (RUNS_AS_ROOT and Path("/sys/fs/cgroup").is_dir() and os.listdir("/sys/fs/cgroup")
            and subprocess.run(["unshare", "--user", "true"], capture_output=True, check=False).returncode == 0)


pytestmark = [
    pytest.mark.once_a_run,
    pytest.mark.skipif(not can_boot(), reason="to boot a machine takes root, control groups and user namespaces: see "
                                              "tests/run-package"),
]

CONNINFO = "host=localhost port=6432 user=app password=secret dbname=postgres"
VERIFIED = f"{CONNINFO} sslmode=verify-full sslrootcert=/root/ca.crt"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """From an environment that has built one for another release, or packed from the release build."""
    if "PGMOAT_PACKAGE" in os.environ:
        return Path(os.environ["PGMOAT_PACKAGE"])
    output = tmp_path_factory.mktemp("package")
    result = subprocess.run([SOURCE / "deploy/build-package", "--build", RELEASE_BINARY.parent, "--output", output],
                            capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    return next(output.glob("pgmoat_*.deb"))


def newer(package, folder):
    """The same with a higher version, as the next release would be."""
    tree = folder / "newer"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: (.*)$", r"Version: \1+newer", control.read_text(), flags=re.MULTILINE))
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, folder / "newer.deb"], check=True,
                   stdout=subprocess.DEVNULL)
    return folder / "newer.deb"


def field(package, name):
    return subprocess.run(["dpkg-deb", "-f", package, name], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def machine(package, authority, tmp_path_factory):
    folder = tmp_path_factory.mktemp("machine")
    suite = os.environ.get("PGMOAT_PACKAGE_SUITE", release()[0])
    certificate = authority.issue("machine")
    old = folder / "pgmoat.deb"
    old.write_bytes(package.read_bytes())
    files = (old, newer(package, folder), certificate.certificate, certificate.key, authority.certificate)
    with Machine(folder, suite, field(package, "Depends"), files) as machine:
        machine.run("su postgres -c \"psql -c \\\"CREATE ROLE app LOGIN PASSWORD 'secret'\\\"\"")
        yield machine


def sql(machine, statement="SELECT 'in'", conninfo=VERIFIED):
    return machine.run(f"psql -XAt \"{conninfo}\" -c \"{statement}\"").strip()


def active(machine, unit="pgmoat.service"):
    return machine.try_run(f"systemctl is-active {unit}").stdout.strip()


def shown(machine, name):
    return machine.run(f"systemctl show -P {name} pgmoat.service").strip()


def installs(machine):
    machine.run("dpkg -i /root/pgmoat.deb")
    version = machine.run("pgmoat --version").split()[1]
    assert machine.run("dpkg-query -W -f '${Version}' pgmoat").startswith(f"{version}-")
    assert machine.run("zcat /usr/share/doc/pgmoat/changelog.gz") == (SOURCE / "CHANGELOG.md").read_text()
    assert f"pgmoat ({version}-" in machine.run("zcat /usr/share/doc/pgmoat/changelog.Debian.gz")
    assert active(machine) == "active"
    assert shown(machine, "StatusText") == "ready to accept connections"
    assert machine.run("stat -c %a:%U:%G /etc/pgmoat/server.key").strip() == "640:root:pgmoat"
    assert "is valid" in machine.run("pgmoat check --config /etc/pgmoat/pgmoat.conf")
    assert sql(machine, conninfo=f"{CONNINFO} sslmode=require") == "in"
    refused = machine.try_run(f"psql \"{CONNINFO} sslmode=disable\"")
    assert "no pg_hba.conf entry" in refused.stderr
    assert machine.run("systemd-analyze verify --man=no pgmoat.service pgmoat.socket 2>&1") == ""
    exposure = machine.run("systemd-analyze security --no-pager pgmoat.service")
    assert float(re.search(r"exposure level for pgmoat.service: ([\d.]+)", exposure)[1]) <= 1.5, exposure
    for page in ("pgmoat.1", "pgmoat.conf.5", "pgmoat-metrics.7"):
        machine.run(f"test -s /usr/share/man/man{page[-1]}/{page}.gz")


def takes_a_certificate(machine):
    machine.run("install -m 644 /root/machine.crt /etc/pgmoat/server.crt &&"
                "install -m 640 -g pgmoat /root/machine.key /etc/pgmoat/server.key")
    machine.run("systemctl reload pgmoat")
    eventually(lambda: shown(machine, "StatusText") == "configuration was reloaded", "the reload")
    assert sql(machine) == "in"


def survives_a_wrong_configuration(machine):
    machine.run("cp /etc/pgmoat/pgmoat.conf /root/good.conf && echo 'nonsense = 1' >>/etc/pgmoat/pgmoat.conf")
    process = shown(machine, "MainPID")
    assert machine.try_run("systemctl reload pgmoat").returncode != 0
    assert shown(machine, "MainPID") == process and sql(machine) == "in"
    # It does not start, and systemd does not try it again and again.
    assert machine.try_run("systemctl restart pgmoat").returncode != 0
    assert shown(machine, "ExecMainStatus") == "3"
    assert active(machine) == "failed"
    machine.run("cp /root/good.conf /etc/pgmoat/pgmoat.conf && systemctl start pgmoat")
    assert sql(machine) == "in"


def upgrades_with_a_session_open(machine):
    process = shown(machine, "MainPID")
    session = machine.start(f"psql -XAt \"{VERIFIED}\" -c \"SELECT 'survived' FROM pg_sleep(4)\"")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(4)%' AND pid <> pg_backend_pid()"
    eventually(lambda: machine.run(f"su postgres -c \"psql -XAt -c \\\"{waiting}\\\"\"").strip() == "1",
               "the session's query")
    machine.run("echo '# changed by the administrator' >>/etc/pgmoat/pg_hba.conf")
    machine.run("dpkg -i --force-confold /root/newer.deb")
    # Its query ends first; then it is told to leave.
    told = session.communicate(timeout=30)[0].splitlines()
    assert told[:1] == ["survived"] and told[1:] in ([], ["FATAL:  terminating connection due to administrator command"])
    assert "+newer" in machine.run("dpkg-query -W pgmoat")
    assert shown(machine, "MainPID") != process and sql(machine) == "in"
    assert "changed by the administrator" in machine.run("cat /etc/pgmoat/pg_hba.conf")
    assert machine.run("cmp /root/machine.crt /etc/pgmoat/server.crt") == ""


def is_restarted_by_the_watchdog(machine):
    machine.write("/run/systemd/system/pgmoat.service.d/watchdog.conf", "[Service]\nWatchdogSec=2s")
    machine.run("systemctl daemon-reload && systemctl restart pgmoat")
    process = shown(machine, "MainPID")
    machine.run(f"kill -STOP {process}")
    eventually(lambda: shown(machine, "MainPID") not in (process, "0") and active(machine) == "active",
               "another process", timeout=60)
    assert sql(machine) == "in"
    machine.run("rm -r /run/systemd/system/pgmoat.service.d && systemctl daemon-reload && systemctl restart pgmoat")


def reads_the_key_from_a_credential(machine):
    machine.run("mkdir -p /etc/systemd/system/pgmoat.service.d &&"
                "cp /usr/share/doc/pgmoat/examples/systemd/credentials.conf /etc/systemd/system/pgmoat.service.d &&"
                "chown root:root /etc/pgmoat/server.key && chmod 600 /etc/pgmoat/server.key &&"
                "sed -i \"s,^ssl_key_file = .*,ssl_key_file = '/run/credentials/pgmoat.service/server.key',\" "
                "/etc/pgmoat/pgmoat.conf")
    machine.run("systemctl daemon-reload && systemctl restart pgmoat")
    assert sql(machine) == "in"
    machine.run("cp /root/good.conf /etc/pgmoat/pgmoat.conf && rm -r /etc/systemd/system/pgmoat.service.d &&"
                "chgrp pgmoat /etc/pgmoat/server.key && chmod 640 /etc/pgmoat/server.key && systemctl daemon-reload")
    machine.run("systemctl restart pgmoat")


def rotates_its_log_file(machine):
    machine.run("echo \"log_file = '/var/log/pgmoat/pgmoat.log'\" >>/etc/pgmoat/pgmoat.conf && systemctl restart pgmoat")
    sql(machine)
    machine.run("logrotate --force /etc/logrotate.d/pgmoat")
    assert "connection closed" in machine.run("cat /var/log/pgmoat/pgmoat.log.1")
    sql(machine)
    eventually(lambda: "connection closed" in machine.run("cat /var/log/pgmoat/pgmoat.log"), "a line in the new file")


def refuses_nobody_while_it_restarts_behind_its_socket(machine):
    machine.run("systemctl stop pgmoat.service && systemctl enable --now pgmoat.socket && systemctl start pgmoat.service")
    clients = machine.start(f"for i in $(seq 30); do psql -XAt \"{VERIFIED}\" -c 'SELECT 1'; done")
    for _ in range(3):
        machine.run("systemctl restart pgmoat.service")
    output = clients.communicate(timeout=120)[0]
    # All get in. A drain ends a session that has not begun its query yet: at most one for each restart.
    assert "connection to server at" not in output, output
    assert output.splitlines().count("1") >= 27, output
    # The socket alone brings the service.
    machine.run("systemctl stop pgmoat.service 2>/dev/null")
    assert active(machine, "pgmoat.socket") == "active"
    assert sql(machine) == "in" and active(machine) == "active"


def is_removed_and_purged(machine):
    machine.run("dpkg -r pgmoat")
    assert active(machine) in ("inactive", "failed")
    machine.run("test -e /etc/pgmoat/pgmoat.conf && test ! -e /usr/sbin/pgmoat")
    machine.run("dpkg -P pgmoat")
    machine.run("test ! -e /var/log/pgmoat && test ! -e /var/lib/pgmoat && test ! -e /etc/logrotate.d/pgmoat")
    # The administrator's certificate is not the package's to remove.
    assert machine.run("ls /etc/pgmoat").split() == ["server.crt", "server.key"]
    # Without one, nothing is left.
    machine.run("rm -r /etc/pgmoat && dpkg -i /root/pgmoat.deb && dpkg -P pgmoat && test ! -e /etc/pgmoat")


def test_a_bare_machine_runs_the_package_through_its_whole_life(machine):
    for step in (installs, takes_a_certificate, survives_a_wrong_configuration, upgrades_with_a_session_open,
                 is_restarted_by_the_watchdog, reads_the_key_from_a_credential, rotates_its_log_file,
                 refuses_nobody_while_it_restarts_behind_its_socket, is_removed_and_purged):
        print(step.__name__)
        # All steps together start it more often than the unit allows in a minute (StartLimitBurst).
        machine.try_run("systemctl reset-failed pgmoat.service")
        step(machine)

"""The container image: built from deploy/container, and run without privileges on a read-only root."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from kit.environment import RELEASE_BINARY, RUNS_AS_ROOT, SOURCE, free_port
from kit.machine import ROOTS, debian_root, release
from kit.pgmoat import config_text
from kit.postgres import USER
from kit.process import Process

pytestmark = [
    pytest.mark.once_a_run,
    pytest.mark.skipif(not RUNS_AS_ROOT, reason="buildah's chroot isolation takes root here"),
]

IMAGE_USER = 65532
# buildah raises limits by itself, each version others, which a sandbox may refuse even root. Lower ones it keeps.
LOW_LIMITS = ("--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096")


class Images:
    """buildah with a store of its own."""

    def __init__(self, folder):
        self._options = ["--root", folder / "store", "--runroot", folder / "run", "--storage-driver", "overlay"]

    def __call__(self, command, *arguments):
        result = subprocess.run(["buildah", *self._options, command, *arguments], capture_output=True, text=True,
                                check=False, timeout=300, cwd=SOURCE)
        assert result.returncode == 0, f"buildah {command}:\n{result.stdout}{result.stderr}"
        return result.stdout.strip()

    def import_root(self, root, name):
        """There is no registry: the base image is a debootstrap root folder, reduced to what a slim image has."""
        container = self("from", "scratch")
        mount = Path(self("mount", container))
        left_out = ("proc/*", "dev/*", "usr/lib/postgresql", "var/lib/postgresql", "usr/lib/*/libLLVM*", "var/lib/apt/lists/*",
                    "var/cache/*", "usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*")
        excludes = " ".join(f"--exclude='./{path}'" for path in left_out)
        subprocess.run(f"tar -C {root} --one-file-system {excludes} -c . | tar -C {mount} -x", shell=True, check=True,
                       timeout=120)
        self("umount", container)
        self("commit", "--rm", container, name)


@pytest.fixture(scope="module")
def images():
    # Short, since overlayfs puts the names of all layers into one page.
    folder = Path(tempfile.mkdtemp(prefix="pgmoat-images-", dir="/var/tmp"))
    yield Images(folder)
    subprocess.run(["umount", "-R", folder / "store/overlay"], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def image(images, tmp_path_factory):
    """The last stage is built as it is; the compiling stage is replaced by its result."""
    program = tmp_path_factory.mktemp("program")
    subprocess.run([SOURCE / "deploy/container/collect", RELEASE_BINARY, program / "out"], check=True)
    base = f"docker.io/library/debian:{release()[1]}-slim"
    with debian_root(release()[0], "libc6") as root:
        images.import_root(root, base)
    images("build", "--isolation", "chroot", "--pull=never", *LOW_LIMITS, "--build-arg", f"BASE={base}",
           "--build-context", f"program={program}", "--file", "deploy/container/Containerfile", "--tag", "pgmoat", ".")
    return images("from", "--pull=never", "localhost/pgmoat")


@pytest.fixture(scope="module")
def configuration(images, image):
    return json.loads(images("inspect", "--type", "image", "localhost/pgmoat"))["OCIv1"]["config"]


def test_the_image_says_how_it_is_to_be_run(configuration):
    assert configuration["User"] == f"{IMAGE_USER}:{IMAGE_USER}"
    assert configuration["Entrypoint"] == ["/usr/sbin/pgmoat"]
    assert configuration["Cmd"] == ["--config", "/etc/pgmoat/pgmoat.conf"]
    assert {port.split("/")[0] for port in configuration["ExposedPorts"]} == {"6432", "9632"}


def test_the_image_holds_no_key_and_no_configuration(images, image):
    root, base = Path(images("mount", image)), ROOTS / release()[0]
    assert not (root / "etc/pgmoat").exists()
    assert not list((root / "tmp").iterdir())
    keys = [path.relative_to(root) for folder in ("etc", "root", "var") for path in (root / folder).rglob("*.key")]
    assert not [key for key in keys if not (base / key).exists()]


def bundle(folder, root, configuration, mounted):
    """An OCI runtime bundle: no capabilities, no new privileges, only /tmp is writable, no io_uring."""
    user = dict(zip(("uid", "gid"), map(int, configuration["User"].split(":"))))
    namespaces = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]
    mounts = [{"destination": "/proc", "type": "proc", "source": "proc"},
              {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
              {"destination": "/etc/pgmoat", "type": "bind", "source": str(mounted), "options": ["rbind", "ro"]}]
    spec = {
        "ociVersion": "1.0.0", "hostname": "pgmoat", "mounts": mounts,
        "root": {"path": str(root), "readonly": True},
        "process": {"user": user, "args": configuration["Entrypoint"] + configuration["Cmd"], "cwd": "/",
                    "env": configuration.get("Env", []), "noNewPrivileges": True,
                    "capabilities": {kind: [] for kind in ("bounding", "effective", "permitted", "inheritable")}},
        "linux": {"namespaces": namespaces, "maskedPaths": ["/proc/kcore"], "seccomp": {
            "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
            "syscalls": [{"names": ["io_uring_setup", "io_uring_enter", "io_uring_register"],
                          "action": "SCMP_ACT_ERRNO"}]}},
    }
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(spec))
    return folder


def children_of(process):
    """Of crun's: the container's process 1."""
    try:
        return list(map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()))
    except FileNotFoundError:
        return []


@pytest.fixture
def container(images, image, configuration, certificate, postgres, tmp_path):
    """(port, process) of a running container that shares our network."""
    port, mounted = free_port(), tmp_path / "etc"
    mounted.mkdir()
    for name, content in (("server.crt", certificate.certificate), ("server.key", certificate.key)):
        (mounted / name).write_bytes(content.read_bytes())
    # As Kubernetes mounts a Secret with fsGroup: root's, and readable by the group.
    os.chown(mounted / "server.key", 0, IMAGE_USER)
    (mounted / "server.key").chmod(0o440)
    (mounted / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    (mounted / "pgmoat.conf").write_text(config_text({
        "listen_addresses": "127.0.0.1", "port": port, "ssl": "on", "ssl_cert_file": "server.crt",
        "ssl_key_file": "server.key", "hba_file": "pg_hba.conf",
        "upstream": f"host=127.0.0.1 port={postgres.port} sslmode=disable"}))
    name = f"pgmoat-{os.getpid()}"
    folder = bundle(tmp_path / "bundle", images("mount", image), configuration, mounted)
    # crun does not handle the control groups of every machine, and needs none: it only sees the new hierarchy.
    script = ("umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 cgroup2 /sys/fs/cgroup; "
              f"exec crun --root {tmp_path}/crun --cgroup-manager=disabled run --bundle {folder} {name}")
    process = Process(["unshare", "--mount", "--propagation", "private", "bash", "-c", script], tmp_path / "log",
                      as_user=False)
    try:
        process.wait_for_log("ready to accept connections")
        yield port, process
    finally:
        for child in children_of(process):
            os.kill(child, signal.SIGKILL)
        process.kill()


def test_a_client_logs_in_over_tls_through_the_container(container, clients, authority):
    port, process = container
    outcome = clients[18].connect(port, user=USER, sslmode="verify-full", sslrootcert=authority.certificate)
    assert outcome.connected, outcome
    line = process.wait_for_log("connection closed", "reason=client_closed")
    assert "tls=TLSv1.3" in line
    assert len(process.log_lines("io_uring is not available")) == 1


def test_the_container_drains_when_it_is_told_to_stop(container):
    _, process = container
    # Process 1 of its namespace is the program itself: there is no shell between.
    assert process.log_lines(" [1] ", "ready to accept connections")
    (program,) = children_of(process)
    os.kill(program, signal.SIGTERM)
    assert process.wait() == 0
    assert process.log_lines("shut down")

"""Certificates from the openssl command, so that `pgmoat cert` is never judged by itself."""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from kit.environment import write_for_user


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@dataclass(frozen=True)
class Certificate:
    certificate: Path
    key: Path

    def install(self, folder, name="server"):
        """Copies both into a server's folder, with the permissions that PostgreSQL wants."""
        write_for_user(folder / f"{name}.crt", self.certificate.read_bytes())
        write_for_user(folder / f"{name}.key", self.key.read_bytes(), mode=0o600)


class Authority:
    def __init__(self, folder, name="Test CA"):
        self.folder = folder
        self.certificate = folder / "ca.crt"
        self._key = folder / "ca.key"
        openssl("req", "-x509", *self._new_key(self._key), "-days", 30, "-subj", f"/CN={name}",
                "-addext", "basicConstraints=critical,CA:true", "-out", self.certificate)

    def issue(self, name, subject="localhost", alternative_names="DNS:localhost", key="ec"):
        """A leaf certificate; `name` is that of its files; `key`: "ec" or "rsa:2048"."""
        leaf = Certificate(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        openssl("req", "-x509", *self._new_key(leaf.key, key), "-days", 30, "-subj", f"/CN={subject}",
                "-addext", f"subjectAltName={alternative_names}",
                "-addext", "basicConstraints=critical,CA:false",
                "-CA", self.certificate, "-CAkey", self._key, "-out", leaf.certificate)
        return leaf

    def revoke(self, leaf, list_file, expired=False):
        """A revocation list that names this certificate, or nobody."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        (folder / "index").touch()
        (folder / "number").write_text("01\n")
        (folder / "conf").write_text(f"[ca]\ndefault_ca = d\n[d]\ndatabase = {folder}/index\n"
                                     f"crlnumber = {folder}/number\ndefault_md = sha256\ndefault_crl_days = 7\n")
        ca = ("ca", "-config", folder / "conf", "-cert", self.certificate, "-keyfile", self._key)
        if leaf:
            openssl(*ca, "-revoke", leaf.certificate)
        dates = ("-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20200102000000Z") if expired else ()
        openssl(*ca, "-gencrl", *dates, "-out", list_file)

    @staticmethod
    def _new_key(path, kind="ec"):
        curve = ("-pkeyopt", "ec_paramgen_curve:P-256") if kind == "ec" else ()
        return ("-newkey", kind, *curve, "-nodes", "-keyout", path)

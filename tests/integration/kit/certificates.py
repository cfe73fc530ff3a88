"""Certificates made with the openssl command, so that `pgmoat cert` is not tested with itself."""

import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from kit.environment import write_for_user


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def _element(tag, content):
    """In DER."""
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def _elements(der):
    """The elements in sequence, as they are."""
    found = []
    while der:
        size, head = der[1], 2
        if size >= 128:
            head += size - 128
            size = int.from_bytes(der[2:head], "big")
        found.append(der[:head + size])
        der = der[head + size:]
    return found


@dataclass(frozen=True)
class Certificate:
    certificate: Path
    key: Path

    def install(self, folder, name="server"):
        """Copies both into a server's folder, with the permissions that PostgreSQL requires."""
        write_for_user(folder / f"{name}.crt", self.certificate.read_bytes())
        write_for_user(folder / f"{name}.key", self.key.read_bytes(), mode=0o600)


class Authority:
    """`issuer` makes it an intermediate CA."""

    def __init__(self, folder, name="Test CA", issuer=None):
        self.folder = folder
        self.certificate = folder / "ca.crt"
        self._key = folder / "ca.key"
        signed = ("-CA", issuer.certificate, "-CAkey", issuer._key) if issuer else ()
        openssl("req", "-x509", *self._new_key(self._key), "-days", 30, "-subj", f"/CN={name}",
                "-addext", "basicConstraints=critical,CA:true",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign", *signed, "-out", self.certificate)

    @property
    def itself(self):
        """For a client that sends a self-signed certificate."""
        return Certificate(self.certificate, self._key)

    def issue(self, name, subject="localhost", alternative_names="DNS:localhost", key="ec", usage=None):
        """A leaf certificate; `name` is that of its files; `key`: "ec" or "rsa:2048"; `usage`: extendedKeyUsage."""
        leaf = Certificate(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        openssl("req", "-x509", *self._new_key(leaf.key, key), "-days", 30, "-subj", f"/CN={subject}",
                "-addext", f"subjectAltName={alternative_names}",
                "-addext", "basicConstraints=critical,CA:false",
                *(("-addext", f"extendedKeyUsage={usage}") if usage else ()),
                "-CA", self.certificate, "-CAkey", self._key, "-out", leaf.certificate)
        return leaf

    def issue_forged(self, name, forge, **options):
        """A leaf with contents that the openssl command would not make: forge(bytes) -> bytes of the same length; the
        signature is valid."""
        leaf = self.issue(name, **options)
        der = ssl.PEM_cert_to_DER_cert(leaf.certificate.read_text())
        content, algorithm, _ = _elements(der[4:])  # after the header of the whole: more than 255 bytes, so 4
        content = forge(content)
        (self.folder / "content").write_bytes(content)
        openssl("dgst", "-sha256", "-sign", self._key, "-out", self.folder / "signature", self.folder / "content")
        signature = _element(0x03, b"\0" + (self.folder / "signature").read_bytes())
        leaf.certificate.write_text(ssl.DER_cert_to_PEM_cert(_element(0x30, content + algorithm + signature)))
        return leaf

    def revoke(self, leaf, list_file, expired=False):
        """Makes a revocation list with this certificate, or an empty one."""
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

    def sign_itself(self, name, key, digest="sha256"):
        """A self-signed leaf: channel binding uses the signature's digest. `key`: "ec:P-384", "rsa:2048", "rsa-pss",
        "ed25519"."""
        leaf = Certificate(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        chosen = () if key == "ed25519" else (f"-{digest}",)
        openssl("req", "-x509", *self._new_key(leaf.key, key), *chosen, "-days", 30, "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost", "-out", leaf.certificate)
        return leaf

    @staticmethod
    def _new_key(path, kind="ec"):
        kind, _, curve = kind.partition(":") if kind.startswith("ec") else (kind, "", "")
        options = ("-pkeyopt", f"ec_paramgen_curve:{curve or 'P-256'}") if kind == "ec" else ()
        if kind == "rsa-pss":
            options = ("-pkeyopt", "rsa_keygen_bits:2048")
        return ("-newkey", kind, *options, "-nodes", "-keyout", path)

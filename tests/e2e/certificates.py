"""certificates.py - an authority of the test's own and certificates for any names and any days, made by openssl.

SPDX-License-Identifier: Apache-2.0"""
import hashlib
import subprocess
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

CONFIG = """
[ca]
default_ca = ours
[ours]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


def openssl(*arguments, stdin=None):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, input=stdin).stdout


def date(days):
    return (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


class Pair:
    """A certificate's chain and its key, as files."""

    def __init__(self, cert, key):
        self.cert, self.key = cert, key

    def __iter__(self):
        return iter((self.cert, self.key))

    def tlsa(self, usage=3, selector=1):
        """Of the chain's first certificate, SHA-256."""
        der = openssl("x509", "-in", self.cert, "-outform", "DER")
        if selector == 1:
            der = openssl("pkey", "-pubin", "-outform", "DER", stdin=openssl("x509", "-in", self.cert, "-noout", "-pubkey"))
        return f"{usage} {selector} 1 {hashlib.sha256(der).hexdigest()}"


class Authority:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="posthorn-ca-"))
        self.folder.chmod(0o755)
        (self.folder / "index.txt").write_text("")
        (self.folder / "ca.conf").write_text(CONFIG.format(folder=self.folder))
        self.count = 0
        self.root = self.self_signed("ca.invalid", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")

    def files(self):
        self.count += 1
        return self.folder / f"{self.count}.pem", self.folder / f"{self.count}.key"

    def self_signed(self, name, *more):
        cert, key = self.files()
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name}", *more,
                "-keyout", key, "-out", cert)
        return Pair(cert, key)

    def issue(self, *names, first_day=-1, last_day=30):
        """Signed by the authority, whose certificate is in the chain."""
        cert, key = self.files()
        request = self.folder / "request"
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={names[0]}",
                "-addext", "subjectAltName=" + ",".join(f"DNS:{n}" for n in names), "-keyout", key, "-out", request)
        openssl("ca", "-batch", "-config", self.folder / "ca.conf", "-cert", self.root.cert, "-keyfile", self.root.key, "-in", request, "-notext",
                "-startdate", date(first_day), "-enddate", date(last_day), "-out", cert)
        cert.write_bytes(cert.read_bytes() + self.root.cert.read_bytes())
        return Pair(cert, key)

    def expired(self, *names):
        return self.issue(*names, first_day=-30, last_day=-2)

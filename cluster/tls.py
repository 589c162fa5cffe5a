"""Encryption between a study's scheduler and workers, with a certificate made for that study.

Both sides show the certificate and accept nothing else: who cannot read its key gets nothing.
"""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import distributed

CERTIFICATE, KEY = "certificate.pem", "key.pem"

WITHOUT_HTTP: dict[str, list[str]] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
"""Dask's pages would tell strangers on this host about the study."""

_VALID_DAYS = 3650
_CLOCK_SKEW_DAYS = 1  # a node whose clock is behind must not find the certificate too young


def study_security(folder: Path) -> distributed.Security:
    """The security of the study whose certificate lies in `folder`; it is made when it is missing.

    The folder and the files can be read by their owner alone.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    if not (folder / CERTIFICATE).exists():  # written last
        _make_certificate(folder)
    return security_in(folder)


def security_in(folder: Path) -> distributed.Security:
    """The security with the certificate that lies in `folder`."""
    certificate, key = str(folder / CERTIFICATE), str(folder / KEY)
    roles = ("client", "scheduler", "worker")
    return distributed.Security(
        require_encryption=True,
        tls_ca_file=certificate,
        **{f"tls_{role}_cert": certificate for role in roles},
        **{f"tls_{role}_key": key for role in roles},
    )


def _make_certificate(folder: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "oneshot-hpo study")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=_CLOCK_SKEW_DAYS))
        .not_valid_after(now + datetime.timedelta(days=_VALID_DAYS))
        .sign(key, hashes.SHA256())
    )
    write_private(
        folder / KEY,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    write_private(folder / CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM))


def write_private(path: Path, content: bytes) -> None:
    """Write a file that its owner alone can read; a reader sees the old or the new content."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)

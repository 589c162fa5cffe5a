"""Encryption between a pool's scheduler and workers, with a new certificate for each pool.

Both sides present the certificate and accept no other: without its key no one can connect. A key is
never stored with a study, whose folder may be given away.
"""

from __future__ import annotations

import contextlib
import datetime
import os
from pathlib import Path

import distributed

from oneshot_hpo.whole_files import write_whole

CREDENTIALS = "credentials.pem"
"""The certificate and its key in one file, so that no reader finds parts of two pairs."""
_OLD_NAMES = ("certificate.pem", "key.pem", "scheduler.json", "worker.sh")
"""Files, including keys, that earlier versions kept in a study's folder."""

WITHOUT_HTTP: dict[str, object] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
"""Dask's pages would show the study to other users of this host."""

_VALID_DAYS = 3650
_CLOCK_SKEW_DAYS = 1  # the certificate must be valid on a node whose clock is behind


def new_security(folder: Path) -> distributed.Security:
    """Security with a new certificate, which replaces an earlier one in `folder`.

    Only its owner can read the file.
    """
    write_private(folder / CREDENTIALS, _new_credentials())
    return security_in(folder)


def security_in(folder: Path) -> distributed.Security:
    """Security with the certificate in `folder`."""
    credentials = str(folder / CREDENTIALS)
    roles = ("client", "scheduler", "worker")
    return distributed.Security(
        require_encryption=True,
        tls_ca_file=credentials,
        **{f"tls_{role}_cert": credentials for role in roles},
        **{f"tls_{role}_key": credentials for role in roles},
    )


def remove_old_key(folder: Path, name: str) -> bool:
    """Remove the key that an earlier version kept in folder/name; returns whether that existed.

    Removes only files with the names of that version, and never through a symbolic link.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    with contextlib.ExitStack() as opened:
        try:
            parent = os.open(folder, flags)
            opened.callback(os.close, parent)
            old = os.open(name, flags, dir_fd=parent)
            opened.callback(os.close, old)
        except OSError:
            return False

        for file in _OLD_NAMES:
            with contextlib.suppress(OSError):
                os.unlink(file, dir_fd=old)
        with contextlib.suppress(OSError):  # it holds other files
            os.rmdir(name, dir_fd=parent)
    return True


def _new_credentials() -> bytes:
    """A certificate and its key, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "oneshot-hpo pool")])
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
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + private


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read; readers see the old or the new content."""
    write_whole(path, content, mode=0o600)

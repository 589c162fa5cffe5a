"""Encryption between a pool's scheduler and workers, with a certificate made for that pool.

Both sides show the certificate and accept nothing else: who cannot read its key gets nothing. A key
is never kept with a study: whoever was given the folder would have it.
"""

from __future__ import annotations

import contextlib
import datetime
import os
from pathlib import Path

import distributed

from oneshot_hpo.whole_files import write_whole

CREDENTIALS = "credentials.pem"
"""The certificate and its key in one file, so that no reader finds halves of two."""
_OLD_NAMES = ("certificate.pem", "key.pem", "scheduler.json", "worker.sh")
"""What earlier versions kept in a study's folder, keys among it."""

WITHOUT_HTTP: dict[str, object] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
"""Dask's pages would tell strangers on this host about the study."""

_VALID_DAYS = 3650
_CLOCK_SKEW_DAYS = 1  # a node whose clock is behind must not find the certificate too young


def new_security(folder: Path) -> distributed.Security:
    """The security of a pool with a new certificate, in place of an earlier one in `folder`.

    The file can be read by its owner alone.
    """
    write_private(folder / CREDENTIALS, _new_credentials())
    return security_in(folder)


def security_in(folder: Path) -> distributed.Security:
    """The security with the certificate that lies in `folder`."""
    credentials = str(folder / CREDENTIALS)
    roles = ("client", "scheduler", "worker")
    return distributed.Security(
        require_encryption=True,
        tls_ca_file=credentials,
        **{f"tls_{role}_cert": credentials for role in roles},
        **{f"tls_{role}_key": credentials for role in roles},
    )


def remove_old_key(folder: Path, name: str) -> bool:
    """Remove the key that an earlier version kept in folder/name; whether there was such a folder.

    Only files of its names, and never through a symbolic link.
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
        with contextlib.suppress(OSError):  # something else lies there
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
    """Write a file that its owner alone can read; a reader sees the old or the new content."""
    write_whole(path, content, mode=0o600)

"""A second, hostile user of this machine."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

import pytest

OTHER = 65534
"""The number of a user who owns nothing: `nobody`, where there is one."""


def needs_another_user() -> None:
    """Skip a test that cannot act as another user."""
    if os.getuid() != 0:
        pytest.skip("only root can act as another user")


def as_other(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a shell script as the other user."""
    needs_another_user()
    return subprocess.run(
        ["/bin/sh", "-c", script, "sh", *map(str, arguments)],
        user=OTHER,
        group=OTHER,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
    )


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder for temporary files that all users share, as /tmp is."""
    folder = Path(tempfile.mkdtemp(prefix="shared-", dir="/tmp"))
    folder.chmod(0o1777)
    try:
        yield folder
    finally:
        rmtree(folder)

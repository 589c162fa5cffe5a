"""Dask's settings: its defaults for our pools, the user's settings for the user's cluster.

Dask reads the user's files and variables when it is imported, and a file of invalid YAML makes the
import fail. So Dask is imported without them; this module imports nothing of Dask before.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_left_out = False


def import_dask_without_user_settings() -> None:
    """Import Dask with its defaults if it would otherwise read settings of the user.

    Call it before anything else imports Dask; later it does nothing.
    """
    global _left_out
    if "dask" in sys.modules or not _has_user_settings():
        return
    _left_out = True
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith("DASK_"):
            del os.environ[name]
    os.environ |= {"HOME": os.devnull, "DASK_ROOT_CONFIG": os.devnull}
    try:
        import dask.config  # noqa: F401 - it reads its settings now, and finds none
    finally:
        del os.environ["HOME"], os.environ["DASK_ROOT_CONFIG"]
        os.environ.update(before)


def load_user_settings() -> None:
    """Load the settings skipped at import. Raises ValueError if a file is not YAML."""
    if not _left_out:
        return
    import dask.config

    dask.config.refresh(paths=[str(place) for place in _places()])


@contextlib.contextmanager
def dask_settings(ours: dict[str, object]) -> Iterator[None]:
    """Within the context, use Dask's defaults and these settings."""
    import dask
    import distributed  # noqa: F401 - registers its defaults

    before = dict(dask.config.config)
    dask.config.refresh(paths=[], env={})
    dask.config.set(ours)
    try:
        yield
    finally:
        dask.config.config.clear()
        dask.config.config.update(before)


def _has_user_settings() -> bool:
    return any(name.startswith("DASK_") for name in os.environ) or any(
        _has_content(file) for place in _places() for file in (place, *place.glob("*"))
    )


def _has_content(file: Path) -> bool:
    """Whether a file has a line that is not a comment: Dask itself creates files of comments."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError:  # a folder, or missing
        return False
    return any(line.strip() and not line.lstrip().startswith(b"#") for line in lines)


def _places() -> list[Path]:
    """Paths of Dask's settings files; later ones take precedence."""
    places = [
        Path(os.environ.get("DASK_ROOT_CONFIG", "/etc/dask")),
        Path(sys.prefix, "etc", "dask"),
    ]
    with contextlib.suppress(RuntimeError):  # a user without a home
        places.append(Path("~/.config/dask").expanduser())
    if chosen := os.environ.get("DASK_CONFIG"):
        places.append(Path(chosen))
    return places

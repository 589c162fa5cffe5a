"""Dask's servers, but for this: the folder of a server's data is not on Python's path.

Dask puts it in front of everything, where a file in it would be imported in a library's place.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import distributed


class _OffPath:
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        with contextlib.suppress(ValueError):
            sys.path.remove(self.local_directory)  # type: ignore[attr-defined]


class Scheduler(_OffPath, distributed.Scheduler):
    """Dask's scheduler."""


class Nanny(_OffPath, distributed.Nanny):
    """Dask's nanny, whose worker is the one below."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, worker_class=Worker, **options)


class Worker(_OffPath, distributed.Worker):
    """Dask's worker."""

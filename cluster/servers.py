"""Dask's servers, without the folder of a server's data on Python's path.

Dask puts it first, so that a file in it would be imported in place of a library.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import distributed


class _WithoutDataPath:
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        with contextlib.suppress(ValueError):
            sys.path.remove(self.local_directory)  # type: ignore[attr-defined]


class Scheduler(_WithoutDataPath, distributed.Scheduler):
    """Dask's scheduler."""


class Nanny(_WithoutDataPath, distributed.Nanny):
    """Dask's nanny, which starts the Worker of this module."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, worker_class=Worker, **options)


class Worker(_WithoutDataPath, distributed.Worker):
    """Dask's worker."""

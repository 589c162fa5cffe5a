"""Dask's servers, without the folder of a server's data on Python's path.

Dask puts it first, so that a file in it would be imported in place of a library.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import distributed

from oneshot_hpo.cluster.leftovers import KILL_SECONDS


class _WithoutDataPath:
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        with contextlib.suppress(ValueError):
            sys.path.remove(self.local_directory)  # type: ignore[attr-defined]


class Scheduler(_WithoutDataPath, distributed.Scheduler):
    """Dask's scheduler."""


class Nanny(_WithoutDataPath, distributed.Nanny):
    """Dask's nanny, which starts the Worker of this module."""

    _last_process: Any = None
    """That of the worker which it had when it was closed."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, worker_class=Worker, **options)

    async def close(self, *arguments: Any, **options: Any) -> Any:
        """Close it, and wait until the worker's process has ended, however busy the machine is.

        Dask waits for a killed process no longer than for one that was asked to end. If it is still
        there when this program ends, Dask logs 'reaping stray process' to standard error.
        """
        if self.process is not None:
            self._last_process = self.process.process
        try:
            return await super().close(*arguments, **options)
        finally:
            process = self._last_process
            if process is not None and process.pid is not None:
                # ValueError: Dask has waited for it already.
                with contextlib.suppress(ValueError, TimeoutError):
                    await process.join(KILL_SECONDS)


class Worker(_WithoutDataPath, distributed.Worker):
    """Dask's worker."""

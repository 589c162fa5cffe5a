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

    _killed: Any = None
    """The process of the last worker, once the nanny is being closed."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, worker_class=Worker, **options)

    async def close(self, *arguments: Any, **options: Any) -> Any:
        """Close it; the worker's process has ended then, however busy the machine is.

        Dask waits for a killed process no longer than its timeout, and this program would tell at
        its end of a stray process.
        """
        if self.process is not None:
            self._killed = self.process.process
        try:
            return await super().close(*arguments, **options)
        finally:
            if self._killed is not None and self._killed.pid is not None:
                with contextlib.suppress(ValueError, TimeoutError):  # it was joined already
                    await self._killed.join(KILL_SECONDS)


class Worker(_WithoutDataPath, distributed.Worker):
    """Dask's worker."""

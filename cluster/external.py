"""The workers of a Dask cluster that somebody else has started and will end."""

from __future__ import annotations

import time
from pathlib import Path

import distributed

from cluster.dask_logs import dask_logs_to
from cluster.pool import DaskPool, PoolError

_CONNECT_SECONDS = 20.0
_COUNT_SECONDS = 1.0  # how long a count of workers holds


class ExternalPool(DaskPool):
    """Runs tasks on the workers of the scheduler at an address, or of a scheduler file.

    Encryption is Dask's own configuration's matter (distributed.comm.tls), as for any client. The
    cluster stays up when the pool is closed. How often a task may die with its worker before the
    pool hears of it is the scheduler's own setting (allowed-failures).

    log: the file for what Dask says in this process. PoolError: the scheduler is not reached.
    """

    def __init__(
        self, *, address: str | None = None, scheduler_file: Path | None = None, log: Path
    ) -> None:
        if scheduler_file is not None and not scheduler_file.is_file():
            raise PoolError(f"no Dask scheduler's file {scheduler_file}")  # Dask would wait for it
        log.parent.mkdir(parents=True, exist_ok=True)
        self._logs = dask_logs_to(log)
        self._logs.__enter__()
        self._counted = (-_COUNT_SECONDS, 0)
        where: dict[str, str] = {}
        if scheduler_file is not None:
            where["scheduler_file"] = str(scheduler_file)
        elif address is not None:
            where["address"] = address
        try:
            client = distributed.Client(**where, set_as_default=False, timeout=_CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            self._logs.__exit__(None, None, None)
            raise PoolError(f"no Dask scheduler at {address or scheduler_file}: {error}") from error
        super().__init__(client)

    @property
    def live_workers(self) -> int:
        """Workers of the cluster, as they were a second ago at most."""
        when, number = self._counted
        if time.monotonic() - when > _COUNT_SECONDS:
            try:
                number = len(self._client.nthreads())
            except (OSError, RuntimeError):
                number = 0  # the scheduler may come back
            self._counted = (time.monotonic(), number)
        return number

    @property
    def standing(self) -> str:
        """How many workers the cluster has."""
        return f"{self.live_workers} alive"

    def close(self) -> None:
        """Leave the cluster; what its workers run goes on to its end, and is not told."""
        super().close()
        self._logs.__exit__(None, None, None)

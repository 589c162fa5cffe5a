"""A pool with its scheduler in this process."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Sequence
from typing import Any

import distributed

from oneshot_hpo.cluster.pool import DaskPool
from oneshot_hpo.cluster.worker import Worker, host_of

_CLOSING_SECONDS = 10.0
"""How long workers may take to close; after that, the end of the process ends them."""
SILENT_SECONDS = 60.0
"""A worker sends a heartbeat every few seconds, whatever it computes."""


class OwnPool(DaskPool):
    """A pool with its scheduler in this process."""

    def __init__(self, cluster: Any, retired: Collection[str] = ()) -> None:
        """cluster: a distributed.SpecCluster. retired: as in DaskPool."""
        super().__init__(distributed.Client(cluster, set_as_default=False), retired)
        self._cluster = cluster

    @property
    def address(self) -> str:
        """Address of the scheduler."""
        return str(self._cluster.scheduler_address)

    def _alive(self) -> Sequence[Worker]:
        running = tuple(self._cluster.scheduler.running)
        return [self._worker(str(state.name), state.address) for state in running]

    def _number_alive(self) -> int:
        return len(self._cluster.scheduler.running)

    def _addresses(self) -> Collection[str]:
        return set(self._cluster.scheduler.workers)

    def _worker(self, name: str, address: str) -> Worker:
        """The worker with this registered name and address."""
        return Worker(address, name, host_of(address))

    @property
    def silent_workers(self) -> int:
        """Number of live workers without a heartbeat for SILENT_SECONDS: frozen, or cut off."""
        return len(self._silences())

    @property
    def status(self) -> str:
        """Number of live and of silent workers, and since when; empty if none is silent."""
        silences = self._silences()
        if not silences:
            return ""
        since = time.strftime("%H:%M:%S", time.localtime(min(silences)))
        return (
            f"{self.live_workers} alive, {len(silences)} of them silent since {since} "
            "(frozen, or cut off)"
        )

    async def _renew(self, worker: Worker) -> None:
        await self._cluster.scheduler.restart_workers(
            [worker.address], wait_for_workers=False, on_error="return", stimulus_id="renewed"
        )

    def _silences(self) -> list[float]:
        """Time of the last heartbeat of each silent worker, in seconds since the epoch."""
        running = tuple(self._cluster.scheduler.running)
        longest_ago = time.time() - SILENT_SECONDS
        return [worker.last_seen for worker in running if worker.last_seen < longest_ago]

    def close(self) -> None:
        """End the workers at once, whatever they run. A second call does nothing."""
        super().close()
        # Dask takes a minute to close a thousand workers; the end of the process ends them, too.
        with contextlib.suppress(TimeoutError):
            self._cluster.close(timeout=_CLOSING_SECONDS)

"""The workers of a Dask cluster that the user starts and ends."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from pathlib import Path

import distributed

from oneshot_hpo.cluster.dask_logs import dask_logs_to
from oneshot_hpo.cluster.dask_settings import load_user_settings
from oneshot_hpo.cluster.errors import PoolError
from oneshot_hpo.cluster.outcome import Outcome
from oneshot_hpo.cluster.pool import DaskPool
from oneshot_hpo.cluster.worker import Worker, host_of

_CONNECT_SECONDS = 60.0
"""How long one attempt to reach the scheduler may take; it may be busy."""
_COUNT_SECONDS = 1.0  # how long a count of workers is valid
_AGAIN_SECONDS = 5.0  # between attempts to reach a lost scheduler


class ExternalPool(DaskPool):
    """Runs tasks on the workers of the scheduler at an address, or in a scheduler file.

    Encryption is set in Dask's configuration (distributed.comm.tls), as for any client. The cluster
    keeps running when the pool is closed. A task that hangs cannot be ended here: its worker gets
    no other task until it ends. If the scheduler or all workers disappear, the pool waits for them,
    or for another scheduler at the same address or in the same file.

    retired: names and hosts of workers that are not to be used. log: file for the messages of Dask
    in this process.

    Raises PoolError if the scheduler cannot be reached.
    """

    patience_seconds = math.inf  # the user may start workers again
    is_private = False  # whether connections are encrypted is up to the user

    def __init__(
        self,
        *,
        address: str | None = None,
        scheduler_file: Path | None = None,
        log: Path,
        retired: Collection[str] = (),
    ) -> None:
        if scheduler_file is not None and not scheduler_file.is_file():
            raise PoolError(f"no Dask scheduler file {scheduler_file}")  # Dask would wait for it

        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            load_user_settings()
        except ValueError as error:
            raise PoolError(f"Dask's configuration cannot be read: {error}") from None
        self._logs = dask_logs_to(log)
        self._logs.__enter__()

        self._listed: tuple[float, list[Worker] | None] = (-_COUNT_SECONDS, None)
        self._gone_since: str | None = None  # time of day at which the scheduler was lost
        self._scheduler: str | None = None  # its identity: a new scheduler knows no tasks
        self._changed = -math.inf  # when it was last lost or replaced; monotonic
        self._none_since: str | None = None  # time of day since when there are no workers
        self._attempt: Future[distributed.Client] | None = None  # to reach a lost scheduler
        self._not_before = 0.0

        self._where: dict[str, str] = {}
        if scheduler_file is not None:
            self._where["scheduler_file"] = str(scheduler_file)
        elif address is not None:
            self._where["address"] = address

        try:
            client = self._connected()
        except (OSError, ValueError) as error:
            self._logs.__exit__(None, None, None)
            raise PoolError(f"no Dask scheduler at {address or scheduler_file}: {error}") from error
        super().__init__(client, retired)

    def _alive(self) -> Sequence[Worker]:
        """Workers of the cluster, at most a second old."""
        return self._known() or ()

    def _addresses(self) -> Collection[str] | None:
        workers = self._known()
        return None if workers is None else {worker.address for worker in workers}

    def _known(self) -> list[Worker] | None:
        when, workers = self._listed
        if time.monotonic() - when > _COUNT_SECONDS:
            workers = self._look()
            self._listed = (time.monotonic(), workers)
        return workers

    def _never_began(self, key: str, worker: Worker) -> Outcome:
        if self._changed > self._running[key].began:
            return Outcome(key, lost="the scheduler was lost", taken=True, worker=worker)
        # A scheduler that allows failures waits silently for the same worker.
        return Outcome(key, lost=f"its worker {worker.name} died", worker=worker)

    @property
    def status(self) -> str:
        """Number of workers, or since when there is no worker or no scheduler."""
        if self._alive():
            unused = len(self._alive()) - self.live_workers
            return f"{len(self._alive())} alive" + (f", {unused} not used" if unused else "")
        if self._gone_since is not None:
            return f"no scheduler since {self._gone_since}; waiting for one"
        return f"no worker since {self._none_since}; waiting for one"

    def close(self) -> None:
        """Disconnect; running tasks continue to their end, and their results are dropped."""
        super().close()
        if self._attempt is not None:
            self._attempt.add_done_callback(_close)
        self._logs.__exit__(None, None, None)

    def _look(self) -> list[Worker] | None:
        """The workers now; None while the scheduler is lost, after an attempt to reach it."""
        workers = None
        try:
            if self._client.status == "closed":  # it has given up
                self._connect_again()
            if self._client.status == "running":
                addresses = sorted(self._client.nthreads())
                workers = [Worker(address, address, host_of(address)) for address in addresses]
                self._note_scheduler(self._client.scheduler_info()["id"])
        except (OSError, RuntimeError):
            workers = None
        if workers is None:
            self._note_scheduler(None)
        self._gone_since = (self._gone_since or _now()) if workers is None else None
        self._none_since = None if workers else self._none_since or _now()
        return workers

    def _note_scheduler(self, identity: str | None) -> None:
        if identity != self._scheduler:
            self._scheduler, self._changed = identity, time.monotonic()

    def _connect_again(self) -> None:
        """Replace a closed client. Raises OSError or ValueError until a scheduler is reached.

        Each attempt runs in a thread, however long it takes; later calls look at its result.
        """
        if self._attempt is None:
            if time.monotonic() < self._not_before:
                raise OSError("not yet")
            self._attempt = _run_in_thread(self._connected)
        if not self._attempt.done():
            raise OSError("not yet")
        attempt, self._attempt = self._attempt, None
        self._not_before = time.monotonic() + _AGAIN_SECONDS
        self._client = attempt.result()
        for key, running in self._running.items():
            lost = Outcome(key, lost="the scheduler was lost", taken=True, worker=running.worker)
            self._ended.put((running.number, lost))

    def _connected(self) -> distributed.Client:
        return distributed.Client(**self._where, set_as_default=False, timeout=_CONNECT_SECONDS)


def _run_in_thread(connect: Callable[[], distributed.Client]) -> Future[distributed.Client]:
    """Call `connect` in a daemon thread, for which the end of this process does not wait."""
    future: Future[distributed.Client] = Future()

    def run() -> None:
        try:
            future.set_result(connect())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=run, name="dask scheduler", daemon=True).start()
    return future


def _close(attempt: Future[distributed.Client]) -> None:
    """Close a client that connected too late."""
    if attempt.exception() is None:
        attempt.result().close()


def _now() -> str:
    return time.strftime("%H:%M:%S")

"""Tasks in, outcomes out: what the master needs of a Dask cluster, wherever its workers run."""

import abc
import asyncio
import contextlib
import itertools
import queue
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import distributed
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from cluster.stopping import TaskStopped
from cluster.task import Ended, run_task

_CLOSING_SECONDS = 10.0
"""How long workers may take to part politely; after that they are parted by the process's end."""
SILENT_SECONDS = 60.0
"""A worker says something every few seconds, whatever it computes."""


class PoolError(RuntimeError):
    """The pool itself cannot work, for instance because no worker process starts."""


@dataclass(frozen=True)
class Outcome:
    """How one submitted task ended; exactly one of three endings.

    value: what the function returned (when neither of the others is set).
    error: the exception that the function raised.
    lost: why the infrastructure lost the task (its worker was killed, ...); the function may
        have run in part or even to its end, so it has to be safe to run again.

    taken: with `lost`: the worker was taken away (time limit, preemption, ...), which is no fault
        of the task; a worker that died may have died of it.
    log: with `lost`: the last lines that the worker wrote, where they are known.
    """

    key: str
    value: Any = None
    error: Exception | None = None
    lost: str | None = None
    taken: bool = False
    log: str = ""


class _Task(NamedTuple):
    key: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class DaskPool(abc.ABC):
    """Runs functions on the workers of a Dask cluster, never more than one a worker.

    A task is handed to Dask only when a worker is idle. So no task queues behind another one
    on a worker, and none is lost with a worker that it had not started on.
    """

    patience_seconds = 600.0
    """How long there may be no worker at all until something must be wrong: it ends a hang only.

    A worker's process may take minutes to start on a busy machine or a slow file system.
    """

    def __init__(self, client: distributed.Client) -> None:
        self._client: Any = client
        self._waiting: deque[_Task] = deque()
        self._running: dict[str, int] = {}  # the attempt at each task that counts
        self._ended: queue.SimpleQueue[tuple[int, Outcome]] = queue.SimpleQueue()
        self._attempts = itertools.count()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    @abc.abstractmethod
    def live_workers(self) -> int:
        """Workers that are registered with the scheduler and take tasks now."""

    @property
    def standing(self) -> str:
        """How the workers stand, in a few words; empty if there is nothing to say."""
        return ""

    @property
    def silent_workers(self) -> int:
        """Live workers that have not been heard of for SILENT_SECONDS: frozen, or cut off."""
        return 0

    @property
    def in_flight(self) -> int:
        """Tasks that were submitted and whose outcome was not handed out yet."""
        return len(self._waiting) + len(self._running)

    @property
    def running(self) -> int:
        """Tasks on workers that are there and are heard of; the others wait."""
        return max(0, min(len(self._running), self.live_workers) - self.silent_workers)

    def submit(self, key: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Run function(*args, **kwargs) on a worker; its Outcome will carry `key`.

        ValueError: a task of this key is in flight already.
        """
        if key in self._running or any(task.key == key for task in self._waiting):
            raise ValueError(f"task {key} is in flight already")
        self._waiting.append(_Task(key, function, args, kwargs))
        self._dispatch()

    def next_outcomes(self, timeout: float) -> list[Outcome]:
        """Outcomes since the last call; waits up to `timeout` seconds for the first one.

        A task that was submitted has one outcome, whatever its workers send and however late.
        """
        self._dispatch()
        try:
            ended = [self._ended.get(timeout=timeout)]
        except queue.Empty:
            return []
        while not self._ended.empty():
            ended.append(self._ended.get())
        outcomes = []
        for attempt, outcome in ended:
            if self._running.get(outcome.key) == attempt:
                del self._running[outcome.key]
                outcomes.append(outcome)
        self._dispatch()
        return outcomes

    def check(self) -> None:  # noqa: B027 - most pools know of no such thing
        """Raise PoolError if there will never be a worker."""

    def close(self) -> None:
        """End the workers at once, whatever they are running. Again, it does nothing."""
        with contextlib.suppress(TimeoutError):
            self._client.close(timeout=1)

    def hand_over(self) -> None:
        """End, but leave workers that can wait for it to the next master."""
        self.close()

    async def _loss(self, key: str, worker: str) -> Outcome:
        """What is to be said of a task whose worker of that name has gone."""
        return Outcome(key, lost=f"its worker {worker} died")

    async def _renew(self, worker: str) -> None:  # noqa: B027 - not what is somebody else's
        """Replace the process of the worker at this address; returns when it takes no tasks."""

    def _dispatch(self) -> None:
        while self._waiting and len(self._running) < self.live_workers:
            task = self._waiting.popleft()
            attempt = self._running[task.key] = next(self._attempts)
            # Every attempt has a Dask key of its own: Dask never takes one for another, and no
            # result of an earlier attempt is handed out for a later one. All are of one kind, the
            # first word: a worker whose task is of a kind that has never ended seems idle to Dask.
            future = self._client.submit(
                run_task,
                task.function,
                task.args,
                task.kwargs,
                key=("trial", f"{task.key}#{attempt}"),
                pure=False,
            )
            asyncio.run_coroutine_threadsafe(
                self._watch(task.key, attempt, future), self._client.loop.asyncio_loop
            )

    async def _watch(self, key: str, attempt: int, future: distributed.Future) -> None:
        try:
            outcome = await self._outcome(key, future)
        except Exception as error:
            outcome = Outcome(key, error=error)
        finally:
            future.release()
        self._ended.put((attempt, outcome))

    async def _outcome(self, key: str, future: distributed.Future) -> Outcome:
        try:
            ended: Ended = await self._client.gather(future, asynchronous=True)
        except KilledWorker as death:
            return await self._loss(key, str(death.last_worker.name))
        except TaskStopped as stop:
            return Outcome(key, lost=str(stop), taken=True)
        except (CommClosedError, distributed.CancelledError, asyncio.CancelledError) as loss:
            # Of the master's, the scheduler's or a worker's network; a task cannot do that.
            name = type(loss).__name__
            return Outcome(key, lost=f"the connection to it was lost ({name})", taken=True)
        if ended.left_threads:
            await self._renew(ended.worker)
        return Outcome(key, ended.value)


class OwnPool(DaskPool):
    """A pool whose scheduler lives in this process."""

    def __init__(self, cluster: Any) -> None:
        """Use `cluster`, a distributed.SpecCluster."""
        super().__init__(distributed.Client(cluster, set_as_default=False))
        self._cluster = cluster

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        return str(self._cluster.scheduler_address)

    @property
    def live_workers(self) -> int:
        """Workers that are registered with the scheduler and take tasks now."""
        return len(self._cluster.scheduler.running)

    @property
    def silent_workers(self) -> int:
        """Live workers that have not been heard of for SILENT_SECONDS: frozen, or cut off."""
        return len(self._silences())

    @property
    def standing(self) -> str:
        """How many workers are alive and since when how many are silent; empty if none is."""
        silences = self._silences()
        if not silences:
            return ""
        since = time.strftime("%H:%M:%S", time.localtime(min(silences)))
        return (
            f"{self.live_workers} alive, {len(silences)} of them not heard of since {since} "
            "(frozen, or cut off)"
        )

    async def _renew(self, worker: str) -> None:
        """Replace the process of the worker at this address; returns when it takes no tasks."""
        await self._cluster.scheduler.restart_workers(
            [worker], wait_for_workers=False, on_error="return", stimulus_id="renewed"
        )

    def _silences(self) -> list[float]:
        """When those live workers that are silent were last heard of, in seconds since 1970."""
        running = tuple(self._cluster.scheduler.running)
        longest_ago = time.time() - SILENT_SECONDS
        return [worker.last_seen for worker in running if worker.last_seen < longest_ago]

    def close(self) -> None:
        """End the workers at once, whatever they are running. Again, it does nothing."""
        super().close()
        # Dask takes a minute to part with a thousand workers; the process's end parts them, too.
        with contextlib.suppress(TimeoutError):
            self._cluster.close(timeout=_CLOSING_SECONDS)

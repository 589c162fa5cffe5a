"""The pool: submit tasks to a Dask cluster and collect outcomes, wherever its workers run."""

import abc
import asyncio
import contextlib
import itertools
import queue
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, Self

import distributed
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from oneshot_hpo.cluster.outcome import Outcome
from oneshot_hpo.cluster.stopping import TaskStopped
from oneshot_hpo.cluster.task import TaskFailed, TaskLost, TaskReturn, run_task
from oneshot_hpo.cluster.worker import Retirement, Worker, elsewhere

_GONE_SECONDS = 5.0
"""How long Dask may take to report a task whose worker is no longer registered."""


class Task(NamedTuple):
    """A task in the queue."""

    key: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    avoid: tuple[Worker, ...]
    since: float  # submitted, monotonic


class _Attempt(NamedTuple):
    number: int
    worker: Worker
    began: float  # monotonic
    future: distributed.Future


class DaskPool(abc.ABC):
    """Runs functions on the workers of a Dask cluster, at most one per worker at a time.

    A task is passed to Dask only when a worker is idle. So no task waits behind another on a
    worker, and none is lost with a worker on which it has not started.
    """

    patience_seconds = 600.0
    """How long there may be no worker at all before that is an error.

    It only ends a hang: a worker may take minutes to start on a busy machine or slow file system.
    """

    another_seconds = 30.0
    """How long a task waits for a worker other than those to avoid."""

    is_private = True
    """Whether what a task carries to its worker is seen by nobody else."""

    def __init__(self, client: distributed.Client, retired: Collection[str] = ()) -> None:
        """retired: names and hosts of workers that are not to be used."""
        self._client: Any = client
        self._waiting: deque[Task] = deque()
        self._running: dict[str, _Attempt] = {}  # the current attempt at each task
        self._ended: queue.SimpleQueue[tuple[int, Outcome]] = queue.SimpleQueue()
        self._attempts = itertools.count()
        self._retired = set(retired)
        self._hung: dict[str, int] = {}  # by worker's address: an attempt that was abandoned
        self._gone: dict[int, float] = {}  # by attempt: since when its worker is not registered

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @abc.abstractmethod
    def _alive(self) -> Sequence[Worker]:
        """Workers that are registered with the scheduler and take tasks, including retired ones."""

    def _number_alive(self) -> int:
        """Number of workers in `_alive`."""
        return len(self._alive())

    @abc.abstractmethod
    def _addresses(self) -> Collection[str] | None:
        """Addresses of all registered workers; None if the scheduler is not reached."""

    @property
    def live_workers(self) -> int:
        """Number of workers that take tasks: registered, not retired, without a task that hung."""
        if self._retired or self._hung:
            return len(self._usable())
        return self._number_alive()

    def _usable(self) -> list[Worker]:
        return [
            worker
            for worker in self._alive()
            if not self._retired & {worker.name, worker.host} and worker.address not in self._hung
        ]

    @property
    def status(self) -> str:
        """The state of the workers in a few words; empty if all is normal."""
        return ""

    @property
    def silent_workers(self) -> int:
        """Number of live workers without a recent heartbeat: frozen, or cut off."""
        return 0

    @property
    def in_flight(self) -> int:
        """Number of submitted tasks whose outcome has not been returned yet."""
        return len(self._waiting) + len(self._running)

    @property
    def running(self) -> int:
        """Number of tasks on workers that are alive and not silent; the others wait."""
        return max(0, min(len(self._running), self.live_workers) - self.silent_workers)

    def submit(
        self,
        key: str,
        function: Callable[..., Any],
        *args: Any,
        avoid: Sequence[Worker] = (),
        **kwargs: Any,
    ) -> None:
        """Run function(*args, **kwargs) on a worker; its Outcome will carry `key`.

        avoid: workers on which it failed. It runs on another host if there is one, else on another
        worker, else in a new process of the same worker (in the same process if this pool cannot
        replace it).

        Raises ValueError if a task with this key is in flight.
        """
        if key in self._running or any(task.key == key for task in self._waiting):
            raise ValueError(f"task {key} is in flight already")
        self._waiting.append(Task(key, function, args, kwargs, tuple(avoid), time.monotonic()))
        self._dispatch()

    @property
    def busy_seconds(self) -> dict[str, float]:
        """Seconds that each running task has been on its worker, by key."""
        now = time.monotonic()
        return {key: now - attempt.began for key, attempt in self._running.items()}

    def give_up(self, key: str, reason: str) -> None:
        """Abandon a running task that hangs: its outcome is `failed`, at once.

        The worker gets no other task until its process is replaced or this task ends.
        """
        attempt = self._running[key]
        self._hung[attempt.worker.address] = attempt.number
        self._ended.put((attempt.number, Outcome(key, failed=reason, worker=attempt.worker)))
        self._soon(self._end(attempt.worker))

    def retire(self, worker: Worker) -> Retirement | None:
        """Give no more tasks to a failing worker and others on its host; None if it is needed.

        If all workers are on one host, only this worker is retired. The last worker never is.
        """
        others = [other for other in self._usable() if other.name != worker.name]
        if not others:
            return None
        whole_host = any(other.host != worker.host for other in others)
        place = worker.host if whole_host else worker.name
        self._retired.add(place)
        return Retirement(place, f"host {worker.host}" if whole_host else f"worker {worker.name}")

    def next_outcomes(self, timeout: float) -> list[Outcome]:
        """Outcomes since the last call; waits up to `timeout` seconds for the first one.

        Each submitted task has exactly one outcome, whatever its workers send and however late.
        """
        self._find_lost_workers()
        self._dispatch()
        try:
            ended = [self._ended.get(timeout=timeout)]
        except queue.Empty:
            return []
        while not self._ended.empty():
            ended.append(self._ended.get())
        outcomes = []
        for attempt, outcome in ended:
            current = self._running.get(outcome.key)
            if current is not None and current.number == attempt:
                del self._running[outcome.key]
                outcomes.append(outcome)
        self._dispatch()
        return outcomes

    def check(self) -> None:  # noqa: B027 - most pools cannot know
        """Raise PoolError if there will never be a worker."""

    def close(self) -> None:
        """End the workers at once, whatever they run. A second call does nothing."""
        with contextlib.suppress(TimeoutError):
            self._client.close(timeout=1)

    def hand_over(self) -> None:
        """Close the pool; workers that can wait for another master keep running."""
        self.close()

    async def _loss(self, key: str, worker: Worker) -> Outcome:
        """The outcome of a task whose worker is lost."""
        return Outcome(key, lost=f"its worker {worker.name} died", worker=worker)

    def _never_began(self, key: str, worker: Worker) -> Outcome:
        """The outcome of a task whose worker is lost, if Dask does not report it."""
        lost = f"its worker {worker.name} was lost before it began"
        return Outcome(key, lost=lost, taken=True, worker=worker)

    async def _renew(self, worker: Worker) -> None:  # noqa: B027 - not in a user's cluster
        """Replace the process of a worker; returns once the old one takes no tasks."""

    async def _end(self, worker: Worker) -> None:
        """Replace the process of a worker that hangs."""
        await self._renew(worker)

    def _expects_another(self, task: Task) -> bool:
        """Whether a worker other than those to avoid may still register."""
        return time.monotonic() - task.since < self.another_seconds

    def _find_lost_workers(self) -> None:
        """End attempts whose worker disappeared before they began: Dask would wait for it."""
        registered = self._addresses()
        if registered is None:
            return
        now = time.monotonic()
        for key, attempt in self._running.items():
            if attempt.worker.address in registered or attempt.future.status != "pending":
                self._gone.pop(attempt.number, None)
            elif now - self._gone.setdefault(attempt.number, now) > _GONE_SECONDS:
                del self._gone[attempt.number]
                self._ended.put((attempt.number, self._never_began(key, attempt.worker)))

    def _dispatch(self) -> None:
        if not self._waiting:
            return
        if not (self._retired or self._hung) and len(self._running) >= self.live_workers:
            return
        usable = self._usable()
        busy = {attempt.worker.address for attempt in self._running.values()}
        idle = [worker for worker in usable if worker.address not in busy]
        kept: list[Task] = []
        while self._waiting and idle:
            task = self._waiting.popleft()
            worker = self._worker_for(task, idle, usable)
            if worker is None:
                kept.append(task)
            else:
                idle.remove(worker)
                self._start(task, worker)
        self._waiting.extendleft(reversed(kept))

    def _worker_for(
        self, task: Task, idle: Sequence[Worker], usable: Sequence[Worker]
    ) -> Worker | None:
        """An idle worker for a task; None if the task has to wait for another one."""
        if not task.avoid:
            return idle[0]
        others = elsewhere(usable, task.avoid)
        if others:
            return next((worker for worker in idle if worker in others), None)
        if self._expects_another(task):
            return None
        tried = {worker.address for worker in task.avoid}
        return next((worker for worker in idle if worker.address not in tried), idle[0])

    def _start(self, task: Task, worker: Worker) -> None:
        number = next(self._attempts)
        # Each attempt has its own Dask key, so Dask never returns the result of an earlier
        # attempt for a later one.
        future = self._client.submit(
            run_task,
            task.function,
            task.args,
            task.kwargs,
            key=("trial", f"{task.key}#{number}"),
            pure=False,
            workers=[worker.address],
            allow_other_workers=False,
        )
        self._running[task.key] = _Attempt(number, worker, time.monotonic(), future)
        self._soon(self._watch(task.key, number, worker, future))

    def _soon(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._client.loop.asyncio_loop)

    async def _watch(
        self, key: str, number: int, worker: Worker, future: distributed.Future
    ) -> None:
        try:
            outcome = await self._outcome(key, worker, future)
        except Exception as error:
            outcome = Outcome(key, error=error, worker=worker)
        finally:
            future.release()
        if self._hung.get(worker.address) == number:
            del self._hung[worker.address]
        self._ended.put((number, outcome))

    async def _outcome(self, key: str, worker: Worker, future: distributed.Future) -> Outcome:
        try:
            ended: TaskReturn = await self._client.gather(future, asynchronous=True)
        except KilledWorker:
            return await self._loss(key, worker)
        except TaskFailed as failure:
            await self._renew(worker)
            return Outcome(key, failed=str(failure), worker=worker)
        except TaskLost as loss:
            return Outcome(key, lost=f"{loss} (on worker {worker.name})", left=True, worker=worker)
        except TaskStopped as stop:
            return Outcome(key, lost=str(stop), taken=True, worker=worker)
        except (CommClosedError, distributed.CancelledError, asyncio.CancelledError) as loss:
            # A fault of the network or the scheduler; a task cannot cause it.
            name = type(loss).__name__
            lost = f"the connection to it was lost ({name})"
            return Outcome(key, lost=lost, taken=True, worker=worker)
        if ended.left_threads:
            await self._renew(worker)
        return Outcome(key, ended.value, worker=worker)

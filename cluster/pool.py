"""Tasks in, outcomes out: what the master needs of a Dask cluster, wherever its workers run."""

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
from oneshot_hpo.cluster.task import TaskFailed, TaskReturn, run_task
from oneshot_hpo.cluster.worker import Retirement, Worker, elsewhere

_GONE_SECONDS = 5.0
"""How long Dask may take to say what became of a task whose worker is not registered any more."""


class Task(NamedTuple):
    """A task that waits for a worker."""

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
    """Runs functions on the workers of a Dask cluster, never more than one a worker.

    A task is handed to Dask only when a worker is idle. So no task queues behind another one
    on a worker, and none is lost with a worker that it had not started on.
    """

    patience_seconds = 600.0
    """How long there may be no worker at all until something must be wrong: it ends a hang only.

    A worker's process may take minutes to start on a busy machine or a slow file system.
    """

    another_seconds = 30.0
    """How long a task waits for another worker than those to avoid, where none is there."""

    def __init__(self, client: distributed.Client, retired: Collection[str] = ()) -> None:
        """retired: the names and hosts of workers that are not to be used."""
        self._client: Any = client
        self._waiting: deque[Task] = deque()
        self._running: dict[str, _Attempt] = {}  # the attempt at each task that counts
        self._ended: queue.SimpleQueue[tuple[int, Outcome]] = queue.SimpleQueue()
        self._attempts = itertools.count()
        self._retired = set(retired)
        self._hung: dict[str, int] = {}  # addresses of workers with an attempt that was given up
        self._gone: dict[int, float] = {}  # attempts whose worker is not registered, and since when

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @abc.abstractmethod
    def _alive(self) -> Sequence[Worker]:
        """Workers that are registered with the scheduler and take tasks now, retired ones too."""

    def _number_alive(self) -> int:
        """How many they are."""
        return len(self._alive())

    @abc.abstractmethod
    def _addresses(self) -> Collection[str] | None:
        """Addresses of all workers that are registered; None: the scheduler is not reached."""

    @property
    def live_workers(self) -> int:
        """Workers that take tasks now: registered, not retired, and not with a task that hung."""
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
        """How the workers stand, in a few words; empty if there is nothing to say."""
        return ""

    @property
    def silent_workers(self) -> int:
        """Live workers that have not been heard of for a while: frozen, or cut off."""
        return 0

    @property
    def in_flight(self) -> int:
        """Tasks that were submitted and whose outcome was not handed out yet."""
        return len(self._waiting) + len(self._running)

    @property
    def running(self) -> int:
        """Tasks on workers that are there and are heard of; the others wait."""
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

        avoid: workers on which it failed. It runs on another host where there is one, else on
        another worker, else in a new process of the same worker; on a worker that is not this
        pool's to replace, in the same process.

        ValueError: a task of this key is in flight already.
        """
        if key in self._running or any(task.key == key for task in self._waiting):
            raise ValueError(f"task {key} is in flight already")
        self._waiting.append(Task(key, function, args, kwargs, tuple(avoid), time.monotonic()))
        self._dispatch()

    @property
    def busy_seconds(self) -> dict[str, float]:
        """How long each task that is on a worker has been there, by key."""
        now = time.monotonic()
        return {key: now - attempt.began for key, attempt in self._running.items()}

    def give_up(self, key: str, reason: str) -> None:
        """Of a task on a worker that hangs: its outcome comes at once, as failed.

        The worker gets no other task until its process is a new one, or this task has ended.
        """
        attempt = self._running[key]
        self._hung[attempt.worker.address] = attempt.number
        self._ended.put((attempt.number, Outcome(key, failed=reason, worker=attempt.worker)))
        self._soon(self._end(attempt.worker))

    def retire(self, worker: Worker) -> Retirement | None:
        """Give a worker that fails no task any more, nor any other on its host; None: it is needed.

        Where every worker is on one host, only this worker is retired; and the last one never is.
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

        A task that was submitted has one outcome, whatever its workers send and however late.
        """
        self._look_for_gone()
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

    def check(self) -> None:  # noqa: B027 - most pools know of no such thing
        """Raise PoolError if there will never be a worker."""

    def close(self) -> None:
        """End the workers at once, whatever they are running. Again, it does nothing."""
        with contextlib.suppress(TimeoutError):
            self._client.close(timeout=1)

    def hand_over(self) -> None:
        """End, but leave workers that can wait for it to the next master."""
        self.close()

    async def _loss(self, key: str, worker: Worker) -> Outcome:
        """What is to be said of a task whose worker has gone."""
        return Outcome(key, lost=f"its worker {worker.name} died", worker=worker)

    def _never_began(self, key: str, worker: Worker) -> Outcome:
        """What is to be said of a task whose worker has gone, without a word of Dask's."""
        lost = f"its worker {worker.name} went before it began"
        return Outcome(key, lost=lost, taken=True, worker=worker)

    async def _renew(self, worker: Worker) -> None:  # noqa: B027 - not what is somebody else's
        """Replace the process of a worker; returns when it takes no tasks."""

    async def _end(self, worker: Worker) -> None:
        """Replace the process of a worker that hangs."""
        await self._renew(worker)

    def _expects_another(self, task: Task) -> bool:
        """Whether a worker may come that is not one of those to avoid."""
        return time.monotonic() - task.since < self.another_seconds

    def _look_for_gone(self) -> None:
        """A task can be on its way to a worker that goes: Dask would keep it for that one."""
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
        """An idle worker for a task; None: the one that it should get is not idle yet."""
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
        # Every attempt has a Dask key of its own: Dask never takes one for another, and no
        # result of an earlier attempt is handed out for a later one.
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
        except TaskStopped as stop:
            return Outcome(key, lost=str(stop), taken=True, worker=worker)
        except (CommClosedError, distributed.CancelledError, asyncio.CancelledError) as loss:
            # Of the master's, the scheduler's or a worker's network; a task cannot do that.
            name = type(loss).__name__
            lost = f"the connection to it was lost ({name})"
            return Outcome(key, lost=lost, taken=True, worker=worker)
        if ended.left_threads:
            await self._renew(worker)
        return Outcome(key, ended.value, worker=worker)

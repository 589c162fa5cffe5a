"""Many independent tasks on a pool of processes of this machine."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from oneshot_hpo.cluster.errors import PoolError
from oneshot_hpo.cluster.local import LocalPool

_MAX_ATTEMPTS = 3  # of a task whose process dies


def run_all(
    tasks: Mapping[str, tuple[Callable[..., Any], *tuple[Any, ...]]],
    *,
    workers: int,
    gpus: Sequence[int | str] = (),
    scratch: Path,
    while_waiting: Callable[[], None] = lambda: None,
) -> Generator[tuple[str, Any]]:
    """Run (function, *arguments) by key, in this order, and yield key and result as each ends.

    while_waiting: called about twice a second.

    What a function raises is raised here. PoolError: a task's process died three times, or none
    starts. KeyboardInterrupt: SIGINT or SIGTERM came; the processes have ended.
    """
    waiting = list(tasks)[::-1]
    running = 0
    lost: Counter[str] = Counter()
    with (
        _terminated_like_interrupted(),
        LocalPool(workers=workers, threads=1, gpus=gpus, scratch=scratch) as pool,
    ):
        while waiting or running:
            while waiting and running < 2 * workers:
                key = waiting.pop()
                function, *arguments = tasks[key]
                pool.submit(key, function, *arguments)
                running += 1
            while_waiting()
            for outcome in pool.next_outcomes(timeout=0.5):
                running -= 1
                if outcome.error is not None:
                    raise outcome.error
                if outcome.lost is None:
                    yield outcome.key, outcome.value
                    continue
                lost[outcome.key] += 1
                if lost[outcome.key] == _MAX_ATTEMPTS:
                    raise PoolError(f"{outcome.key} was lost {_MAX_ATTEMPTS} times: {outcome.lost}")
                waiting.append(outcome.key)


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """While inside, a SIGTERM ends work as Ctrl-C does: what was begun is closed. A second kills.

    Without a word it would leave processes, and semaphores of which Python complains.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, before)
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

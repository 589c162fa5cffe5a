"""Many independent tasks on a pool of processes of this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cluster.local import LocalPool
from cluster.pool import PoolError
from experiments.errors import StudyStopped, one_line

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

    What a function raises is raised here. StudyStopped: a task's process died three times, or none
    starts.
    """
    waiting = list(tasks)[::-1]
    running = 0
    lost: Counter[str] = Counter()
    try:
        opened = LocalPool(workers=workers, threads=1, gpus=gpus, scratch=scratch)
    except PoolError as error:
        raise StudyStopped(one_line(error)) from error
    with opened as pool:
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
                    raise StudyStopped(
                        f"{outcome.key} was lost {_MAX_ATTEMPTS} times: {outcome.lost}"
                    )
                waiting.append(outcome.key)

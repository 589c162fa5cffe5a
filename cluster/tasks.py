"""Many independent tasks on a pool of local processes."""

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
from oneshot_hpo.foreign import packed

_MAX_ATTEMPTS = 3  # at a task whose process dies


def run_all(
    tasks: Mapping[str, tuple[Callable[..., Any], *tuple[Any, ...]]],
    *,
    workers: int,
    gpus: Sequence[int | str] = (),
    scratch: Path,
    while_waiting: Callable[[], None] = lambda: None,
) -> Generator[tuple[str, Any]]:
    """Run {key: (function, *arguments)} in this order; yield (key, result) as each task ends.

    while_waiting: called about twice a second.

    Raises the exceptions of the functions, PoolError if a task's process died three times or none
    starts, and KeyboardInterrupt after SIGINT or SIGTERM, once the processes have ended.
    """
    waiting = list(tasks)[::-1]
    running = 0
    lost: Counter[str] = Counter()

    with (
        _sigterm_as_interrupt(),
        LocalPool(workers=workers, threads=1, gpus=gpus, scratch=scratch) as pool,
    ):
        while waiting or running:
            while waiting and running < 2 * workers:
                key = waiting.pop()
                pool.submit(key, *packed(*tasks[key]))
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
def _sigterm_as_interrupt() -> Iterator[None]:
    """Within the context, SIGTERM raises KeyboardInterrupt, so that all is closed; a second kills.

    Otherwise SIGTERM would leave processes and semaphores behind.
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

"""Counts failures that a worker may have caused: by trial and by worker."""

from __future__ import annotations

from collections.abc import Sequence

from oneshot_hpo.cluster.worker import Worker
from oneshot_hpo.hpo import StudyView

_ATTEMPTS = 2
"""Failures of a trial until it counts as crashed; the second on another worker, if possible."""
_SICK = 2
"""Different trials that fail on a worker in a row until it counts as sick."""


class Failures:
    """The failures that one master has seen; the next master counts from zero."""

    def __init__(self) -> None:
        self._tried: dict[str, list[Worker]] = {}  # by trial
        self._left: dict[str, list[Worker]] = {}  # by trial
        self._in_a_row: dict[str, list[str]] = {}  # trials, by the name of a worker

    def add(self, key: str, worker: Worker) -> None:
        """Record that a trial failed on a worker."""
        self._tried.setdefault(key, []).append(worker)
        self._in_a_row.setdefault(worker.name, []).append(key)

    def leave(self, key: str, worker: Worker) -> None:
        """Record that a trial gave up a worker, without having failed."""
        self._left.setdefault(key, []).append(worker)

    def tried(self, key: str) -> Sequence[Worker]:
        """The workers on which a trial has failed so far."""
        return self._tried.get(key, ())

    def avoided(self, key: str) -> Sequence[Worker]:
        """The workers on which a trial has failed, or which it gave up."""
        return (*self.tried(key), *self._left.get(key, ()))

    def is_data(self, key: str) -> bool:
        """Whether a trial has failed often enough to be the cause itself.

        Its failures then no longer count against its workers.
        """
        if len(self.tried(key)) < _ATTEMPTS:
            return False
        for worker in self._tried.pop(key):
            names = self._in_a_row.get(worker.name, [])
            self._in_a_row[worker.name] = [name for name in names if name != key]
        return True

    def is_sick(self, worker: Worker) -> bool:
        """Whether different trials have failed on a worker in a row."""
        return len(set(self._in_a_row.get(worker.name, ()))) >= _SICK

    def on(self, worker: Worker) -> Sequence[str]:
        """The trials that have failed on a worker in a row."""
        return list(dict.fromkeys(self._in_a_row.get(worker.name, ())))

    def ended(self, key: str, worker: Worker | None) -> None:
        """Record that a trial finished on a worker, with a loss or with a crash of its own."""
        self._tried.pop(key, None)
        self._left.pop(key, None)
        if worker is not None:
            self._in_a_row.pop(worker.name, None)


def first_bracket_crashed(study: StudyView) -> str | None:
    """The exception if every evaluation of a finished first bracket crashed with it; else None.

    Exceptions are compared by name, not by message.
    """
    results = [result for trial, result in study.evaluations if study.bracket_of(trial) == 0]
    planned = sum(rung.planned for rung in study.brackets[0].rungs)
    if len(results) < planned or not all(result.crashed for result in results):
        return None
    names = {str(result.exception).partition(":")[0] for result in results}
    return results[-1].exception if len(names) == 1 else None


def workers_named(names: Sequence[str]) -> str:
    """Workers in words, each named once."""
    once = list(dict.fromkeys(names))
    return f"worker {once[0]}, twice" if len(once) == 1 else f"workers {' and '.join(once)}"

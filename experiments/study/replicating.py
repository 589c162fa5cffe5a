"""Keeps workers busy that have no trial: fresh seeds of the best configurations.

A trial never waits for a replicate: when one can start and no worker is free, the replicate that
started last is given up. It stays pending, and continues once a worker is free again.
"""

from __future__ import annotations

from collections.abc import Callable

from oneshot_hpo.cluster.outcome import Outcome
from oneshot_hpo.cluster.pool import DaskPool
from oneshot_hpo.experiments.study.outcome import CRASHED
from oneshot_hpo.hpo import Replicate, Study, TrialResult

_ATTEMPTS = 2
"""Failures of a replicate until it counts as crashed."""


class Replication:
    """The replicates of one master's work on a study."""

    def __init__(self, study: Study, submit: Callable[[DaskPool, Replicate], None]) -> None:
        """submit: starts a replicate on a worker."""
        self._study, self._submit = study, submit
        self._waiting = study.pending_replicates  # of an earlier master first
        self._running: dict[str, Replicate] = {}
        self._given_up: set[str] = set()
        self._failures: dict[str, int] = {}

    def __len__(self) -> int:
        """Number of replicates on workers."""
        return len(self._running)

    def fill(self, pool: DaskPool, free: int) -> None:
        """Start replicates on this number of workers."""
        for _ in range(free):
            replicate = self._waiting.pop(0) if self._waiting else self._study.replicate()
            if replicate is None:
                return
            if replicate.key in self._given_up:  # its outcome is still to come
                self._waiting.append(replicate)
                return
            self._running[replicate.key] = replicate
            self._submit(pool, replicate)

    def make_room(self, pool: DaskPool) -> None:
        """Give up the replicate that started last, for a trial."""
        begun = pool.busy_seconds
        key = next((key for key in reversed(self._running) if key in begun), None)
        if key is None:
            return
        self._waiting.insert(0, self._running.pop(key))
        self._given_up.add(key)
        pool.give_up(key, "a trial needs its worker")

    def settle(self, outcome: Outcome) -> bool:
        """Record how a replicate ended; False: the outcome is that of a trial."""
        if outcome.key in self._given_up:
            self._given_up.remove(outcome.key)
            return True
        replicate = self._running.pop(outcome.key, None)
        if replicate is None:
            return False

        if outcome.value is not None:
            value = outcome.value
            self._study.tell_replicate(
                replicate,
                TrialResult(value["loss"], value["info"], value["exception"], value["timestamps"]),
            )
            return True
        if not outcome.taken:
            self._count_failure(replicate, outcome)
        else:
            self._waiting.append(replicate)
        return True

    def _count_failure(self, replicate: Replicate, outcome: Outcome) -> None:
        """Try a replicate again, or tell its crash: it must not stop the study."""
        failures = self._failures.get(replicate.key, 0) + 1
        self._failures[replicate.key] = failures
        if failures < _ATTEMPTS:
            self._waiting.append(replicate)
            return
        reason = (
            outcome.failed or outcome.lost or f"{type(outcome.error).__name__}: {outcome.error}"
        )
        self._study.tell_replicate(replicate, TrialResult(None, CRASHED, reason))

"""How long a trial may run on a worker before it counts as hanging."""

from __future__ import annotations

import statistics

from oneshot_hpo.experiments.study.cluster_section import ClusterSection
from oneshot_hpo.experiments.study.outcome import objective_seconds, search_seconds
from oneshot_hpo.hpo import Rerun, Trial, TrialResult

_ENOUGH = 3
"""Finished trials of a budget from which its usual time is known."""


class TrialLimits:
    """The limits that a study sets: one in seconds, one as a factor of a budget's usual time."""

    def __init__(self, cluster: ClusterSection) -> None:
        self._seconds = cluster.trial_timeout
        self._factor = cluster.trial_timeout_factor
        self._took: dict[int | float, list[float]] = {}

    @property
    def any(self) -> bool:
        """Whether there is a limit at all."""
        return self._seconds is not None or self._factor is not None

    def learn(self, trial: Trial | Rerun, result: TrialResult) -> None:
        """Record how long a finished trial took."""
        times = result.timestamps
        if result.crashed or "started" not in times or "finished" not in times:
            return
        # The last attempt may have continued the search of earlier ones.
        worked = (search_seconds(result) or 0.0) + (objective_seconds(result) or 0.0)
        took = max(times["finished"] - times["started"], worked)
        self._took.setdefault(trial.budget, []).append(took)

    def seconds(self, budget: int | float) -> float | None:
        """The limit of a trial of this budget in seconds; None: there is none yet."""
        limits = [] if self._seconds is None else [float(self._seconds)]
        took = self._took.get(budget, [])
        if self._factor is not None and len(took) >= _ENOUGH:
            limits.append(self._factor * statistics.median(took))
        return min(limits, default=None)

"""Decides when a stop rule of a study is reached.

The rule `no_improvement` is in the spirit of Makarova et al. (2022, "Automatic Termination for
Hyperparameter Optimization"): a study ends once what it may still gain is less than the deviation
of the estimate. They bound the gain by a Gaussian process, which BOHB does not have. Here it is
what the last evaluations gained.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from oneshot_hpo.experiments.study.folder import CONFIRMATION
from oneshot_hpo.experiments.study.outcome import Outcome, objective_seconds, search_seconds
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.stop_noise import Noise, needed_noise
from oneshot_hpo.experiments.wording import percent
from oneshot_hpo.hpo import Study, Trial, TrialResult
from oneshot_hpo.hpo.brackets import rung_budgets

_HOUR = 3600.0


class Plateau:
    """How long the best loss at the largest budget has not improved by more than the noise."""

    def __init__(self, budget: int | float, noise: float) -> None:
        self._budget, self._noise = budget, noise
        self._best: float | None = None
        self.evaluations = 0
        """Evaluations, at any budget, since the last improvement; 0 before the first loss."""
        self.since = ""
        """The key of the trial that improved last."""

    def learn(self, trial: Trial, result: TrialResult) -> None:
        """Count an evaluation.

        Improvements smaller than the noise add up: the best loss is that of the last one that
        counted.
        """
        loss = result.loss if trial.budget == self._budget and not result.crashed else None
        if loss is not None and (self._best is None or loss < self._best - self._noise):
            self._best, self.since, self.evaluations = loss, trial.key, 0
        elif self._best is not None:
            self.evaluations += 1


class StopRules:
    """The stop rules of a study that this process works on."""

    def __init__(
        self,
        study: Study,
        spec: StudySpec,
        noise: Noise | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """spec: of the study, with the rules that hold now; noise: for `no_improvement`."""
        self._study = study
        self._limits = spec.stop
        self._noise = noise
        self._clock = clock
        self._known = 0
        self._seconds = 0.0
        self._plateau = Plateau(rung_budgets(study.settings)[-1], noise.value if noise else 0.0)

    def check(self, running_seconds: Callable[[], float]) -> str | None:
        """Record that a rule is reached, before a trial would start; returns a line that says so.

        None: no rule is reached now, or one was before. See `reached`.
        """
        if self._study.stop_reached is not None:
            return None
        reached = self.reached(running_seconds)
        if reached is None:
            return None
        rule, reason = reached
        self._study.reach_stop(rule, reason)
        running = len(self._study.pending)
        words = f"; {running} running evaluations are finished" if running else ""
        return f"stop rule {rule}: {reason}{words}"

    def reached(self, running_seconds: Callable[[], float] = lambda: 0.0) -> tuple[str, str] | None:
        """The first rule that is reached now, and what was reached; None: no rule is.

        running_seconds: how long the running trials have been on their workers, added up. The
        first trial of a study always starts, and one that has started all is not stopped.
        """
        started = len(self._study.evaluations) + len(self._study.pending)
        if not 0 < started < self._study.total_evaluations:
            return None
        self._learn()
        return self._first_reached(started, running_seconds)

    def _learn(self) -> None:
        """Count what has finished since the last check."""
        for trial, result in self._study.evaluations[self._known :]:
            self._seconds += worked_seconds(result)
            self._plateau.learn(trial, result)
        self._known = len(self._study.evaluations)

    def _first_reached(
        self, started: int, running_seconds: Callable[[], float]
    ) -> tuple[str, str] | None:
        limits = self._limits
        if limits.target_error is not None and self._study.incumbent is not None:
            trial, result = self._study.incumbent
            error, words = _error(result)
            if error <= limits.target_error:
                return "target_error", f"{trial.key} has {words}"

        patience = limits.no_improvement
        if patience is not None and self._plateau.evaluations >= patience:
            assert self._noise is not None
            return "no_improvement", (
                f"{self._plateau.evaluations} evaluations since {self._plateau.since} without an "
                f"improvement of more than {self._noise.value:.2g}, the noise {self._noise.source}"
            )

        if limits.evaluations is not None and started >= limits.evaluations:
            return "evaluations", f"{started} evaluations"

        if limits.gpu_hours is not None:
            hours = (self._seconds + running_seconds()) / _HOUR
            if hours >= limits.gpu_hours:
                return "gpu_hours", f"{hours:.4g} GPU hours"

        if limits.wall_hours is not None:
            hours = (self._clock() - self._study.times.created) / _HOUR
            if hours >= limits.wall_hours:
                return "wall_hours", f"{hours:.4g} hours since the launch"
        return None


def stop_rules(study: Study, spec: StudySpec, folder: Path) -> StopRules | None:
    """The rules of a study that is to be worked on; None: it has none.

    UserError: the noise that a rule needs is not known.
    """
    if not spec.stop.rules:
        return None
    return StopRules(study, spec, needed_noise(spec, folder / CONFIRMATION))


def worked_seconds(result: TrialResult) -> float:
    """Seconds that a worker spent on a trial; 0 where a lost worker did not report them."""
    searched, times = search_seconds(result), result.timestamps
    if searched is None:
        searched = max(0.0, times.get("finished", 0.0) - times.get("started", 0.0))
    return searched + (objective_seconds(result) or 0.0)


def _error(result: TrialResult) -> tuple[float, str]:
    """What a target is compared with, and in words: the validation error, else the loss."""
    valid = Outcome.from_result(result).valid
    if valid is not None:
        return valid, f"a validation error of {percent(valid)}"
    assert result.loss is not None  # it is the incumbent's
    return result.loss, f"a loss of {result.loss:.4g}"

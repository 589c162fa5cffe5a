"""What searches cost: how many, how long, how many crashed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from oneshot_hpo.experiments.numbers.study_runs import seconds_spent
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.hpo import TrialResult


@dataclass(frozen=True)
class Spending:
    """The cost of the finished searches of a study, a confirmation or a setting."""

    searches: int
    crashed: int
    seconds: float
    """Of one worker, over all attempts, objectives included."""
    on_gpu: bool
    """Whether a search recorded memory of a GPU."""

    @property
    def hours(self) -> str:
        """The time with its unit: "12 GPU hours", "0.35 worker hours"."""
        return f"{hours(self.seconds)} {'GPU' if self.on_gpu else 'worker'} hours"


def spending(evaluations: Iterable[tuple[object, TrialResult]]) -> Spending:
    """What these searches cost."""
    results = [result for _, result in evaluations]
    return Spending(
        searches=len(results),
        crashed=sum(result.crashed for result in results),
        seconds=sum(map(seconds_spent, results)),
        on_gpu=any(Outcome.from_result(result).peak_memory is not None for result in results),
    )


def hours(seconds: float) -> str:
    """Hours with two digits, from ten on whole."""
    value = seconds / 3600
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"

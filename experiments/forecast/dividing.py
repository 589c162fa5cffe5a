"""How to divide GPU hours between tuning and confirming, and how many seeds they pay.

A confirmation by a sequential rule costs at most two searches at the largest budget for each of its
seeds, and less on average. What it leaves of the hours pays brackets.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from oneshot_hpo.experiments.compare.power import MOST_SEEDS, POWER
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.forecast.conditions import Pace
from oneshot_hpo.experiments.forecast.seed_noise import SeedNoise
from oneshot_hpo.experiments.grids.costs import cost
from oneshot_hpo.experiments.sequential.planning import (
    Prospect,
    effect_for,
    prospect,
    seeds_for,
)
from oneshot_hpo.experiments.sequential.rule import make_rule
from oneshot_hpo.experiments.study import bounds
from oneshot_hpo.experiments.study.specification import StudySpec

SHARES = (0.1, 0.2, 0.3, 0.5)
"""Shares of the hours that alternatives spend on confirming."""


@dataclass(frozen=True, kw_only=True)
class Hours:
    """What the user has, and wants to show with it."""

    gpu_hours: float
    detect: float | None = None
    """In points, or the unit of a loss; None: what the hours can show."""
    power: float = POWER

    def __post_init__(self) -> None:
        if not self.gpu_hours > 0:
            raise UserError(f"--gpu-hours: more than 0, not {self.gpu_hours:g}")
        if self.detect is not None and not self.detect > 0:
            raise UserError(f"--detect: a difference above 0, not {self.detect:g}")
        if not 0.5 <= self.power < 1:
            raise UserError(f"--power: from 0.5 to below 1, not {self.power:g}")


@dataclass(frozen=True, kw_only=True)
class Division:
    """One way to divide the hours."""

    iterations: int
    """Brackets of the study."""
    tuning_hours: float
    confirming_hours: float
    """At most, with all seeds."""
    likely_confirming_hours: float
    """On average, if the difference is the one to be detected."""
    seeds: int
    """The most seeds of tuned and default each."""
    looks: tuple[int, ...]
    """Seeds at each look."""
    mean_seeds: float
    """On average, with the difference to be detected."""
    detect: float
    """The smallest difference that is shown with the power; in the unit of the noise."""


@dataclass(frozen=True, kw_only=True)
class HoursPlan:
    """The division that fits what the user wants, and alternatives to it."""

    gpu_hours: float
    power: float
    noise: SeedNoise
    chosen: Division
    alternatives: tuple[Division, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON types."""
        return dataclasses.asdict(self)


def divide(spec: StudySpec, pace: Pace, hours: Hours, noise: SeedNoise) -> HoursPlan:
    """Divide the hours.

    With a difference to detect, the confirmation gets what that takes and tuning the rest, in whole
    brackets. Without one, the study is tuned as it is, and the rest confirms.

    UserError: the hours do not suffice.
    """
    costs = _Costs(spec, pace)
    chosen = _to_detect(costs, hours, noise)
    if hours.detect is None:
        rest = hours.gpu_hours - costs.tuning(spec.iterations)
        chosen = _confirmed(costs, spec.iterations, rest, hours.power, noise)
    if chosen is None:
        raise UserError(
            f"{hours.gpu_hours:g} GPU hours do not suffice: the study takes "
            f"{costs.tuning(spec.iterations):.3g}, one bracket {costs.tuning(1):.3g}, a seed of "
            f"tuned and default {costs.confirming(1):.3g}"
        )
    others = _alternatives(costs, hours, noise)
    return HoursPlan(
        gpu_hours=hours.gpu_hours,
        power=hours.power,
        noise=noise,
        chosen=chosen,
        alternatives=tuple(others),
    )


class _Costs:
    """GPU hours of a study's parts at a pace."""

    def __init__(self, spec: StudySpec, pace: Pace) -> None:
        self._spec, self._pace = spec, pace

    def confirming(self, seeds: int) -> float:
        """Of so many seeds of tuned and default."""
        return 2 * seeds * self._hours(self._spec.max_budget, 1)

    def tuning(self, iterations: int) -> float:
        """Of a study with so many brackets."""
        total = cost(self._spec.model_copy(update={"iterations": iterations}))
        return self._hours(total.epochs, total.evaluations)

    def most_iterations(self, hours: float) -> int:
        """The most brackets that these hours pay; 0: none."""
        if self.tuning(1) > hours:
            return 0
        fits, exceeds = 1, 2
        while self.tuning(exceeds) <= hours and exceeds < bounds.ITERATIONS:
            fits, exceeds = exceeds, 2 * exceeds
        while exceeds - fits > 1:
            middle = (fits + exceeds) // 2
            fits, exceeds = (middle, exceeds) if self.tuning(middle) <= hours else (fits, middle)
        return fits

    def _hours(self, epochs: float, searches: int) -> float:
        return (epochs * self._pace.epoch_seconds + searches * self._pace.trial_seconds) / 3600


def _to_detect(costs: _Costs, hours: Hours, noise: SeedNoise) -> Division | None:
    """The seeds that show the wanted difference, and brackets for the rest of the hours.

    None: no difference is wanted, or nothing is left for a bracket. UserError: it takes too many
    seeds.
    """
    if hours.detect is None:
        return None
    found = seeds_for(hours.detect / noise.deviation, hours.power)
    if found is None:
        raise UserError(
            f"a difference of {hours.detect:g} takes more than {MOST_SEEDS:,} seeds, as pairs "
            f"differ by {noise.deviation:.3g} between seeds"
        )
    iterations = costs.most_iterations(hours.gpu_hours - costs.confirming(found.rule.looks[-1]))
    return _division(costs, iterations, found, hours.detect) if iterations else None


def _alternatives(costs: _Costs, hours: Hours, noise: SeedNoise) -> Iterator[Division]:
    """Divisions by share, those that can show anything and leave a bracket."""
    for share in SHARES:
        confirming = share * hours.gpu_hours
        iterations = costs.most_iterations(hours.gpu_hours - confirming)
        if iterations:
            found = _confirmed(costs, iterations, confirming, hours.power, noise)
            if found is not None:
                yield found


def _confirmed(
    costs: _Costs, iterations: int, hours: float, power: float, noise: SeedNoise
) -> Division | None:
    """A study whose confirmation has these hours; None: they pay too few seeds."""
    seeds = min(MOST_SEEDS, int(hours / costs.confirming(1)))
    try:
        rule = make_rule(seeds) if seeds > 0 else None
    except UserError:
        rule = None
    effect = None if rule is None else effect_for(rule, power)
    if rule is None or effect is None:
        return None
    return _division(costs, iterations, prospect(rule, effect), effect * noise.deviation)


def _division(costs: _Costs, iterations: int, found: Prospect, detect: float) -> Division:
    seeds = found.rule.looks[-1]
    return Division(
        iterations=iterations,
        tuning_hours=costs.tuning(iterations),
        confirming_hours=costs.confirming(seeds),
        likely_confirming_hours=costs.confirming(1) * found.mean_seeds,
        seeds=seeds,
        looks=found.rule.looks,
        mean_seeds=found.mean_seeds,
        detect=detect,
    )

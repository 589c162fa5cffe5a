"""Many simulations of a study, and what they say: intervals of time and cost."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace
from numpy.typing import NDArray

from oneshot_hpo.experiments.forecast.conditions import Conditions
from oneshot_hpo.experiments.forecast.course import Course
from oneshot_hpo.experiments.forecast.runs import Brackets, Reruns, Source
from oneshot_hpo.experiments.forecast.simulation import Simulation
from oneshot_hpo.experiments.forecast.stopping import Stopping
from oneshot_hpo.hpo import Observation, OptimizerSettings
from oneshot_hpo.hpo.brackets import total_evaluations

SIMULATIONS = 100
"""Simulations of a forecast, unless the user says otherwise."""
QUANTILES = (0.05, 0.5, 0.95)
"""Of an interval: nine of ten studies are inside."""
_MOMENTS = 20
"""Points in time at which progress is given."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A number in simulations: its 5 %, 50 % and 95 % quantiles."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float] | Floats) -> Interval:
        """The quantiles of at least one value."""
        return cls(*(float(one) for one in np.quantile(values, QUANTILES)))

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What decides on the runs of a study."""

    settings: OptimizerSettings
    space: ConfigurationSpace
    prior: Sequence[Observation] = ()
    """What the study's model begins with."""
    stop: Mapping[str, Any] = field(default_factory=dict)
    """The rules of the study's section `stop`, by key."""


@dataclass(frozen=True)
class Courses:
    """The simulations of a study, or of a confirmation."""

    conditions: Conditions
    all: Sequence[Course]

    @property
    def walls(self) -> Floats:
        """(n,) seconds from the launch to the last result."""
        return np.array([one.wall for one in self.all])

    @property
    def busy(self) -> Floats:
        """(n,) seconds of trials on workers, over all workers."""
        return np.array([one.busy for one in self.all])

    @property
    def idle(self) -> Floats:
        """(n,) share of the workers' time, from the launch to the end, in which they had none."""
        return 1 - self.busy / (self.conditions.workers * self.walls)


def simulated(plan: Plan, conditions: Conditions, simulations: int) -> Courses:
    """Simulate a study. UserError: time limits leave no progress."""
    from oneshot_hpo.hpo.bohb.rehearsal import RehearsedMaster  # takes seconds to import

    def brackets() -> Brackets:
        return Brackets(RehearsedMaster(plan.space, plan.settings, plan.prior))

    stopping = Stopping(plan.stop, total_evaluations(plan.settings)) if plan.stop else None
    return Courses(conditions, _courses(brackets, conditions, simulations, stopping))


def confirmed(runs: int, budget: int | float, conditions: Conditions, simulations: int) -> Courses:
    """Simulate a confirmation of so many runs. UserError: time limits leave no progress."""
    return Courses(conditions, _courses(lambda: Reruns(runs, budget), conditions, simulations))


def _courses(
    source: Callable[[], Source],
    conditions: Conditions,
    simulations: int,
    stopping: Stopping | None = None,
) -> list[Course]:
    """Simulations from the quickest pace to the slowest.

    Paces are evenly spread quantiles of their distribution, not draws, so that few simulations give
    a steady median. Simulation k of any study has the same quantile.
    """
    pace, courses = conditions.pace, []
    for number in range(simulations):
        z = NormalDist().inv_cdf((number + 0.5) / simulations)
        seconds = float(pace.epoch_seconds * np.exp(pace.spread * z))
        random = np.random.default_rng([simulations, number])
        courses.append(Simulation(source(), conditions, random, seconds, stopping).run())
    return courses


@dataclass(frozen=True)
class Moment:
    """How far a study is at a moment."""

    seconds: float
    """Since the launch."""
    evaluations: Interval
    """Finished."""
    brackets: Interval
    """Finished."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a study will take; times are of a master that is never stopped."""

    wall_seconds: Interval
    """From the launch to the last result."""
    gpu_hours: Interval
    """Hours in which workers have trials, work that is done twice included."""
    held_hours: Interval
    """Hours in which there are workers, idle ones included: what a cluster bills."""
    idle_share: float
    """Median share of the workers' time, from the launch to the end, in which they have no trial:
    they start, wait in a queue, or wait for a rung to finish."""
    first_model_pick: int | None
    """The first evaluation, in the order of start from 1, that a model proposes; the median. None:
    in most simulations there is none."""
    first_model_pick_seconds: float | None
    """When it starts, the median of the simulations with one."""
    evaluations: int
    """Finished; the median."""
    planned_evaluations: int
    """If no stop rule is reached."""
    planned_brackets: int
    """Likewise."""
    stop: Mapping[str, Any]
    """The rules of the study's section `stop`, by key."""
    stopped_by: Mapping[str, float]
    """Share of the simulations that a rule ended, by its key."""
    workers: int
    simulations: int
    progress: Sequence[Moment]
    basis: str
    """What the pace rests on, in words."""

    def to_json(self) -> dict[str, Any]:
        """As JSON types."""
        return dataclasses.asdict(self)


def forecast(plan: Plan, courses: Courses) -> Forecast:
    """What the simulations of a study with this plan say."""
    picks = [one.first_model_pick for one in courses.all]
    known = [pick for pick in picks if pick is not None]
    often = 2 * len(known) >= len(picks) and bool(known)
    ended = Counter(one.stopped_by for one in courses.all if one.stopped_by is not None)
    return Forecast(
        wall_seconds=Interval.of(courses.walls),
        gpu_hours=Interval.of(courses.busy / 3600),
        held_hours=Interval.of([one.held / 3600 for one in courses.all]),
        idle_share=float(np.median(courses.idle)),
        first_model_pick=sorted(place for place, _ in known)[len(known) // 2] if often else None,
        first_model_pick_seconds=float(np.median([s for _, s in known])) if often else None,
        evaluations=int(np.median([len(one.ends) for one in courses.all])),
        planned_evaluations=total_evaluations(plan.settings),
        planned_brackets=plan.settings.iterations,
        stop=plan.stop,
        stopped_by={rule: count / len(courses.all) for rule, count in ended.items()},
        workers=courses.conditions.workers,
        simulations=len(courses.all),
        progress=_progress(courses),
        basis=courses.conditions.pace.basis,
    )


def _progress(courses: Courses) -> list[Moment]:
    last = float(courses.walls.max())
    times = np.linspace(0, last, _MOMENTS + 1)[1:]
    ends = [np.searchsorted(one.ends, times, side="right") for one in courses.all]
    brackets = [np.searchsorted(one.bracket_ends, times, side="right") for one in courses.all]
    return [
        Moment(float(time), Interval.of(done), Interval.of(finished))
        for time, done, finished in zip(times, np.array(ends).T, np.array(brackets).T, strict=True)
    ]


def together(all_courses: Sequence[Courses]) -> tuple[Interval, Interval]:
    """Wall seconds and GPU hours of studies and confirmations that run one after the other.

    An error of the pace is the same for all of them.
    """
    walls = sum(courses.walls for courses in all_courses)
    busy = sum(courses.busy for courses in all_courses)
    return Interval.of(np.asarray(walls)), Interval.of(np.asarray(busy) / 3600)

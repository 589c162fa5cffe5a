"""What would make a study quicker or cheaper: workers, time limits, preemptions."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.forecast.conditions import Conditions
from oneshot_hpo.experiments.forecast.course import Course
from oneshot_hpo.experiments.forecast.forecasting import Courses, Plan, simulated

_SIMULATIONS = 9
"""For each alternative: only medians are compared."""
_MOST_WORKERS = 256
_SMALL_GAIN = 0.2
"""Share of the time that twice as many workers save, below which the gain is small."""
_SMALL_WASTE = 0.02
"""Share of the workers' hours that a short time limit may waste more than a long one."""
_LIMITS = (0.5, 1, 2, 4, 8, 12, 24, 48, 72)
"""Hours, as queues have them."""
_SOME = 10
"""Preemptions in a simulation, about, that shows what one costs."""


@dataclass(frozen=True)
class Preemption:
    """What one preemption costs, on average."""

    gpu_seconds: float
    """Of work that is done again."""
    waiting_seconds: float
    """Until another worker has started."""


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Alternatives to how a study runs."""

    wall_by_workers: dict[int, float]
    """Median seconds of the study, by number of workers; without its rule `wall_hours`."""
    enough_workers: int
    """Twice as many save less than a fifth of the time."""
    waste_by_limit: dict[float, float]
    """Share of the workers' hours without progress that was kept, by time limit in hours; empty
    for a study without SLURM."""
    time_limit_hours: float | None
    """The shortest limit that wastes at most 2 points more than the best; None without SLURM."""
    preemption: Preemption


def advice(plan: Plan, courses: Courses) -> Advice:
    """What a few simulations of alternatives say; courses: those of the study as it is."""
    conditions = courses.conditions
    # A study that ends at a time of day is not quicker with more workers: it does more.
    timeless = {rule: limit for rule, limit in plan.stop.items() if rule != "wall_hours"}
    plan = dataclasses.replace(plan, stop=timeless)
    walls = _walls(plan, conditions)
    waste = {} if conditions.time_limit is None else _waste(plan, conditions)
    return Advice(
        wall_by_workers=walls,
        enough_workers=_enough(walls),
        waste_by_limit=waste,
        time_limit_hours=_shortest(waste),
        preemption=_preemption(plan, courses),
    )


def _walls(plan: Plan, conditions: Conditions) -> dict[int, float]:
    """Median seconds by number of workers, until more save nothing."""
    walls: dict[int, float] = {}
    workers = 1
    while workers <= _MOST_WORKERS:
        own = dataclasses.replace(conditions, workers=workers)
        walls[workers] = float(np.median(simulated(plan, own, _SIMULATIONS).walls))
        if workers > 1 and walls[workers] > 0.99 * walls[workers // 2]:
            break
        workers *= 2
    return walls


def _enough(walls: dict[int, float]) -> int:
    """The least number of workers of which twice as many gain little."""
    for workers, wall in walls.items():
        if walls.get(2 * workers, wall) > (1 - _SMALL_GAIN) * wall:
            return workers
    return max(walls)


def _waste(plan: Plan, conditions: Conditions) -> dict[float, float]:
    waste = {}
    for hours in _LIMITS:
        try:
            own = dataclasses.replace(conditions, time_limit=3600.0 * hours)
            courses = simulated(plan, own, _SIMULATIONS)
        except UserError:  # it leaves no progress
            continue
        waste[float(hours)] = float(np.median([_wasted(one) for one in courses.all]))
    return waste


def _wasted(course: Course) -> float:
    """Share of the workers' time in which no trial made progress that was kept."""
    return 1 - (course.busy - course.repeated) / course.held


def _shortest(waste: dict[float, float]) -> float | None:
    """The shortest limit that wastes hardly more than the best: queues favour short jobs."""
    least = min(waste.values(), default=0.0)
    return min((one for one in waste if waste[one] <= least + _SMALL_WASTE), default=None)


def _preemption(plan: Plan, courses: Courses) -> Preemption:
    given, hours = courses.conditions, float(np.median(courses.busy)) / 3600
    own = dataclasses.replace(given, time_limit=None, losses=0.0, preemptions=_SOME / hours)
    tried = simulated(plan, own, _SIMULATIONS).all
    number = max(1, sum(one.interruptions for one in tried))
    waits = given.queue_waits or (0.0,)
    return Preemption(
        gpu_seconds=sum(one.repeated for one in tried) / number,
        waiting_seconds=float(np.mean(waits)) + given.pace.start_seconds,
    )

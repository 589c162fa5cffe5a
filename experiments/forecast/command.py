"""`oneshot-hpo forecast`: the forecast of a study, or of each study of a grid."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.forecast.advice import Advice, advice
from oneshot_hpo.experiments.forecast.conditions import COUNTED_SPREAD, Conditions, Pace
from oneshot_hpo.experiments.forecast.dividing import Hours, HoursPlan, divide
from oneshot_hpo.experiments.forecast.forecasting import (
    Courses,
    Forecast,
    Interval,
    Plan,
    confirmed,
    forecast,
    simulated,
    together,
)
from oneshot_hpo.experiments.forecast.journals import pace_of
from oneshot_hpo.experiments.forecast.measuring import measured_pace
from oneshot_hpo.experiments.forecast.planning import (
    Interruptions,
    conditions_of,
    plan_of,
    workers_of,
)
from oneshot_hpo.experiments.forecast.seed_noise import seed_noise_of
from oneshot_hpo.experiments.grids.costs import counted_paces
from oneshot_hpo.experiments.grids.grid import Grid
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.sources import NO_SOURCES
from oneshot_hpo.experiments.study.sources import Wanted as WantedSources
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.trust import Consent, check_code_trusted, check_trusted
from oneshot_hpo.experiments.wording import number
from oneshot_hpo.hpo import Observation
from oneshot_hpo.hpo.bohb.encoding import Encoding

_FOR_PICKS = 9
"""Simulations from which a grid's study knows its first model-based pick."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the user gives."""

    epoch_seconds: float | None
    journals: Sequence[OpenedStudy]
    interruptions: Interruptions
    simulations: int
    consent: Consent
    hours: Hours | None = None
    """What is to be divided between tuning and confirming."""
    sources: WantedSources = NO_SOURCES
    """The studies and runs that the study will be launched from."""


@dataclass(frozen=True)
class StudyForecast:
    """The forecast of one study, with alternatives to how it runs."""

    name: str
    forecast: Forecast
    advice: Advice
    plan: HoursPlan | None = None
    """How to divide the user's GPU hours, if they were given."""

    def to_json(self) -> dict[str, Any]:
        """As JSON types."""
        parts = {"study": self.name, **self.forecast.to_json(), **dataclasses.asdict(self.advice)}
        return parts if self.plan is None else parts | {"plan": self.plan.to_json()}


@dataclass(frozen=True)
class GridForecast:
    """The forecasts of a grid's studies, which run one after the other."""

    name: str
    wall_seconds: Interval
    """Of all studies with their confirmations."""
    gpu_hours: Interval
    """Likewise."""
    studies: dict[str, Forecast]
    """Without the confirmations."""
    simulations: int

    def to_json(self) -> dict[str, Any]:
        """As JSON types; what a study has once is the median over the studies."""
        all_studies = list(self.studies.values())
        picks = [one.first_model_pick for one in all_studies if one.first_model_pick is not None]
        return {
            "grid": self.name,
            "wall_seconds": dataclasses.asdict(self.wall_seconds),
            "gpu_hours": dataclasses.asdict(self.gpu_hours),
            "idle_share": _middle([one.idle_share for one in all_studies]),
            "first_model_pick": _middle(picks) if picks else None,
            "simulations": self.simulations,
            "studies": {
                name: dataclasses.replace(one, progress=()).to_json()
                for name, one in self.studies.items()
            },
        }


def forecast_study(console: Console, spec: StudySpec, source: str, wanted: Wanted) -> StudyForecast:
    """Forecast a study.

    console: where it says what it takes over from the study's sources. UserError: the study or a
    source cannot be used, its pace cannot be known here, or it names code that is not trusted.
    StudyStopped: its pace cannot be measured.
    """
    check_code_trusted(console, [spec], wanted.consent)
    prior = _prior(console, spec, source, wanted.sources)
    pace = _pace(console, spec, source, wanted)
    conditions = conditions_of(spec, pace, workers_of(spec), wanted.interruptions)
    plan = plan_of(spec, prior)
    courses = simulated(plan, conditions, wanted.simulations)
    division = None
    if wanted.hours is not None:
        noise = seed_noise_of(wanted.journals, spec)
        division = divide(spec, pace, wanted.hours, noise)
    return StudyForecast(spec.name, forecast(plan, courses), advice(plan, courses), division)


def _prior(
    console: Console, spec: StudySpec, source: str, sources: WantedSources
) -> Sequence[Observation]:
    """What the study's model would begin with, which is said; raises as `take_over`."""
    if not sources.folders:
        return ()
    from oneshot_hpo.experiments.warm_start.display import say_beginning
    from oneshot_hpo.experiments.warm_start.taking import take_over

    beginning = take_over(sources, freeze(complete(spec, source)))
    say_beginning(console, beginning)
    return beginning.prior


def _pace(console: Console, spec: StudySpec, source: str, wanted: Wanted) -> Pace:
    """Given, or as in earlier journals, or measured; with the user's share of crashes."""
    if wanted.journals:
        pace = pace_of(wanted.journals, spec)
        if wanted.epoch_seconds is not None:
            basis = f"{_given(wanted.epoch_seconds)}; the rest {pace.basis}"
            pace = dataclasses.replace(pace, epoch_seconds=wanted.epoch_seconds, basis=basis)
    elif wanted.epoch_seconds is not None:
        pace = Pace(epoch_seconds=wanted.epoch_seconds, basis=_given(wanted.epoch_seconds))
    elif spec.command is not None:
        raise UserError(
            f"{source}: how long a unit of a command's budget takes has to be given: "
            "--epoch-seconds, or --from a study that ran it"
        )
    else:
        frozen = freeze(complete(spec, source))
        check_trusted(console, [frozen], wanted.consent)
        pace = measured_pace(frozen)
    if wanted.interruptions.crash_share is not None:
        pace = dataclasses.replace(pace, crash_share=wanted.interruptions.crash_share)
    return pace


def _given(seconds: float) -> str:
    return f"at {number(float(seconds))} s an epoch, as given"


def forecast_grid(
    console: Console, grid: Grid, only: Sequence[str], wanted: Wanted
) -> GridForecast:
    """Forecast the chosen studies of a grid; raises as `forecast_study`.

    Without a given pace or journals, operations are counted: an epoch of each member may take long.
    """
    if wanted.hours is not None:
        raise UserError("--gpu-hours is for a single study")
    members = grid.chosen(only)
    chosen = dataclasses.replace(grid, members=tuple(members))
    check_code_trusted(console, [member.spec for member in members], wanted.consent)
    if wanted.epoch_seconds is None and not wanted.journals:
        counted = counted_paces(chosen)
        paces = {
            name: Pace(epoch_seconds=seconds, spread=COUNTED_SPREAD, basis="operations counted")
            for name, seconds in counted.items()
        }
    else:
        paces = {one.name: _pace(console, one.spec, one.name, wanted) for one in members}
    return forecast_members(chosen, paces, wanted.interruptions, wanted.simulations)


def forecast_members(
    grid: Grid, paces: Mapping[str, Pace], interruptions: Interruptions, simulations: int
) -> GridForecast:
    """Forecast the studies of a grid, given their paces by name."""
    found = _Simulated(simulations)
    courses, forecasts = [], {}
    for member in grid.members:
        workers = workers_of(member.spec)
        conditions = conditions_of(member.spec, paces[member.name], workers, interruptions)
        plan = plan_of(member.spec)
        courses.append(found.study(plan, conditions))
        first = found.first_model_pick(plan, conditions)
        forecasts[member.name] = dataclasses.replace(forecast(plan, courses[-1]), **first)
        if grid.confirm is not None:
            runs = grid.confirm * (2 if member.spec.iterations else 1)
            courses.append(found.confirmation(runs, member.spec.max_budget, conditions))
    wall, hours = together(courses)
    return GridForecast(grid.name, wall, hours, forecasts, simulations)


class _Simulated:
    """The simulations of a grid's studies; those that differ in no time share theirs."""

    def __init__(self, simulations: int) -> None:
        self._simulations = simulations
        self._courses: dict[Any, Courses] = {}
        self._picks: dict[Any, dict[str, Any]] = {}

    def confirmation(self, runs: int, budget: int, conditions: Conditions) -> Courses:
        """The simulations of a study's confirmation."""
        key = (runs, budget, conditions)
        if key not in self._courses:
            self._courses[key] = confirmed(runs, budget, conditions, self._simulations)
        return self._courses[key]

    def study(self, plan: Plan, conditions: Conditions) -> Courses:
        """A study's simulations; the first model-based pick in them may be another study's."""
        key = (dataclasses.replace(plan.settings, seed=0), *plan.stop.items(), conditions)
        if key not in self._courses:
            self._courses[key] = simulated(plan, conditions, self._simulations)
        return self._courses[key]

    def first_model_pick(self, plan: Plan, conditions: Conditions) -> dict[str, Any]:
        """The fields of its forecast on the first model-based pick: it depends on the seed."""
        dimensions = Encoding(plan.space).dimensions
        key = (plan.settings, dimensions, *plan.stop.items(), conditions)
        if key not in self._picks:
            one = forecast(plan, simulated(plan, conditions, _FOR_PICKS))
            names = ("first_model_pick", "first_model_pick_seconds")
            self._picks[key] = {name: getattr(one, name) for name in names}
        return self._picks[key]


def _middle(values: Sequence[Any]) -> Any:
    return sorted(values)[len(values) // 2]

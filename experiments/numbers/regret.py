"""Regret of incumbents over evaluations and over three clocks: median and quartiles.

Regret is the mean error minus the lowest one of the complete space, for validation and for test,
after the table's largest budget. Incumbents are chosen by the validation errors that their method
saw. Spending is counted the same for all: an evaluation below the largest budget counts as that
fraction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.numbers.baseline_runs import baseline_steps
from oneshot_hpo.experiments.numbers.groups import (
    ConfirmedMethod,
    StudyGroup,
    confirmed_settings,
    group_studies,
)
from oneshot_hpo.experiments.numbers.methods import Method
from oneshot_hpo.experiments.numbers.sources import Sources
from oneshot_hpo.experiments.numbers.spread import Spread, spread, spread_of_steps
from oneshot_hpo.experiments.numbers.study_runs import REGRETS, incumbent_steps, search_steps
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.search_spaces import SpaceId, title_of

Axis = Literal["evaluations", "seconds", "simulated", "real"]
"""Evaluations spent; the seconds that all methods have in common: of search, and of training each
cell found; training seconds in the table, one evaluation after the other; search seconds of one
worker."""
ZERO = 1e-9
"""Regrets up to this are rounding errors, and count as 0."""
AXES: tuple[Axis, ...] = ("evaluations", "seconds", "simulated", "real")
NO_TRAINING_TIME = "the table has no training time of a cell that it found"
Error = Literal["valid", "test"]


@dataclass(frozen=True, eq=False)
class Curve:
    """The regret of one method, in [0, 1]; a single point if only the end is known."""

    method: Method
    spread: Spread
    """Regrets over its repetitions; x in units of the axis."""
    crashed: int = 0
    """Repetitions that crashed, which count as infinite regret."""
    studies: int | None = None
    """Number of studies; None for baselines."""

    @property
    def label(self) -> str:
        """For legends, with the number of repetitions."""
        return self.spread.label(self.method.label, self.crashed)


@dataclass(frozen=True, eq=False)
class RegretCurves:
    """Everything that one panel shows."""

    space: SpaceId
    table: str
    """The name of the table of trained cells."""
    axis: Axis
    error: Error
    curves: list[Curve]
    notes: list[str]
    """What is left out, and other caveats, a sentence each."""

    @property
    def floor(self) -> float:
        """Height of a regret of 0 on a logarithmic axis: half of the lowest positive one."""
        values = np.concatenate(
            [np.ravel([c.spread.low, c.spread.median, c.spread.high]) for c in self.curves]
        )
        positive = values[(values > ZERO) & np.isfinite(values)]
        return float(positive.min()) / 2 if len(positive) else 1e-4

    @property
    def reaches_zero(self) -> bool:
        """Whether any curve has a regret of 0."""
        return any(float(np.min(curve.spread.low)) <= ZERO for curve in self.curves)


def regret_curves(sources: Sources, space: SpaceId, axis: Axis, error: Error) -> RegretCurves:
    """All curves of a space on one axis.

    evaluations: BOHB's incumbents of studies, incumbents of baselines, and single searches of a
        confirmation: the default at 1, the tuned setting at its study's total plus 1.
    seconds: the same, on one clock: search seconds of one worker, and the table's training seconds
        of each cell that a search found or a baseline evaluated.
    simulated: incumbents of baselines.
    real: BOHB's incumbents of studies over search seconds of one worker, and single searches of a
        confirmation, epoch by epoch, each from its own start.

    NotEnoughData: there is no curve.
    """
    curves: list[Curve] = []
    notes: list[str] = []
    if axis != "simulated":
        groups = _with_regrets(group_studies(sources, space), notes)
        for group in groups:
            curves += _study_curves(group, axis, error, notes)
        for one in confirmed_settings(groups):
            curves += _confirmed_curves(one, axis, error, notes)

    if axis != "real" and sources.table is not None:
        curves += _baseline_curves(sources, sources.table, space, axis, error, notes)

    if not curves:
        why = {
            "evaluations": "no evaluation without a crash",
            "seconds": "no evaluation with known seconds of search and training",
            "simulated": "only baselines have simulated time, and none was given",
            "real": "no study with a search that did not crash",
        }[axis]
        raise NotEnoughData(notes[0] if notes else f"{title_of(space)}: {why}")
    return RegretCurves(space, _table_name(sources), axis, error, curves, notes)


def _with_regrets(groups: Sequence[StudyGroup], notes: list[str]) -> list[StudyGroup]:
    """The groups whose results have regrets; notes which have none."""
    found = []
    for group in groups:
        if any(study.lacks(*REGRETS.values()) for study in group.studies):
            notes.append(f"{group.sources}: there is no regret without a table")
        else:
            found.append(group)
    return found


def _study_curves(group: StudyGroup, axis: Axis, error: Error, notes: list[str]) -> list[Curve]:
    """The curve of BOHB's incumbents in the studies of a group."""
    found = []
    runs = [steps for s in group.studies if (steps := incumbent_steps(s, axis, error)) is not None]
    if len(runs) < len(group.studies):
        crashed = [study.source for study in group.studies if study.view.incumbent is None]
        why = "every trial crashed, there is no incumbent"
        if not crashed:
            why = "no search has recorded its time"
        if not crashed and axis == "seconds":
            why = NO_TRAINING_TIME
        notes.append(f"{', '.join(crashed) or group.sources}: {why}")
    together = spread_of_steps(runs) if runs else None
    if together is not None and group.tuned_something:
        found.append(Curve(group.method("study"), together, studies=len(runs)))
    return found


def _confirmed_curves(
    one: ConfirmedMethod, axis: Axis, error: Error, notes: list[str]
) -> list[Curve]:
    """The curve of a confirmed method: its ends, or epoch by epoch over search time."""
    runs = one.members
    label = f"{one.sources}: {one.method.label}"
    if not runs:
        notes.append(f"{label}: no run of its confirmation has finished")
        return []
    if one.crashed == len(runs):
        notes.append(f"{label}: every run of its confirmation crashed")
        return []

    studies = len({study.folder for study, _, _ in runs})
    if axis in ("evaluations", "seconds"):
        spent = one.spent if axis == "evaluations" else one.clock_spent
        if spent is None:
            notes.append(f"{label}: {NO_TRAINING_TIME}")
            return []
        regrets = [
            np.inf if result.crashed else Outcome.from_result(result).reported(REGRETS[error])
            for _, _, result in runs
        ]
        end = spread(np.array([spent]), np.array(regrets, float)[:, None])
        return [Curve(one.method, end, one.crashed, studies)]

    searches = [steps for run in runs if (steps := search_steps(*run, error)) is not None]
    anytime = spread_of_steps(searches, hold=True) if searches else None
    if anytime is None:
        notes.append(f"{label}: there are no epochs to show over time")
        return []
    return [Curve(one.method, anytime, one.crashed, studies)]


def _baseline_curves(
    sources: Sources, table: str, space: SpaceId, axis: Axis, error: Error, notes: list[str]
) -> list[Curve]:
    found: list[Curve] = []
    for file in sources.baselines:
        if space not in file.spaces:
            notes.append(f"{file.path} has no results in {title_of(space)}")
            continue
        several = len(sources.baselines) > 1
        for name, runs in baseline_steps(file, table, space, axis, error).items():
            method = Method(name, "baseline")
            if several and any(curve.method == method for curve in found):
                method = Method(name, "baseline", f"[{file.source}]")
            together = spread_of_steps(runs)
            if together is None:
                notes.append(f"{file.path}: repetitions of {name} have no time in common")
            else:
                found.append(Curve(method, together))
    return found


def _table_name(sources: Sources) -> str:
    from oneshot_hpo.search_spaces import load_table

    assert sources.table is not None  # of what a regret is
    return load_table(sources.table).name


def methods_of(panels: Sequence[RegretCurves]) -> list[Method]:
    """Every method of some panels once, in the order of their legends."""
    return list(dict.fromkeys(curve.method for panel in panels for curve in panel.curves))

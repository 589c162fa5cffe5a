"""Costs of studies: evaluations and epochs exactly, GPU hours as an estimate with its basis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from oneshot_hpo.experiments.grids.grid import Grid, Member
from oneshot_hpo.experiments.numbers.pace import seconds_an_epoch
from oneshot_hpo.experiments.study.opened import open_if_there
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.hpo import OptimizerSettings
from oneshot_hpo.hpo.brackets import Rung, bracket, own_budgets, total_evaluations

SUSTAINED = 2e12
"""Floating-point operations a second: an assumption. These networks are small for a GPU, and many
of its kernels wait to be launched; its peak says little."""


@dataclass(frozen=True)
class Cost:
    """The cost of a study, or of several."""

    studies: int = 0
    evaluations: int = 0
    epochs: float = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.studies + other.studies,
            self.evaluations + other.evaluations,
            self.epochs + other.epochs,
        )


def cost(spec: StudySpec, confirm: int | None = None) -> Cost:
    """A study's cost, with its confirmation by `confirm` seeds of default and incumbent."""
    settings = spec.optimizer_settings
    brackets = [bracket(settings, i) for i in range(settings.iterations)]
    reruns = (confirm or 0) * (2 if settings.iterations else 1)
    at_largest = reruns + (settings.default_budget == "max")
    return Cost(
        studies=1,
        evaluations=total_evaluations(settings) + reruns,
        epochs=sum(_epochs(settings, rungs) for rungs in brackets)
        + at_largest * settings.max_budget,
    )


def _epochs(settings: OptimizerSettings, rungs: Sequence[Rung]) -> float:
    """The epochs of a bracket."""
    own = own_budgets(settings, rungs)
    return sum(rung.size * budget for rung, budget in zip(rungs, own, strict=True))


def hours(members: Iterable[Member], confirm: int | None, paces: Mapping[str, float]) -> float:
    """Hours of one worker, at these seconds an epoch by member."""
    return sum(cost(m.spec, confirm).epochs * paces[m.name] for m in members) / 3600


def measured_paces(grid: Grid, folder: Path) -> dict[str, float]:
    """Seconds an epoch by member, from what has been run in the grid's folder.

    A member without a finished search gets the mean over members with its searcher and space, else
    with its searcher, else over all. Empty: nothing has been run.
    """
    found = {}
    for member in grid.members:
        study = open_if_there(folder / member.name)
        pace = None if study is None else seconds_an_epoch(study.view.evaluations)
        if pace is not None:
            found[member.name] = pace
    return {m.name: _nearest(m, grid, found) for m in grid.members} if found else {}


def _nearest(member: Member, grid: Grid, found: Mapping[str, float]) -> float:
    if member.name in found:
        return found[member.name]
    others = [other for other in grid.members if other.name in found]
    same = [o for o in others if o.spec.searcher == member.spec.searcher]
    closer = [o for o in same if o.spec.space == member.spec.space]
    nearest = closer or same or others
    return sum(found[other.name] for other in nearest) / len(nearest)


def counted_paces(grid: Grid) -> dict[str, float]:
    """Seconds an epoch by member: operations of an epoch over SUSTAINED. Loads torch."""
    from oneshot_hpo.experiments.grids.operations import operations_an_epoch

    counts: dict[tuple[object, ...], float] = {}
    paces = {}
    for member in grid.members:
        spec = member.spec
        sizes = (
            *("channels", "stacks", "cells_per_stack", "supernet", "partial_channels"),
            *("image_size", "train_share"),
        )
        key = (spec.searcher, spec.space, spec.dataset, *map(spec.search.get, sizes))
        if key not in counts:
            counts[key] = operations_an_epoch(spec)
        paces[member.name] = counts[key] / SUSTAINED
    return paces

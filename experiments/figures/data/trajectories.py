"""One-shot validation error and the table's test error of the cell, epoch by epoch, over seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from experiments.figures.data.errors import NotEnoughData
from experiments.figures.data.groups import group_studies
from experiments.figures.data.searches import Search
from experiments.figures.data.sources import Sources, StudySource
from experiments.figures.data.spread import Spread, spread
from experiments.figures.data.study_runs import told_runs
from experiments.figures.methods import Method, Role


@dataclass(frozen=True, eq=False)
class Trajectory:
    """What the searches of one setting went through."""

    method: Method
    confirmed: bool
    """Whether these are the runs of a confirmation, with fresh seeds, or single trials of studies
    that are not confirmed."""
    one_shot: Spread
    """Over the runs; x is the epoch from 1, errors are shares. Infinite where crashes reach."""
    test: Spread
    """Of the table's test error of the cell that the search would end with; of the last epoch
    alone for searchers that compare architectures only then."""
    crashed: int
    """Of the runs."""

    @property
    def label(self) -> str:
        """For legends, with the number of runs."""
        words = f"n = {self.one_shot.count}"
        if self.crashed:
            words += f", {self.crashed} crashed"
        return f"{self.method.label} ({words})"


@dataclass(frozen=True, eq=False)
class Trajectories:
    """All trajectories of a space."""

    space: int
    table: str
    found: list[Trajectory]
    notes: list[str]
    """What is left out, a sentence each."""


def trajectories(sources: Sources, space: int) -> Trajectories:
    """Tuned and default of every study, from its confirmation, else from its single trials.

    NotEnoughData: there is no search with epochs that did not crash.
    """
    found: list[Trajectory] = []
    notes: list[str] = []
    studies = [study for study in sources.studies if study.spec.space == space]
    for group in group_studies(studies):
        confirmed: dict[Method, list[tuple[Search, bool]]] = {}
        for method, members in group.settings():
            confirmed[method] = [
                (study.rerun(run, result), result.crashed)
                for study, name in members
                for run, result in told_runs(study, name)
            ]
        single: dict[Method, list[tuple[Search, bool]]] = {}
        if not any(confirmed.values()):
            for study in group.studies:
                for role, search, crashed in _single(study):
                    single.setdefault(group.method(role), []).append((search, crashed))
        for runs_of, is_confirmed in ((confirmed, True), (single, False)):
            for method, runs in runs_of.items():
                trajectory = _trajectory(method, is_confirmed, runs)
                if trajectory is None:
                    notes.append(f"{group.sources}: {method.label} has no epochs to show")
                else:
                    found.append(trajectory)
    if not found:
        if not studies:
            raise NotEnoughData(f"space {space}: trajectories are those of studies")
        raise NotEnoughData(notes[0] if notes else f"{studies[0].source}: every search crashed")
    return Trajectories(space, studies[0].cells.table.name, found, notes)


def _single(study: StudySource) -> list[tuple[Role, Search, bool]]:
    """The default and the incumbent of a study that is not confirmed, one search each."""
    found: list[tuple[Role, Search, bool]] = []
    baseline, incumbent = study.view.baseline, study.view.incumbent
    if baseline is not None:
        found.append(("default", study.search(*baseline), baseline[1].crashed))
    if incumbent is not None and (baseline is None or incumbent[0].key != baseline[0].key):
        found.append(("tuned", study.search(*incumbent), False))
    return found


def _trajectory(
    method: Method, confirmed: bool, runs: list[tuple[Search, bool]]
) -> Trajectory | None:
    """None: no run that did not crash has epochs."""
    told = [(search, crashed) for search, crashed in runs if crashed or len(search.seconds)]
    ended = [search for search, crashed in told if not crashed]
    if not ended:
        return None
    epochs = ended[0].epochs
    one_shot = np.full((len(told), len(epochs)), np.inf)
    test = np.full((len(told), len(epochs)), np.inf)
    for row, (search, crashed) in enumerate(told):
        length = min(len(search.epochs), len(epochs))
        one_shot[row, :length] = search.one_shot_error[:length]
        # A loss that is not finite is where the crash is.
        one_shot[row, np.isnan(one_shot[row])] = np.inf
        if not crashed:
            test[row, :length] = search.test_error[:length]
    known = ~np.isnan(test).any(axis=0)
    return Trajectory(
        method,
        confirmed,
        spread(epochs, one_shot),
        spread(epochs[known], test[:, known]),
        len(told) - len(ended),
    )

"""One-shot validation error and the cell's test error, epoch by epoch, over seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.numbers.groups import confirmed_settings, group_studies
from oneshot_hpo.experiments.numbers.methods import Method, Role
from oneshot_hpo.experiments.numbers.searches import Search, rerun_search, trial_search
from oneshot_hpo.experiments.numbers.sources import Sources, successful_trials
from oneshot_hpo.experiments.numbers.spread import Spread, spread_of_known
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.search_spaces import SpaceId, title_of


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The searches of one setting, epoch by epoch."""

    method: Method
    confirmed: bool
    """Whether these are the runs of a confirmation, with fresh seeds, or single trials of studies
    that are not confirmed."""
    one_shot: Spread
    """One-shot errors over the runs; x is the epoch from 1. Infinite where they are crashes. For
    searchers that compare cells, only epochs after which they did."""
    test: Spread
    """Test errors, from the table, of the cell that a search would end with; for searchers that
    compare cells, only epochs after which they did."""
    crashed: int
    """Number of runs that crashed."""
    epochs: int
    """Number of epochs of a search."""

    @property
    def label(self) -> str:
        """For legends, with the number of runs."""
        return self.one_shot.label(self.method.label, self.crashed)


@dataclass(frozen=True, eq=False)
class Trajectories:
    """All trajectories of a space."""

    space: SpaceId
    table: str | None
    found: list[Trajectory]
    notes: list[str]
    """What is left out, a sentence each."""


def trajectories(sources: Sources, space: SpaceId) -> Trajectories:
    """Trajectories of tuned and default of every study, from its confirmation or its trials.

    NotEnoughData: there is no search with epochs that did not crash.
    """
    found: list[Trajectory] = []
    notes: list[str] = []
    groups = group_studies(sources, space)
    confirmed = [one for one in confirmed_settings(groups) if one.members]
    runs_of: list[tuple[str, Method, bool, list[tuple[Search, bool]]]] = [
        (
            one.sources,
            one.method,
            True,
            [(rerun_search(study, run, end), end.crashed) for study, run, end in one.members],
        )
        for one in confirmed
    ]

    for group in groups:
        if not any(group in one.groups for one in confirmed):
            single: dict[Role, list[tuple[Search, bool]]] = {}
            for study in group.studies:
                for role, search, crashed in _single(study):
                    single.setdefault(role, []).append((search, crashed))
            for role, runs in single.items():
                words = group.fixed if role == "default" else group.detail
                runs_of.append((group.sources, group.method(role, words), False, runs))

    for source, method, is_confirmed, runs in runs_of:
        trajectory = _trajectory(method, is_confirmed, runs)
        if trajectory is None:
            notes.append(f"{source}: {method.label}: there are no epochs to show")
        else:
            found.append(trajectory)
            if len(trajectory.one_shot.x) < trajectory.epochs:
                notes.append(
                    f"{source}: {method.label}: only epochs after which cells were compared are "
                    "shown; conclude_every adds such epochs"
                )

    if not found:
        if not groups:
            raise NotEnoughData(f"{title_of(space)}: trajectories need a study")
        first = groups[0].studies[0]
        successful_trials(first)  # raises if all crashed
        raise NotEnoughData(notes[0] if notes else f"{first.source}: no search to show")
    return Trajectories(space, groups[0].studies[0].table_name, found, notes)


def _single(study: OpenedStudy) -> list[tuple[Role, Search, bool]]:
    """The default and the incumbent of a study that is not confirmed, one search each."""
    found: list[tuple[Role, Search, bool]] = []
    baseline = study.view.baseline
    if baseline is not None:
        found.append(("default", trial_search(study, *baseline), baseline[1].crashed))
    if study.tuned is not None:
        found.append(("tuned", trial_search(study, *study.tuned), False))
    return found


def _trajectory(
    method: Method, confirmed: bool, runs: list[tuple[Search, bool]]
) -> Trajectory | None:
    """The trajectory of runs; None: no run without a crash has epochs."""
    shown = [(search, crashed) for search, crashed in runs if crashed or len(search.seconds)]
    complete = [search for search, crashed in shown if not crashed]
    if not complete:
        return None

    epochs = max((search.epochs for search in complete), key=len)
    one_shot = np.full((len(shown), len(epochs)), np.inf)
    test = np.full((len(shown), len(epochs)), np.inf)
    for row, (search, crashed) in enumerate(shown):
        length = min(len(search.epochs), len(epochs))
        one_shot[row, :length] = search.one_shot_error[:length]
        if not crashed:
            one_shot[row, length:] = search.one_shot_error[-1]  # it was stopped early
            test[row, :length] = search.test_error[:length]
            test[row, length:] = search.test_error[-1]

    return Trajectory(
        method,
        confirmed,
        spread_of_known(epochs, one_shot),
        spread_of_known(epochs, test),
        len(shown) - len(complete),
        len(epochs),
    )

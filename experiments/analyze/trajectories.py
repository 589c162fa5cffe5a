"""Searches under the settings of an ablation study, run here or read from a grid's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oneshot_hpo.experiments.analyze.ablation_members import (
    SEARCH,
    ablations_of,
    is_by_searcher,
    label_of,
    members_of,
    reference_of,
    usual_epochs,
)
from oneshot_hpo.experiments.analyze.inputs import search_settings
from oneshot_hpo.experiments.analyze.planned_search import CRASH, PlannedSearch
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.grids.grid import Member, load_grid
from oneshot_hpo.experiments.grids.running import opened_grid, resume_command
from oneshot_hpo.experiments.numbers.searches import (
    Search,
    read_search,
    rerun_search,
    trial_search,
)
from oneshot_hpo.experiments.numbers.sources import finished_trials
from oneshot_hpo.experiments.numbers.spread import Spread, spread_of_known
from oneshot_hpo.experiments.study.cell_errors import CellErrors
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo.confirmation_view import DEFAULT
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.search_spaces import SpaceId


@dataclass(frozen=True, eq=False)
class Setting:
    """The searches of one setting."""

    label: str
    """The values that distinguish it: "weight_decay 0.0009"."""
    seeds: tuple[int, ...]
    one_shot: Spread
    """One-shot validation error by epoch, over the seeds."""
    test: Spread
    """The table's test error of the cell that a search would end with, likewise."""
    final_test_errors: dict[int, float]
    """By seed; infinite for a crash."""

    @property
    def crashed(self) -> int:
        """The number of searches that crashed."""
        return sum(np.isinf(error) for error in self.final_test_errors.values())


@dataclass(frozen=True, eq=False)
class Ablation:
    """The settings of one study."""

    name: str
    settings: list[Setting]
    reference: int
    """The place of the setting with the most default values."""


@dataclass(frozen=True)
class Plan:
    """A shipped study: its settings by label, each with its searches."""

    name: str
    members: dict[str, list[PlannedSearch]]
    reference: int

    @property
    def searches(self) -> list[PlannedSearch]:
        """All searches of the plan."""
        return [one for searches in self.members.values() for one in searches]


def plan_ablations(
    name: str,
    space: SpaceId,
    dataset: str,
    epochs: int,
    seeds: int,
    seed: int,
    overrides: Sequence[str],
    searchers: Sequence[str],
) -> list[Plan]:
    """The searches of what a shipped study varies, in one space and on another data set.

    epochs: replace the study's, the middle of several lengths; others in proportion. searchers:
    the ones to search with, of a study that has several for each setting; each has a plan. Settings
    that the study does not vary are the searcher's defaults. UserError or StudyFileError: no grid
    has this name, or it has nothing in this space by these searchers.
    """
    grid = load_grid(name)
    if grid is None:
        raise UserError(f"{name} is a single study; name a grid, such as ablation-cutout")

    members = members_of(grid, space)
    if is_by_searcher(grid):
        members = [member for member in members if member.spec.searcher in searchers]
        if not members:
            raise UserError(f"{name} has no searches by {' or '.join(searchers)}")
    return [
        _plan(title, own, dataset, epochs, seeds, seed, overrides)
        for title, own in ablations_of(grid, members)
    ]


def _plan(
    title: str,
    members: Sequence[Member],
    dataset: str,
    epochs: int,
    seeds: int,
    seed: int,
    overrides: Sequence[str],
) -> Plan:
    searches = {}
    for member in members:
        spec = member.spec
        varied = {
            key.removeprefix(SEARCH): value
            for key, value in member.values.items()
            if key.startswith(SEARCH)
        }
        settings = search_settings(spec.searcher, dataset, overrides).with_config(varied)
        length = max(1, round(spec.max_budget * epochs / usual_epochs(members)))
        searches[label_of(member, length, title)] = [
            PlannedSearch(
                searcher=spec.searcher,
                settings=settings,
                space=spec.required_space,
                dataset=dataset,
                epochs=length,
                seed=seed + number,
            )
            for number in range(seeds)
        ]

    return Plan(title, searches, reference_of(members))


def read_ablation(plan: Plan, home: Path, cells: CellErrors) -> Ablation:
    """The trajectories of a plan whose searches have all finished."""
    settings = []
    for label, searches in plan.members.items():
        runs = {}
        for one in searches:
            folder = home / one.name
            runs[one.seed] = read_search(folder, cells), (folder / CRASH).exists()
        settings.append(_setting(label, searches[0].epochs, runs))
    return Ablation(plan.name, settings, plan.reference)


def grid_ablations(folder: Path, space: SpaceId) -> list[Ablation]:
    """The searches of a grid that was launched: each study's confirmation, else its one search.

    Each searcher has an ablation of its own where it is searched with several settings. UserError:
    it holds no grid, nothing of this space, or a study that has not ended.
    """
    if not (folder / "grid.yaml").exists():
        raise UserError(f"{folder} holds no grid (there is no grid.yaml in it)")
    grid = opened_grid(folder)
    members = members_of(grid, space)
    return [_read(folder, title, own) for title, own in ablations_of(grid, members)]


def _read(folder: Path, title: str, members: Sequence[Member]) -> Ablation:
    settings = []
    for member in members:
        own, length = folder / member.name, member.spec.max_budget
        if not (own / JOURNAL_NAME).exists():
            raise UserError(
                f"{own} does not exist yet; to run the rest: {resume_command(folder, [])}"
            )

        study = OpenedStudy(own)
        trials = finished_trials(study)
        reruns = {} if study.confirmation is None else study.confirmation.results_of(DEFAULT)
        if reruns:
            runs = {
                run.seed: (rerun_search(study, run, result), result.crashed)
                for run, result in reruns.values()
            }
        else:
            trial, result = trials[0]
            runs = {trial.seed: (trial_search(study, trial, result), result.crashed)}

        settings.append(_setting(label_of(member, length, title), length, runs))
    return Ablation(title, settings, reference_of(members))


def _setting(label: str, epochs: int, runs: Mapping[int, tuple[Search, bool]]) -> Setting:
    """The spread over runs; epochs after a crash count as infinite."""
    one_shot, test = (np.full((len(runs), epochs), np.inf) for _ in range(2))
    for row, (search, crashed) in enumerate(runs.values()):
        length = min(epochs, len(search.epochs))
        one_shot[row, :length] = search.one_shot_error[:length]
        test[row, :length] = search.test_error[:length]
        if crashed:
            test[row, -1] = np.inf
        elif length:  # one that was stopped early ends with its last cell
            one_shot[row, length:] = search.one_shot_error[length - 1]
            test[row, length:] = search.test_error[length - 1]
    places = np.arange(1.0, epochs + 1)
    return Setting(
        label,
        tuple(runs),
        spread_of_known(places, one_shot),
        spread_of_known(places, test),
        dict(zip(runs, test[:, -1].tolist(), strict=True)),
    )

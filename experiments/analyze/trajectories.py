"""Searches under the settings of an ablation study, run here or read from a grid's folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_hpo.experiments.analyze.inputs import search_settings
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.grids.grid import Grid, Member, load_grid
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
from oneshot_hpo.experiments.study.inputs import dataset_identity
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo.confirmation_view import DEFAULT
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.search_spaces import SpaceId, title_of
from oneshot_hpo.search_spaces.space import tag_of
from oneshot_hpo.searchers.checkpoint import ARCHITECTURE, read_metrics
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.settings import SearchSettings
from oneshot_hpo.whole_files import write_whole

_CRASH = "crash.json"
_SEARCH = "search."


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


@dataclass(frozen=True, kw_only=True)
class PlannedSearch:
    """A search to be run."""

    searcher: str
    settings: SearchSettings
    space: SpaceId
    dataset: str
    epochs: int
    seed: int

    @property
    def name(self) -> str:
        """The name of its folder; searches that several studies share are run once."""
        decides = asdict(self) | {"dataset": dataset_identity(self.dataset)}
        digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
        return f"{self.searcher}-{tag_of(self.space)}-{self.epochs}-seed{self.seed}-{digest[:10]}"


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

    members = _of_space(grid, space)
    if _is_by_searcher(grid):
        members = [member for member in members if member.spec.searcher in searchers]
        if not members:
            raise UserError(f"{name} has no searches by {' or '.join(searchers)}")
    return [
        _plan(title, own, dataset, epochs, seeds, seed, overrides)
        for title, own in _ablations(grid, members)
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
            key.removeprefix(_SEARCH): value
            for key, value in member.values.items()
            if key.startswith(_SEARCH)
        }
        settings = search_settings(spec.searcher, dataset, overrides).with_config(varied)
        length = max(1, round(spec.max_budget * epochs / _usual_epochs(members)))
        searches[_label(member, length, title)] = [
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

    return Plan(title, searches, _reference(members))


def run_one(search: PlannedSearch, folder: Path) -> None:
    """Run or resume a search; a loss that is not finite is noted as its crash."""
    from oneshot_hpo.cluster.stopping import TaskStopped, stop_asked
    from oneshot_hpo.experiments.objectives.objective import load_images
    from oneshot_hpo.experiments.study.trial import device_name
    from oneshot_hpo.search_spaces import get_space
    from oneshot_hpo.searchers.checkpoint import remove_checkpoints
    from oneshot_hpo.searchers.records import SearchDiverged, SearchStopped
    from oneshot_hpo.searchers.search import run_search

    try:
        run_search(
            searcher=search.searcher,
            settings=search.settings,
            space=get_space(search.space),
            data=load_images(search.dataset),
            epochs=search.epochs,
            seed=search.seed,
            folder=folder,
            device=device_name(),
            stop_asked=stop_asked,
        )
    except SearchStopped as stop:
        raise TaskStopped(f"its worker had to leave: {stop}") from None
    except SearchDiverged as crash:
        write_whole(folder / _CRASH, json.dumps({"reason": str(crash)}).encode())
    remove_checkpoints(folder)


def share_done(search: PlannedSearch, folder: Path) -> float:
    """The share of a search that is done, in [0, 1]."""
    return min(1.0, len(read_metrics(folder)) / search.epochs)


def finished(folder: Path) -> bool:
    """Whether a search has ended in this folder."""
    return (folder / ARCHITECTURE).exists() or (folder / _CRASH).exists()


def read_ablation(plan: Plan, home: Path, cells: CellErrors) -> Ablation:
    """The trajectories of a plan whose searches have all finished."""
    settings = []
    for label, searches in plan.members.items():
        runs = {}
        for one in searches:
            folder = home / one.name
            runs[one.seed] = read_search(folder, cells), (folder / _CRASH).exists()
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
    members = _of_space(grid, space)
    return [_read(folder, title, own) for title, own in _ablations(grid, members)]


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

        settings.append(_setting(_label(member, length, title), length, runs))
    return Ablation(title, settings, _reference(members))


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


def _of_space(grid: Grid, space: SpaceId) -> list[Member]:
    members = [member for member in grid.members if member.spec.space == space]
    if not members:
        raise UserError(f"{grid.name} has no study in {title_of(space)}")
    return members


def _is_by_searcher(grid: Grid) -> bool:
    """Whether a grid has several settings of the search for each of several searchers."""
    varied = grid.members[0].values
    return "searcher" in varied and any(key.startswith(_SEARCH) for key in varied)


def _ablations(grid: Grid, members: Sequence[Member]) -> list[tuple[str, list[Member]]]:
    """The members that are compared with each other, each group with its title."""
    if not _is_by_searcher(grid):
        return [(grid.name, list(members))]
    found: dict[str, list[Member]] = {}
    for member in members:
        found.setdefault(f"{grid.name}, {member.spec.searcher}", []).append(member)
    return list(found.items())


def _usual_epochs(members: Sequence[Member]) -> int:
    """The length of the members' searches, the middle one of several."""
    lengths = sorted({member.spec.max_budget for member in members})
    return lengths[len(lengths) // 2]


def _label(member: Member, epochs: int, title: str) -> str:
    """The member's values but for its space and what the title says.

    epochs: the length of its searches.
    """
    parts = []
    for key, value in member.values.items():
        if key == "max_budget":
            parts.append(f"{epochs} epochs")
        elif key == "searcher" and title.endswith(f", {value}"):
            continue
        elif key != "space":
            word = f"{value:g}" if isinstance(value, float) else str(value)
            parts.append(word if isinstance(value, str) else f"{key.split('.')[-1]} {word}")
    return ", ".join(parts)


def _reference(members: Sequence[Member]) -> int:
    """The place of the first member with the fewest values that are not their default."""

    usual = _usual_epochs(members)

    def changed(member: Member) -> int:
        spec = member.spec
        defaults: Any = settings_class(spec.searcher)()
        other = sum(value != getattr(defaults, key) for key, value in spec.search.items())
        return other + (spec.searcher != "darts") + (spec.max_budget != usual)

    return min(range(len(members)), key=lambda place: changed(members[place]))

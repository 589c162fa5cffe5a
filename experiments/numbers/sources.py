"""The sources of figures: studies, finished or running, their confirmations, and baselines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.compare.margin import known_table
from oneshot_hpo.experiments.compare.sources import BASELINE_RESULTS, TUNED, split_source
from oneshot_hpo.experiments.errors import NotEnoughData, UserError
from oneshot_hpo.experiments.grids.grid import GRID_FILE
from oneshot_hpo.experiments.numbers.baselines_file import Baselines, read_baselines
from oneshot_hpo.experiments.study.folder import CONFIRMATION
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.terminal.hints import command
from oneshot_hpo.hpo import Trial, TrialResult
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.search_spaces import SpaceId, ordered, title_of
from oneshot_hpo.search_spaces.table_file import table_checksum


@dataclass(frozen=True, eq=False)
class Sources:
    """The sources given to a command, all of one table."""

    studies: list[OpenedStudy]
    settings: list[str | None]
    """By study, the one setting of its confirmation that the user named; None for tuned and
    default."""
    baselines: list[Baselines]
    table: str | None
    """The name or path of the table of trained cells of those that have one; None: none has."""

    @property
    def spaces(self) -> list[SpaceId]:
        """The search spaces of the studies; without a study, of the baselines."""
        found = {study.spec.space for study in self.studies} or {
            space for file in self.baselines for space in file.spaces
        }
        return ordered(space for space in found if space is not None)

    @property
    def one_space(self) -> SpaceId:
        """The search space of a study. NotEnoughData: it has none, as one of a command may."""
        spaces = self.spaces
        if not spaces:
            raise NotEnoughData("the study has no search space: it shows no architectures")
        (space,) = spaces
        return space


def read_figure_sources(words: Sequence[str]) -> Sources:
    """Read arguments like those of `compare`; studies need not be confirmed or finished.

    Each is DIR, DIR:SETTING, FILE.parquet or its folder, FILE.parquet:METHOD, or the folder of a
    grid, for those of its studies that have a finished trial. UserError: one is
    missing or named twice, tables differ, baselines have no results in the studies' spaces, or a
    study has no finished trial.
    """
    if len(set(words)) < len(words):
        twice = next(word for word in words if words.count(word) > 1)
        raise UserError(f"{twice} is given twice")
    studies: list[OpenedStudy] = []
    settings: list[str | None] = []
    baselines: list[Baselines] = []
    for word in words:
        path, name = split_source(word)
        if name is None and is_grid(path):
            begun = grid_studies(path)
            studies += begun
            settings += [None] * len(begun)
        elif path.is_file() or (path / BASELINE_RESULTS).is_file():
            baselines.append(read_baselines(_results_of(path), name, word))
        else:
            studies.append(OpenedStudy(path, source=word))
            settings.append(_setting(studies[-1], name))
            finished_trials(studies[-1])  # raises if there is none
    return _checked(studies, settings, baselines)


def is_grid(path: Path) -> bool:
    """Whether this is the folder of a grid of studies."""
    return (path / GRID_FILE).is_file() and not (path / JOURNAL_NAME).is_file()


def grid_studies(folder: Path) -> list[OpenedStudy]:
    """The studies of a grid that have a finished trial, by the names of their folders.

    UserError: none has.
    """
    places = sorted(path.parent for path in folder.glob(f"*/{JOURNAL_NAME}"))
    studies = [OpenedStudy(place, source=str(place)) for place in places]
    begun = [study for study in studies if study.view.evaluations]
    if not begun:
        raise UserError(f"{folder}: no study of this grid has a finished trial yet")
    return begun


def _results_of(path: Path) -> Path:
    return path if path.is_file() else path / BASELINE_RESULTS


def _setting(study: OpenedStudy, name: str | None) -> str | None:
    """The name of a setting in the study's confirmation. UserError: there is no such setting."""
    if name is None:
        return None
    known: dict[str, Any] = {} if study.confirmation is None else study.confirmation.settings
    if name == TUNED and study.confirmation is not None and study.confirmation.tuned is not None:
        name = study.confirmation.tuned
    if name not in known:
        confirm = command("confirm", study.folder)
        there = ", ".join([TUNED, *known]) if known else f"none: {confirm}"
        raise UserError(
            f"{study.source}: no such setting in {study.folder / CONFIRMATION}; there are {there}"
        )
    return name


def _checked(
    studies: list[OpenedStudy], settings: list[str | None], baselines: list[Baselines]
) -> Sources:
    """Checked sources of one table. UserError: tables differ, or baselines lack the spaces."""
    sources = Sources(studies, settings, baselines, _table(studies, baselines))
    for baseline in baselines:
        if sources.table is None:
            raise UserError(
                f"{baseline.path}: baselines are compared by their table, and no study here has one"
            )
        baseline.trained_cells(sources.table)
        if not set(baseline.spaces) & set(sources.spaces):
            has = ", ".join(map(str, baseline.spaces))
            wanted = ", ".join(map(title_of, sources.spaces))
            raise UserError(f"{baseline.path} has no results in {wanted}, only in {has}")
    return sources


def study_sources(study: OpenedStudy, baselines: Sequence[Path]) -> Sources:
    """One study and files of baselines. UserError: as `read_figure_sources`."""
    files = []
    for word in map(str, baselines):
        path, method = split_source(word)
        files.append(read_baselines(_results_of(path), method, word))
    finished_trials(study)  # raises if there is none
    return _checked([study], [None], files)


def sources_of(studies: Sequence[OpenedStudy]) -> Sources:
    """Several studies. UserError: as `read_figure_sources`."""
    for study in studies:
        finished_trials(study)  # raises if there is none
    return _checked(list(studies), [None] * len(studies), [])


def finished_trials(study: OpenedStudy) -> Sequence[tuple[Trial, TrialResult]]:
    """Finished trials with their results, in the order of tell. NotEnoughData: there is none."""
    found = study.view.evaluations
    if not found:
        raise NotEnoughData(f"{study.source}: no trial has finished yet")
    return found


def successful_trials(study: OpenedStudy) -> list[tuple[Trial, TrialResult]]:
    """Trials that did not crash. NotEnoughData: no trial has finished, or all crashed."""
    finished = finished_trials(study)
    found = [pair for pair in finished if not pair[1].crashed]
    if not found:
        raise NotEnoughData(
            f"{study.source}: every trial crashed, the last one: {finished[-1][1].exception}"
        )
    return found


def trials_by_budget(trials: Sequence[tuple[Trial, TrialResult]]) -> str:
    """Numbers of trials by budget, in words: "4 (3 epochs), 1 (6 epochs)"."""
    counts = Counter(trial.budget for trial, _ in trials)
    return ", ".join(f"{count} ({budget:g} epochs)" for budget, count in sorted(counts.items()))


def _table(studies: Sequence[OpenedStudy], baselines: Sequence[Baselines]) -> str | None:
    """The table of all sources; None: they have none. UserError: there are several."""
    if not studies:
        return known_table(baselines[0])
    with_table = [study for study in studies if study.located.table is not None]
    tables = {table_checksum(study.located.required_table): study for study in with_table}
    if len(tables) > 1:
        first, second = list(tables.values())[:2]
        raise UserError(
            f"{first.source} uses the table {first.cells.table.name}, {second.source} uses "
            f"{second.cells.table.name} with other content: regrets of different tables do not "
            "belong in one figure"
        )
    return with_table[0].located.table if with_table else None

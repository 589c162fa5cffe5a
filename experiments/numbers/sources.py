"""What figures are made of: studies, finished or running, with their confirmations; baselines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.compare.comparing import known_table
from oneshot_hpo.experiments.compare.sources import BASELINE_RESULTS, TUNED, split_source
from oneshot_hpo.experiments.errors import NotEnoughData, UserError
from oneshot_hpo.experiments.numbers.baselines_file import Baselines, read_baselines
from oneshot_hpo.experiments.numbers.searches import CellErrors, Search, read_search
from oneshot_hpo.experiments.study.folder import CONFIRMATION, check_study, specification_of
from oneshot_hpo.experiments.study.inputs import located
from oneshot_hpo.experiments.study.pairing import transfer_note
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.terminal.hints import command
from oneshot_hpo.hpo import (
    ConfirmationView,
    Rerun,
    StudyView,
    Trial,
    TrialResult,
    read_confirmation,
    read_study,
)
from oneshot_hpo.hpo.brackets import rung_budgets
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME
from oneshot_hpo.search_spaces.table_file import table_checksum


@dataclass(frozen=True, eq=False)
class StudySource:
    """A study as its journal stands; nothing in its folder is written or locked."""

    source: str
    """As the user named it."""
    folder: Path
    spec: StudySpec
    view: StudyView
    confirmation: ConfirmationView | None
    """None: it was not confirmed."""
    setting: str | None = None
    """The one setting of the confirmation that the user named; None for tuned and default."""

    @property
    def evaluations(self) -> Sequence[tuple[Trial, TrialResult]]:
        """Trials with their results in the order of telling. NotEnoughData: there is none."""
        found = self.view.evaluations
        if not found:
            raise NotEnoughData(f"{self.source}: no trial has finished yet")
        return found

    @property
    def successes(self) -> list[tuple[Trial, TrialResult]]:
        """Those that did not crash. NotEnoughData: no trial has finished, or all crashed."""
        evaluations = self.evaluations
        found = [pair for pair in evaluations if not pair[1].crashed]
        if not found:
            raise NotEnoughData(
                f"{self.source}: every trial crashed, the last one: {evaluations[-1][1].exception}"
            )
        return found

    @property
    def largest_budget(self) -> int | float:
        """Epochs of the top rung."""
        return rung_budgets(self.view.settings)[-1]

    @cached_property
    def cells(self) -> CellErrors:
        """What the study's table says of cells. TableError: it cannot be read."""
        return CellErrors(self.spec.table, self.spec.space)

    @cached_property
    def transfer(self) -> str | None:
        """That the table is of another data set, in a sentence; None where it is not."""
        return transfer_note(self.spec, self.folder)

    def search(self, trial: Trial, result: TrialResult | None = None) -> Search:
        """A trial epoch by epoch, as far as it was run. UserError: its file is damaged."""
        return read_search(self.folder / "trials" / trial.key, self.cells, result)

    def rerun(self, run: Rerun, result: TrialResult | None = None) -> Search:
        """A confirmation's run epoch by epoch. UserError: its file is damaged."""
        return read_search(self.folder / CONFIRMATION / "trials" / run.key, self.cells, result)


@dataclass(frozen=True, eq=False)
class Sources:
    """All that a command was given; of one table."""

    studies: list[StudySource]
    baselines: list[Baselines]
    table: str
    """The name or path of the table of trained cells of all of them."""

    @property
    def spaces(self) -> list[int]:
        """The search spaces of the studies; without a study, of the baselines."""
        return sorted({study.spec.space for study in self.studies}) or sorted(
            {number for file in self.baselines for number in file.spaces}
        )


def read_figure_sources(words: Sequence[str]) -> Sources:
    """What the words name, as `compare` takes them; studies need not be confirmed or finished.

    DIR, DIR:SETTING, FILE.parquet or its folder, FILE.parquet:METHOD. UserError: one is not there
    or is named twice, tables differ, baselines have nothing of the studies' spaces, or a study has
    no finished trial.
    """
    if len(set(words)) < len(words):
        twice = next(word for word in words if words.count(word) > 1)
        raise UserError(f"{twice} is there twice")
    studies, baselines = [], []
    for word in words:
        path, name = split_source(word)
        if path.is_file() or (path / BASELINE_RESULTS).is_file():
            file = path if path.is_file() else path / BASELINE_RESULTS
            baselines.append(read_baselines(file, name, word))
        else:
            studies.append(read_study_source(path, name, word))
    sources = Sources(studies, baselines, _table(studies, baselines))
    for baseline in baselines:
        baseline.trained_cells(sources.table)
        if not set(baseline.spaces) & set(sources.spaces):
            has, wanted = (", ".join(map(str, s)) for s in (baseline.spaces, sources.spaces))
            raise UserError(f"{baseline.path} holds nothing of space {wanted}, only of {has}")
    return sources


def read_study_source(folder: Path, setting: str | None = None, source: str = "") -> StudySource:
    """A study in its folder, running or not.

    UserError: there is none, no trial has finished, or the setting is not one of its confirmation.
    """
    source = source or str(folder)
    check_study(folder)
    view = read_study(folder)
    confirmation = None
    if (folder / CONFIRMATION / CONFIRMATION_NAME).exists():
        confirmation = read_confirmation(folder / CONFIRMATION)
    if setting is not None:
        known: dict[str, Any] = {} if confirmation is None else confirmation.settings
        if setting == TUNED and confirmation is not None and confirmation.tuned is not None:
            setting = confirmation.tuned
        if setting not in known:
            confirm = command("confirm", folder)
            there = ", ".join([TUNED, *known]) if known else f"none: {confirm}"
            raise UserError(
                f"{source}: no such setting in {folder / CONFIRMATION}; there are {there}"
            )
    study = StudySource(
        source,
        folder,
        located(specification_of(view.header, folder), folder),
        view,
        confirmation,
        setting,
    )
    study.evaluations  # noqa: B018 - raises
    return study


def trials_by_budget(trials: Sequence[tuple[Trial, TrialResult]]) -> str:
    """How many there are, in words: "4 (3 epochs), 1 (6 epochs)"."""
    counts = Counter(trial.budget for trial, _ in trials)
    return ", ".join(f"{count} ({budget:g} epochs)" for budget, count in sorted(counts.items()))


def _table(studies: Sequence[StudySource], baselines: Sequence[Baselines]) -> str:
    """The table of all sources, checked to be one."""
    if not studies:
        return known_table(baselines[0])
    tables = {table_checksum(study.spec.table): study for study in studies}
    if len(tables) > 1:
        first, second = list(tables.values())[:2]
        raise UserError(
            f"{first.source} is of the table {first.cells.table.name}, {second.source} of "
            f"{second.cells.table.name} with other content: regrets of different tables do not "
            "belong in one figure"
        )
    return studies[0].spec.table

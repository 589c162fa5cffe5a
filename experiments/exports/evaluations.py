"""What every export reads: a study's trials as its journal stands, running or not."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.folder import check_study
from oneshot_hpo.experiments.study.pairing import note_of_header
from oneshot_hpo.hpo import StudyView, Trial, TrialResult, read_study
from oneshot_hpo.hpo.brackets import rung_budgets
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.searchers.checkpoint import METRICS, read_metrics

PRIOR = -2
"""In an export, the bracket of what a warm-started study began with; the default has -1."""


class ExportedStudy:
    """A study in its folder, with at least one result.

    UserError: the folder holds no study, or no result yet.
    """

    def __init__(self, folder: Path) -> None:
        check_study(folder)
        self.folder = folder
        self.view: StudyView = read_study(folder)
        evaluations = self.view.evaluations
        if not evaluations:
            raise UserError(f"{folder}: no trial has finished yet, there is nothing to export")
        if all(result.crashed for _, result in evaluations):
            raise UserError(
                f"{folder}: there is no result to export, every trial crashed; the last one: "
                f"{evaluations[-1][1].exception}"
            )

    @property
    def name(self) -> str:
        """The study's name."""
        specification: dict[str, Any] = self.view.header.get("specification", {})
        return specification.get("name", self.folder.resolve().name)

    @property
    def transfer(self) -> str | None:
        """That its table is of another data set, in a sentence; None where it is not."""
        return note_of_header(self.view.header, self.folder)

    @property
    def identity(self) -> str:
        """The same for every state of a study, and for no other one: SHA-256 of its header."""
        with (self.folder / JOURNAL_NAME).open("rb") as journal:
            return hashlib.sha256(journal.readline()).hexdigest()

    @property
    def largest_budget(self) -> int | float:
        """The budget of the top rung, at which configurations are compared in the end."""
        return rung_budgets(self.view.settings)[-1]

    @property
    def trials(self) -> Iterator[tuple[Trial, TrialResult | None]]:
        """Every trial asked for, in this order; those that are not finished have no result."""
        pending = [(trial, None) for trial in self.view.pending]
        yield from sorted([*self.view.evaluations, *pending], key=lambda pair: pair[0].seq)

    @property
    def prior(self) -> list[tuple[Trial, TrialResult]]:
        """The results that a warm-started study began with, as trials of the bracket PRIOR.

        A configuration has an id for all its budgets, [PRIOR, 0, number]. Neither when these runs
        were nor their seeds are known.
        """
        trials: list[tuple[Trial, TrialResult]] = []
        numbers, seen = itertools.count(), set()
        number_of: dict[str, int] = {}
        for observed in self.view.prior:
            config = json.dumps(observed.config, sort_keys=True)
            number = number_of.get(config)
            # A second run at a budget is a configuration of its own.
            if number is None or (number, observed.budget) in seen:
                number = number_of[config] = next(numbers)
            seen.add((number, observed.budget))
            trial = Trial((PRIOR, 0, number), observed.budget, observed.config, -1, 0, seed=0)
            trials.append((trial, _prior_result(observed.loss)))
        return trials

    def info(self, trial: Trial) -> dict[str, Any]:
        """How the trial's configuration was found."""
        return {"prior": True} if is_prior(trial) else self.view.record(trial).info

    def times(self, trial: Trial, result: TrialResult | None) -> dict[str, float]:
        """When a trial was submitted, started and finished, in seconds since the epoch.

        What no worker lived to say is taken from the journal. A trial without a result has not
        finished, and when it started is not known. A prior result is as old as the study.
        """
        if is_prior(trial):
            return dict.fromkeys(("submitted", "started", "finished"), self._begun)
        record = self.view.record(trial)
        if result is None or record.finished_at is None:
            return {"submitted": record.submitted_at}
        told = result.timestamps
        submitted = told.get("submitted", record.submitted_at)
        return {
            "submitted": submitted,
            "started": told.get("started", submitted),
            "finished": told.get("finished", record.finished_at),
        }

    @cached_property
    def _begun(self) -> float:
        """When the first trial was asked for."""
        return min(self.view.record(trial).submitted_at for trial, _ in self.trials)

    def epochs(self, trial: Trial) -> list[dict[str, Any]]:
        """The trial's epochs as far as they were run (see searchers.records.EpochRecord).

        UserError: their file is damaged.
        """
        if is_prior(trial):
            return []
        folder = self.folder / "trials" / trial.key
        try:
            return read_metrics(folder)
        except ValueError as error:
            raise UserError(f"{folder / METRICS} is damaged ({error})") from None


def is_prior(trial: Trial) -> bool:
    """Whether a trial is none of the study's, but what it began with."""
    return trial.id[0] == PRIOR


def name(trial: Trial) -> str:
    """What an export calls a configuration: "baseline", "0-0-3", "prior-3"."""
    return f"prior-{trial.id[2]}" if is_prior(trial) else trial.key.split("/")[0]


def _prior_result(loss: float | None) -> TrialResult:
    if loss is None:
        return TrialResult(None, {"state": "CRASHED"}, "it crashed in the run before the study")
    return TrialResult(loss, {"state": "SUCCESS", "valid_error": loss})


def state(result: TrialResult | None) -> str:
    """SUCCESS, CRASHED, or PENDING without a result."""
    if result is None:
        return "PENDING"
    return "CRASHED" if result.crashed else "SUCCESS"

"""Reads a study's folder; every command that reads a study uses it."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.objectives.section import MEAN, loss_name, selection_note
from oneshot_hpo.experiments.study.extensions import extended
from oneshot_hpo.experiments.study.folder import CONFIRMATION, check_study, specification_of
from oneshot_hpo.experiments.study.inputs import located
from oneshot_hpo.experiments.study.kept_weights import NONE, kept_keys, sizes
from oneshot_hpo.experiments.study.outcome import IMPUTED, Outcome, undecided_note
from oneshot_hpo.experiments.study.pairing import transfer_note
from oneshot_hpo.experiments.study.sources import Source, sources_of, with_losses
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.trust import allow_if_trusted
from oneshot_hpo.experiments.study.workers_file import Workers, read_workers
from oneshot_hpo.hpo import (
    BASELINE_ID,
    ConfirmationView,
    Observation,
    Rerun,
    Trial,
    TrialResult,
    has_confirmation,
    read_confirmation,
    read_study,
)
from oneshot_hpo.hpo.brackets import rung_budgets
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.hpo.journal.lock import is_held
from oneshot_hpo.hpo.study_view import StudyTimes
from oneshot_hpo.search_spaces.rows_file import ROWS
from oneshot_hpo.searchers.checkpoint import METRICS, read_metrics

if TYPE_CHECKING:
    import pandas as pd

    from oneshot_hpo.cluster.slurm.commands import Job
    from oneshot_hpo.experiments.study.cell_errors import CellErrors
    from oneshot_hpo.experiments.study.shrunken import ShrunkenBest

State = Literal["finished", "running", "waiting", "stopped"]
"""waiting: for SLURM to start its master; stopped: unfinished, and no master works on it."""
TrialState = Literal["finished", "crashed", "running", "interrupted"]
"""interrupted: it runs again when the study is resumed."""


@dataclass(frozen=True)
class QueuedJobs:
    """The jobs of a study in SLURM's queue."""

    masters: Sequence[Job] = ()
    workers: Sequence[Job] = ()


class OpenedStudy:
    """A snapshot of a study's folder, running or not; nothing is written or locked.

    The study's journal is read once, when it is opened. Everything else is read when it is first
    needed, and kept.

    Raises UserError if the folder holds no study, and what `read_study` raises.
    """

    def __init__(
        self, folder: Path, *, source: str | None = None, jobs: QueuedJobs | None = None
    ) -> None:
        """source: the study's name in messages; jobs: None to query SLURM when they are needed."""
        check_study(folder)
        self.folder = folder
        self.source = str(folder) if source is None else source
        # Checked before the journal is read: a master that ends in between has finished the study.
        self._is_held = is_held(folder)
        self.workers: Workers | None = read_workers(folder) if self._is_held else None
        """What its master's workers do; None without a master, or until it has seen some."""
        self.view = read_study(folder)
        if jobs is not None:
            self.jobs = jobs

    @cached_property
    def spec(self) -> StudySpec:
        """The specification in the journal's header, with the study's extensions.

        StudyFileError: it cannot be used.

        Code of the user's that it names can be imported from then on, if it was trusted before.
        """
        spec = specification_of(self.view.header, self.folder)
        extensions = [one.extension for one in self.view.extensions]
        spec = extended(spec, extensions, str(self.folder / JOURNAL_NAME))
        allow_if_trusted(spec)
        return spec

    @cached_property
    def located(self) -> StudySpec:
        """`spec` with the current paths of data set and table.

        Rows of the table that lie beside the journal take the table's place.
        """
        found = located(self.spec, self.folder, notes=self.environments)
        rows = self.folder / ROWS
        if found.table is None or not rows.is_file():
            return found
        return found.model_copy(update={"table": str(rows)})

    @property
    def name(self) -> str:
        """The study's name; its folder's where the journal has none."""
        specification: dict[str, Any] = self.view.header.get("specification", {})
        return specification.get("name", self.folder.resolve().name)

    @cached_property
    def identity(self) -> str:
        """SHA-256 of the journal's header: unique to a study, and constant over its life."""
        with (self.folder / JOURNAL_NAME).open("rb") as journal:
            return hashlib.sha256(journal.readline()).hexdigest()

    @cached_property
    def sources(self) -> list[Source]:
        """The studies and runs with whose results its model began. UserError: cannot be read."""
        journal = str(self.folder / JOURNAL_NAME)
        return sources_of(self.view.header, len(self.view.prior), journal)

    @cached_property
    def prior(self) -> list[Observation]:
        """The observations with which its model began, without those of which it took the order."""
        return with_losses(self.view.prior, self.sources)

    @cached_property
    def transfer(self) -> str | None:
        """A sentence if the table is of another data set, else None."""
        if not {"dataset", "table"} <= self.view.header.get("specification", {}).keys():
            return None
        return None if self.spec.transfer is False else transfer_note(self.located)

    @cached_property
    def on_test(self) -> str | None:
        """A sentence if the study selects on test, else None."""
        objective = self.view.header.get("specification", {}).get("objective", MEAN)
        return selection_note(objective)

    @cached_property
    def outcomes(self) -> list[Outcome]:
        """The outcomes of the results so far, without crashes, in the order of tell."""
        results = [result for _, result in self.view.evaluations if not result.crashed]
        return [Outcome.from_result(result) for result in results]

    @cached_property
    def known(self) -> frozenset[str]:
        """The fields of an `Outcome` that a result has."""
        names = [field.name for field in dataclasses.fields(Outcome)]
        found = (name for name in names for one in self.outcomes if getattr(one, name) is not None)
        return frozenset(found)

    def lacks(self, *fields: str) -> bool:
        """Whether there are results, and none has any of these fields: there is no table, say."""
        return bool(self.outcomes) and not self.known & set(fields)

    @property
    def costs(self) -> dict[str, str]:
        """The costs that the study's objective adds to an error, with their labels."""
        return {
            metric: outcome.cost_label(metric)
            for outcome in self.outcomes
            for metric in outcome.costs
        }

    @property
    def measure(self) -> str:
        """What the study minimises: a validation error, a test error, or another loss."""
        return loss_name(self.view.header.get("specification", {}).get("objective", MEAN))

    @property
    def caveats(self) -> list[str]:
        """Sentences that qualify every number of the study."""
        words = (self.transfer, self.imputed, self.on_test)
        return [sentence for sentence in words if sentence is not None]

    @cached_property
    def imputed(self) -> str | None:
        """A sentence if results rest on imputed values of the table, else None."""
        count = sum(outcome.imputed for outcome in self.outcomes)
        if not count:
            return None
        return f"The errors of {count} of {len(self.view.evaluations)} results are {IMPUTED}."

    @cached_property
    def undecided(self) -> str | None:
        """A sentence if searches ended undecided (`Diagnosis.undecided`), else None."""
        return undecided_note(result for _, result in self.view.evaluations)

    @property
    def times(self) -> StudyTimes:
        """When the study was created, and when its journal was first and last written to."""
        return self.view.times

    @cached_property
    def cells(self) -> CellErrors:
        """Errors of cells in the study's table. TableError: it cannot be read."""
        from oneshot_hpo.experiments.study.cell_errors import CellErrors

        return CellErrors(self.located.required_table, self.located.required_space)

    @property
    def table_name(self) -> str | None:
        """The name of the study's table; None: it has none."""
        return None if self.located.table is None else self.cells.table.name

    @cached_property
    def largest_budget(self) -> int | float:
        """Epochs of the top rung, at which the incumbent is chosen."""
        return rung_budgets(self.view.settings)[-1]

    # The study's state

    @cached_property
    def jobs(self) -> QueuedJobs:
        """The study's jobs in SLURM's queue; none without SLURM or without an answer."""
        return queued_jobs(self.spec, self.folder) or QueuedJobs()

    @property
    def has_master(self) -> bool:
        """Whether a master works on the study, here or in a SLURM job that runs."""
        return self._is_held or any(job.state == "RUNNING" for job in self.jobs.masters)

    @property
    def state(self) -> State:
        """Whether the study is finished; if not, whether a master works on it, or soon will."""
        if self.view.finished:
            return "finished"
        if self.has_master:
            return "running"
        return "waiting" if self.jobs.masters else "stopped"

    # Trials

    @cached_property
    def trials(self) -> list[tuple[Trial, TrialResult | None]]:
        """Every trial in the order of ask; those that are not finished have no result."""
        pending = [(trial, None) for trial in self.view.pending]
        return sorted([*self.view.evaluations, *pending], key=lambda pair: pair[0].seq)

    @property
    def tuned(self) -> tuple[Trial, TrialResult] | None:
        """The incumbent, if it is not the default configuration."""
        incumbent = self.view.incumbent
        return None if incumbent is None or incumbent[0].id == BASELINE_ID else incumbent

    @cached_property
    def shrunken(self) -> ShrunkenBest | None:
        """What the best value is expected to be with new seeds; see `study.shrunken`."""
        from oneshot_hpo.experiments.study.shrunken import shrunken_best

        return shrunken_best(self)

    def trial_state(self, result: TrialResult | None) -> TrialState:
        """The state of a trial with this result."""
        if result is not None:
            return "crashed" if result.crashed else "finished"
        return "running" if self.has_master else "interrupted"

    def trial_times(self, trial: Trial, result: TrialResult | None) -> dict[str, float]:
        """When a trial was submitted, started and finished, in seconds since 1970.

        The journal's own times replace those that a lost worker did not report. A trial
        without a result has neither started nor finished.
        """
        record = self.view.record(trial)
        if result is None or record.finished_at is None:
            return {"submitted": record.submitted_at}
        reported = result.timestamps
        submitted = reported.get("submitted", record.submitted_at)
        return {
            "submitted": submitted,
            "started": reported.get("started", submitted),
            "finished": reported.get("finished", record.finished_at),
        }

    def retries(self, trial: Trial) -> list[str]:
        """Why earlier attempts at a trial were lost, the first attempt first."""
        return self._retries.get(trial.key, [])

    @cached_property
    def _retries(self) -> dict[str, list[str]]:
        reasons: dict[str, list[str]] = {}
        for retry in self.view.retries:
            reasons.setdefault(retry.trial.key, []).append(retry.reason)
        return reasons

    def trial_folder(self, trial: Trial) -> Path:
        """Where a trial's search keeps its files."""
        return self.folder / "trials" / trial.key

    def epochs(self, trial: Trial) -> list[dict[str, Any]]:
        """A trial's finished epochs, each the dictionary of an `EpochRecord`.

        UserError: their file is damaged.
        """
        folder = self.trial_folder(trial)
        try:
            return read_metrics(folder)
        except ValueError as error:
            raise UserError(f"{folder / METRICS} is damaged ({error})") from None

    @cached_property
    def kept_weights(self) -> dict[str, int]:
        """Bytes of the checkpoints of supernets that the study keeps, by their trials' keys."""
        keep = self.view.header.get("specification", {}).get("keep", NONE)
        return sizes(self.folder, kept_keys(keep, self.view))

    # The confirmation

    @cached_property
    def confirmation(self) -> ConfirmationView | None:
        """The study's confirmation; None: it has not begun. Raises like `read_confirmation`."""
        own = self.folder / CONFIRMATION
        return read_confirmation(own) if has_confirmation(own) else None

    def rerun_folder(self, run: Rerun) -> Path:
        """Where a run of the confirmation keeps its files."""
        return self.folder / CONFIRMATION / "trials" / run.key

    @property
    def environments(self) -> list[dict[str, Any]]:
        """The environments that both journals have noted since the study began, by time."""
        noted = list(self.view.noted)
        if self.confirmation is not None:
            noted += self.confirmation.noted
        return [note.environment for note in sorted(noted, key=lambda note: note.time)]

    # Frames

    def trials_frame(self) -> pd.DataFrame:
        """One row per trial; see `study.frames.trials_frame` for its columns."""
        from oneshot_hpo.experiments.study.frames import trials_frame

        return trials_frame(self)

    def epochs_frame(self) -> pd.DataFrame:
        """One row per epoch of a trial; see `study.frames.epochs_frame` for its columns."""
        from oneshot_hpo.experiments.study.frames import epochs_frame

        return epochs_frame(self)


def open_study(folder: str | os.PathLike[str]) -> OpenedStudy:
    """Open a study to look at it; it may be running, and nothing is written or locked.

    UserError: the folder holds no study. CorruptJournal, NewerJournal: its journal cannot be read.
    """
    return OpenedStudy(Path(folder))


def open_if_there(folder: Path) -> OpenedStudy | None:
    """The study in `folder`; None if there is none yet."""
    return OpenedStudy(folder) if (folder / JOURNAL_NAME).exists() else None


def queued_jobs(spec: StudySpec, folder: Path) -> QueuedJobs | None:
    """The study's jobs in SLURM's queue; None: it does not use SLURM, or SLURM does not answer."""
    if spec.cluster.slurm is None:
        return None

    from oneshot_hpo.cluster.private_folder import NoPrivateFolder
    from oneshot_hpo.cluster.slurm.commands import SlurmRefused, SlurmUnavailable
    from oneshot_hpo.experiments.study.slurm_master import study_queue

    try:
        return QueuedJobs(*study_queue(spec.name, folder))
    except (SlurmUnavailable, SlurmRefused, NoPrivateFolder):
        return None  # the journal is the truth; SLURM only knows of its jobs

"""Every crash with its reason and the last lines of its logs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.pages.values import moment
from oneshot_hpo.experiments.report.naming import anchor, title
from oneshot_hpo.experiments.study.losses import LOST_LOG
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.wording import configuration, percent
from oneshot_hpo.hpo import Rerun, Trial, TrialResult
from oneshot_hpo.searchers.checkpoint import METRICS, read_metrics
from oneshot_hpo.searchers.records import DRAWN

_LINES, _EPOCHS = 20, 3
"""Lines of a log and epochs of a search to show."""


@dataclass(frozen=True)
class Crash:
    """A trial that crashed."""

    anchor: str
    """Its anchor in the page."""
    row: str | None
    """The anchor of the trial's row; None for a run of the confirmation."""
    title: str
    """The trial in words."""
    reason: str
    """The reason in the journal."""
    facts: dict[str, str]
    """Time, configuration and seed."""
    attempts: list[str]
    """Why earlier attempts were lost."""
    logs: dict[str, str]
    """Last lines of each log, by its title."""


@dataclass(frozen=True)
class Crashes:
    """All crashes of a study."""

    reasons: list[tuple[str, int]]
    """Kinds of reasons with their counts, the most frequent first."""
    crashes: list[Crash]
    """Crashes of the study in the order of tell."""
    again: list[Crash]
    """Crashes of its confirmation."""

    @property
    def all(self) -> list[Crash]:
        """All crashes, the study's own first."""
        return self.crashes + self.again


def read(study: OpenedStudy) -> Crashes:
    """The crashes of a study so far."""
    crashed = [pair for pair in study.view.evaluations if pair[1].crashed]
    reruns = [] if study.confirmation is None else study.confirmation.evaluations
    kinds = Counter(_kind(result) for _, result in crashed)
    return Crashes(
        kinds.most_common(),
        [_crash(study, *pair) for pair in crashed],
        [_rerun(study, run, result) for run, result in reruns if result.crashed],
    )


def _rerun(study: OpenedStudy, run: Rerun, result: TrialResult) -> Crash:
    return Crash(
        anchor=f"crash-again-{run.key.replace('/', '-')}",
        row=None,
        title=f"{run.setting} with seed number {run.number} of the confirmation",
        reason=str(result.exception),
        facts={"configuration": configuration(run.config), "seed": str(run.seed)},
        attempts=[],
        logs=_logs(study.rerun_folder(run)),
    )


def _kind(result: TrialResult) -> str:
    """The class of an exception, or the first words of another reason."""
    return str(result.exception).partition(":")[0]


def _crash(study: OpenedStudy, trial: Trial, result: TrialResult) -> Crash:
    finished = study.view.record(trial).finished_at
    facts = {} if finished is None else {"finished": moment(finished)}
    facts |= {"configuration": configuration(trial.config), "seed": str(trial.seed)}
    place = anchor(trial)
    return Crash(
        anchor=place.replace("trial-", "crash-", 1),
        row=place,
        title=title(trial),
        reason=str(result.exception),
        facts=facts,
        attempts=study.retries(trial),
        logs=_logs(study.trial_folder(trial)),
    )


def _logs(folder: Path) -> dict[str, str]:
    """Last lines of the logs; files that cannot be read are skipped."""
    logs = {}
    try:
        lost = (folder / LOST_LOG).read_text(encoding="utf-8", errors="replace")
        logs[f"last lines of lost workers ({LOST_LOG})"] = _tail(lost)
    except OSError:
        pass
    try:
        records = read_metrics(folder)
    except (OSError, ValueError):
        records = []
    if records:
        lines = [_epoch(record) for record in records[-_EPOCHS:]]
        logs[f"last epochs ({METRICS})"] = "\n".join(lines)
    return logs


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-_LINES:])


def _epoch(record: dict[str, Any]) -> str:
    """An epoch in a line, with what is known of it: a command records what it likes."""
    of_what = " of a drawn cell" if record.get("measured") == DRAWN else ""
    known = {
        "training loss": ("train_loss", "{:.4g}".format),
        f"one-shot validation error{of_what}": ("valid_error", percent),
        "learning rate": ("learning_rate", "{:.3g}".format),
    }
    words = [
        f"{name} {written(record[key])}"
        for name, (key, written) in known.items()
        if record.get(key) is not None
    ]
    return f"epoch {record['epoch']}: {', '.join(words)}"

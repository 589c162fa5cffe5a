"""Every crash with its reason, and what the search and its workers last said."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.pages.values import moment
from oneshot_hpo.experiments.report.naming import anchor, title
from oneshot_hpo.experiments.study.loop import LOST_LOG
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.wording import configuration, percent
from oneshot_hpo.hpo import Rerun, Trial, TrialResult
from oneshot_hpo.searchers.checkpoint import METRICS, read_metrics

_LINES, _EPOCHS = 20, 3
"""How much of a log is shown."""


@dataclass(frozen=True)
class Crash:
    """A trial that crashed."""

    anchor: str
    """Its place in the page."""
    row: str | None
    """That of the trial's row; None for a run of the confirmation."""
    title: str
    """Which trial."""
    reason: str
    """As it was told."""
    facts: dict[str, str]
    """When, and with which configuration."""
    attempts: list[str]
    """Why earlier attempts were lost."""
    logs: dict[str, str]
    """Last lines, by what they are of."""


@dataclass(frozen=True)
class Crashes:
    """All of a study."""

    reasons: list[tuple[str, int]]
    """Kinds of reasons with their numbers, the most frequent first."""
    crashes: list[Crash]
    """In the order of telling."""
    again: list[Crash]
    """Those of its confirmation."""

    @property
    def all(self) -> list[Crash]:
        """The study's own first."""
        return self.crashes + self.again


def read(study: OpenedStudy) -> Crashes:
    """The crashes of a study as it stands."""
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
    told = study.view.record(trial).finished_at
    facts = {} if told is None else {"told": moment(told)}
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
    """Files that cannot be read are passed over: the reason stands without them."""
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
    return (
        f"epoch {record['epoch']}: training loss {record['train_loss']:.4g}, one-shot validation "
        f"error {percent(record['valid_error'])}, learning rate {record['learning_rate']:.3g}"
    )
